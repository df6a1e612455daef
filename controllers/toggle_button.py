"""The ToggleButton controller: a button that says how a ConfigMap's key stands, and turns it over when clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.toggle_button import ToggleButton, ToggleButtonStatus
from upright.openapi.v1alpha1.ui_button import HiddenInputSpec, UIButton, UIButtonSpec, UIInputSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.toggle_button import ConfigMapStateSource

ACTION = "action"
ON, OFF = "on", "off"
HANDLED = "tilt.dev/handled-click"
"""The annotation of the button with the time of the last click that was carried out."""


class ToggleButtonController(Controller[ToggleButton]):
    """Owns the UIButton ``toggle-NAME``; a click is carried out once, also over a restart."""

    kind: ClassVar[type[Object]] = ToggleButton
    owns: ClassVar[tuple[type[Object], ...]] = (UIButton,)

    def watches(self) -> Iterable[Watch]:
        yield Watch(ConfigMap, self._users_of)

    async def reconcile(self, turn: Turn[ToggleButton]) -> Outcome:
        toggle = turn.obj
        source = toggle.spec.state_source.config_map
        if source is None:
            return Outcome(ToggleButtonStatus(error="spec.stateSource.configMap is missing"))
        values = {ON: source.on_value or "true", OFF: source.off_value or "false"}
        found = turn.get(ConfigMap, source.name)
        value = found.data.get(source.key) if found is not None else None
        button = turn.get(UIButton, f"toggle-{toggle.name}")
        clicked = _clicked(button)
        if button is not None and clicked and clicked != button.metadata.annotations.get(HANDLED):
            value = values[_action(button)]
            await _set(turn, source, found, value)
        if value is not None and value not in values.values():
            told = f'ConfigMap "{source.name}" key "{source.key}" has unknown value "{value}"'
            return Outcome(ToggleButtonStatus(error=told))
        is_on = toggle.spec.default_on if value is None else value == values[ON]
        await turn.apply([_button(toggle, clicked, is_on=is_on)])
        return Outcome(ToggleButtonStatus())

    def _users_of(self, obj: Object) -> Iterable[Key]:
        for toggle in self.caches.of(ToggleButton).all():
            source = toggle.spec.state_source.config_map
            if source is not None and source.name == obj.name:
                yield Key("", toggle.name)


def _clicked(button: UIButton | None) -> str:
    at = button.status.last_clicked_at if button is not None else None
    return at.isoformat() if at is not None else ""


def _action(button: UIButton) -> Literal["on", "off"]:
    """Return what the click asks for: as it says itself, else as the button says."""
    given = next((one.hidden for one in button.status.inputs if one.name == ACTION), None)
    meant = next((one.hidden for one in button.spec.inputs if one.name == ACTION), None)
    said = given.value if given is not None else meant.value if meant is not None else ""
    return "on" if said == ON else "off"


async def _set(turn: Turn[ToggleButton], source: ConfigMapStateSource, found: ConfigMap | None, value: str) -> None:
    if found is None:
        await turn.client.create(ConfigMap(metadata=ObjectMeta(name=source.name), data={source.key: value}))
    elif found.data.get(source.key) != value:
        await turn.client.update(found.model_copy(update={"data": {**found.data, source.key: value}}))


def _button(toggle: ToggleButton, handled: str, *, is_on: bool) -> UIButton:
    state = toggle.spec.on if is_on else toggle.spec.off
    spec = UIButtonSpec(
        location=toggle.spec.location,
        text=state.text,
        icon_name=state.icon_name,
        icon_svg=state.icon_svg,
        requires_confirmation=state.requires_confirmation,
        inputs=(UIInputSpec(name=ACTION, hidden=HiddenInputSpec(value=OFF if is_on else ON)),),
    )
    annotations = {HANDLED: handled} if handled else {}
    return UIButton(metadata=ObjectMeta(name=f"toggle-{toggle.name}", annotations=annotations), spec=spec)
