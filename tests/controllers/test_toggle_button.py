"""A toggle button says how its ConfigMap stands, and turns it over once for each click."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.controllers.rooms import Room, room
from upright.controllers.toggle_button import ToggleButtonController
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.toggle_button import (
    ConfigMapStateSource,
    StateSource,
    ToggleButton,
    ToggleButtonSpec,
    ToggleButtonStateSpec,
)
from upright.openapi.v1alpha1.ui_button import (
    TextInputStatus,
    UIButton,
    UIButtonStatus,
    UIComponentLocation,
    UIInputStatus,
)

if TYPE_CHECKING:
    from pathlib import Path

CLICKED = datetime(2026, 1, 1, tzinfo=UTC)


async def begin(made: Room) -> None:
    source = ConfigMapStateSource(name="state", key="k", on_value="yes", off_value="no")
    spec = ToggleButtonSpec(
        location=UIComponentLocation(component_id="nav", component_type="Global"),
        on=ToggleButtonStateSpec(text="Stop it"),
        off=ToggleButtonStateSpec(text="Start it"),
        state_source=StateSource(config_map=source),
    )
    await made.client.create(ToggleButton(metadata=ObjectMeta(name="t"), spec=spec))


async def says(made: Room, text: str) -> UIButton:
    return await made.until(UIButton, "toggle-t", lambda button: button.spec.text == text)


async def click(made: Room, button: UIButton, action: str = "") -> None:
    given = (UIInputStatus(name="action", hidden=TextInputStatus(value=action)),) if action else ()
    await made.say(button, UIButtonStatus(last_clicked_at=CLICKED, inputs=given))


async def test_a_click_turns_the_config_map_over_once_also_over_a_restart(tmp_path: Path) -> None:
    async with room(tmp_path, lambda _logs: [ToggleButtonController()]) as made:
        await begin(made)
        button = await says(made, "Start it")
        assert [one.hidden.value for one in button.spec.inputs if one.hidden] == ["on"]
        await click(made, button, "on")
        await says(made, "Stop it")
        state = await made.client.get(ConfigMap, "state")
        assert state.data == {"k": "yes"}
        await made.client.update(state.model_copy(update={"data": {"k": "no"}}))
        await says(made, "Start it")
    async with room(tmp_path, lambda _logs: [ToggleButtonController()]) as made:
        await made.settled()
        assert (await made.client.get(ConfigMap, "state")).data == {"k": "no"}


async def test_a_click_that_says_nothing_does_what_the_button_says(tmp_path: Path) -> None:
    async with room(tmp_path, lambda _logs: [ToggleButtonController()]) as made:
        await made.client.create(ConfigMap(metadata=ObjectMeta(name="state"), data={"k": "yes", "other": "kept"}))
        await begin(made)
        await click(made, await says(made, "Stop it"))
        await says(made, "Start it")
        assert (await made.client.get(ConfigMap, "state")).data == {"k": "no", "other": "kept"}


async def test_a_value_that_is_neither_is_said(tmp_path: Path) -> None:
    async with room(tmp_path, lambda _logs: [ToggleButtonController()]) as made:
        await made.client.create(ConfigMap(metadata=ObjectMeta(name="state"), data={"k": "perhaps"}))
        await begin(made)
        found = await made.until(ToggleButton, "t", lambda toggle: toggle.status.error)
        assert found.status.error == 'ConfigMap "state" key "k" has unknown value "perhaps"'
