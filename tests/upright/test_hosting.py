"""A server for a team: Sessions that are posted run side by side, and no restart of either process loses one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.upright.shared_server import SESSIONS, SharedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

WAITS = """
local_resource('first', 'echo first >> ran')
local_resource('second', 'echo begun >> ran; until [ -e go ]; do sleep 0.1; done; echo second', resource_deps=['first'])
"""


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[SharedServer]:
    server = SharedServer(tmp_path)
    try:
        await server.start_server()
        await server.start_controllers("--keep-sessions=3")
        yield server
    finally:
        server.close()


async def begun(project: Path, times: int = 1) -> None:
    """Wait until the second command has begun so many times."""
    ran = anyio.Path(project.parent / "ran")
    with anyio.fail_after(60):
        while not (await ran.exists() and (await ran.read_text()).count("begun") == times):  # noqa: ASYNC110  reason: another process
            await anyio.sleep(0.1)


async def test_sessions_run_side_by_side_each_with_its_own_objects_and_verdict(shared: SharedServer) -> None:
    good = shared.project("good", WAITS)
    bad = shared.project("bad", "local_resource('first', 'echo so it goes; exit 3')")
    await shared.post("good", good)
    await begun(good)
    await shared.post("bad", bad)
    failed = await shared.status("bad")
    assert (failed["verdict"]["state"], failed["verdict"]["exitCode"]) == ("failed", 1)
    assert failed["failures"][0]["resource"] == "first"
    assert "so it goes" in "".join(failed["failures"][0]["logs"])
    (good.parent / "go").touch()
    assert (await shared.status("good"))["verdict"]["exitCode"] == 0
    for name, count in (("good", 2), ("bad", 1)):
        _, found = await shared.ask("GET", f"/sessions/{name}/apis/tilt.dev/v1alpha1/cmds")
        assert len(found["items"]) == count
    assert "so it goes" in shared.log("bad")
    assert (await shared.ask("GET", "/apis/tilt.dev/v1alpha1/cmds"))[1]["items"] == []


async def test_a_session_leaves_a_record_that_is_replayed_to_the_same_verdict(shared: SharedServer) -> None:
    await shared.post("bad", shared.project("bad", "local_resource('first', 'echo so it goes; exit 3')"))
    reason = (await shared.status("bad"))["verdict"]["reason"]
    code, told = await shared.replayed("bad")
    assert (code, reason in told, "so it goes" in told) == (1, True, True), told


async def test_the_logs_of_sessions_are_served_while_they_run_and_afterwards(shared: SharedServer) -> None:
    projects = {name: shared.project(name, WAITS) for name in ("one", "other")}
    for name, project in projects.items():
        await shared.post(name, project)
        await begun(project)
    followed: list[str] = []

    async def follow() -> None:
        followed.append(await shared.text(f"{SESSIONS}/one/log?follow=1&resource=second&source=runtime"))

    async with anyio.create_task_group() as group:
        group.start_soon(follow)
        (projects["one"].parent / "go").touch()
        assert (await shared.status("one"))["verdict"]["exitCode"] == 0
    assert followed[0].splitlines()[-1] == "second"
    assert await shared.text("/sessions/one/apis/tilt.dev/v1alpha1/resources/second/log") == followed[0]
    whole = await shared.text("/apis/session/one/log")
    assert "session one" in whole.splitlines()[0]
    assert "second │ second" in whole
    assert "second │ second" not in await shared.text(f"{SESSIONS}/other/log")
    assert (await shared.ask("GET", f"{SESSIONS}/third/log"))[0] == 404


async def test_a_tiltfile_elsewhere_is_refused_with_the_reason(shared: SharedServer) -> None:
    elsewhere = shared.folder / "Tiltfile"
    elsewhere.write_text("local_resource('a', 'touch ran')")
    await shared.post("elsewhere", elsewhere)
    verdict = (await shared.status("elsewhere"))["verdict"]
    assert verdict["exitCode"] == 2
    assert "not under a directory that this server serves" in verdict["reason"]
    assert not (shared.folder / "ran").exists()


async def test_a_session_is_over_when_it_is_deleted_and_nothing_of_it_stays(shared: SharedServer) -> None:
    project = shared.project("web", WAITS)
    await shared.post("web", project)
    await begun(project)
    (folder,) = (shared.folder / "runs" / "sessions").glob("web-*")
    assert (await shared.ask("DELETE", f"{SESSIONS}/web"))[0] == 200
    with anyio.fail_after(30):
        while (await shared.ask("GET", f"{SESSIONS}/web"))[0] != 404:  # noqa: ASYNC110  reason: another process
            await anyio.sleep(0.1)
    assert not folder.exists()
    for plural in ("cmds", "resources", "tiltfiles"):
        assert (await shared.ask("GET", f"/sessions/web/apis/tilt.dev/v1alpha1/{plural}"))[1]["items"] == []
    await shared.post("web", shared.project("web2", "local_resource('a', 'true')"))
    assert (await shared.status("web"))["verdict"]["exitCode"] == 0


async def test_a_session_goes_on_when_the_api_server_was_killed(shared: SharedServer) -> None:
    project = shared.project("web", WAITS)
    await shared.post("web", project)
    await begun(project)
    shared.kill("apiserver")
    (project.parent / "go").touch()
    await shared.start_server()
    assert (await shared.status("web"))["verdict"]["exitCode"] == 0
    assert (project.parent / "ran").read_text() == "first\nbegun\n"


async def test_a_session_is_resumed_when_the_controllers_were_killed(shared: SharedServer) -> None:
    project = shared.project("web", WAITS)
    await shared.post("web", project)
    await begun(project)
    shared.kill("controllers")
    await shared.start_controllers()
    await begun(project, 2)
    (project.parent / "go").touch()
    assert (await shared.status("web"))["verdict"]["exitCode"] == 0
    assert (project.parent / "ran").read_text() == "first\nbegun\nbegun\n", "what was finished is not run again"
    assert "Resumed after a restart" in shared.log("web")
    assert (await shared.replayed("web"))[0] == 0
    assert (shared.folder_of("web") / "record.1").exists(), "what was recorded before is kept"


async def test_controllers_that_are_asked_to_end_leave_the_session_to_the_next_ones(shared: SharedServer) -> None:
    project = shared.project("web", WAITS)
    await shared.post("web", project)
    await begun(project)
    assert await shared.stop("controllers") == 0
    _, session = await shared.ask("GET", f"{SESSIONS}/web")
    assert session["status"]["done"] is False
    (project.parent / "go").touch()
    await shared.start_controllers()
    assert (await shared.status("web"))["verdict"]["exitCode"] == 0
