"""Commands that are started and restarted by clicks and by changes of files, in a whole run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.upright.test_restart import begin, whole
from upright.controllers.cmd import NOT_TRIGGERED
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.file_watch import FileWatch
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.ui_button import (
    BoolInputStatus,
    TextInputStatus,
    UIButton,
    UIButtonStatus,
    UIInputStatus,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.rooms import Room

TILTFILE = """
v1alpha1.ui_button("go", text="Go", location=v1alpha1.ui_component_location("nav", "Global"), inputs=[
  v1alpha1.ui_input_spec(name="WHO", text=v1alpha1.ui_text_input_spec()),
  v1alpha1.ui_input_spec(name="LOUD", bool=v1alpha1.ui_bool_input_spec(true_string="very", false_string="not")),
])
v1alpha1.file_watch("sources", watched_paths=["src"])
v1alpha1.cmd("greet", args=["sh", "-c", "echo $WHO $LOUD >> marks"], dir=".",
             start_on=v1alpha1.start_on_spec(ui_buttons=["go"]))
v1alpha1.cmd("build", args=["sh", "-c", "echo built >> builds"], dir=".",
             restart_on=v1alpha1.restart_on_spec(file_watches=["sources", "not-there"]))
local_resource("main", "true")
"""


async def click(made: Room, second: int, who: str) -> Cmd:
    """Click, and return the command when it has run for that."""
    given = (
        UIInputStatus(name="WHO", text=TextInputStatus(value=who)),
        UIInputStatus(name="LOUD", bool=BoolInputStatus(value=True)),
    )
    ran = (await made.client.get(Cmd, "greet")).status.ran
    button = await made.client.get(UIButton, "go")
    at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    await made.say(button, UIButtonStatus(last_clicked_at=at, inputs=given))
    return await made.until(Cmd, "greet", lambda cmd: cmd.status.terminated and cmd.status.ran != ran)


async def test_a_click_starts_a_command_with_what_was_given_once_also_over_a_restart(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "Tiltfile").write_text(TILTFILE)
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        await made.until(Session, "Tiltfile", lambda session: session.status.done)
        waits = await made.until(Cmd, "greet", lambda cmd: cmd.status.waiting)
        assert waits.status.waiting is not None
        assert waits.status.waiting.reason == NOT_TRIGGERED
        await click(made, 1, "you")
        await click(made, 2, "me")
    async with whole(tmp_path) as made:
        await made.settled()
    assert (tmp_path / "marks").read_text().splitlines() == ["you very", "me very"]


async def test_a_change_of_a_watched_file_runs_a_command_again(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "Tiltfile").write_text(TILTFILE)
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        first = await made.until(Cmd, "build", lambda cmd: cmd.status.terminated)
        await made.until(FileWatch, "sources", lambda watch: watch.status.monitor_start_time)
        (tmp_path / "src/main.c").write_text("")
        await made.until(Cmd, "build", lambda cmd: cmd.status.terminated and cmd.status.ran != first.status.ran)
    assert (tmp_path / "builds").read_text().splitlines() == ["built", "built"]
