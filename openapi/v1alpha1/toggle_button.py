"""ToggleButton: a button that switches a value of a ConfigMap between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.ui_button import UIComponentLocation, icon_problems

if TYPE_CHECKING:
    from collections.abc import Iterator


class ToggleButtonStateSpec(Model):
    """What the button says in one of its states."""

    text: str = ""
    """What it says."""
    icon_name: str = omit("")
    """Its icon, by a name of Google's Material icons."""
    icon_svg: str = omit("", alias="iconSVG")
    """Its icon, as SVG."""
    requires_confirmation: bool = omit(default=False)
    """A click counts only once it was confirmed."""


class ConfigMapStateSource(Model):
    """The ConfigMap's key, and its value for each state (``true`` and ``false``)."""

    name: str
    """The ConfigMap's name."""
    key: str
    """The key in it."""
    on_value: str = omit("")
    """The value that means on; empty: true."""
    off_value: str = omit("")
    """The value that means off; empty: false."""


class StateSource(Model):
    """Where the state is kept."""

    config_map: ConfigMapStateSource | None = None


class ToggleButtonSpec(Model):
    """Where the button is, what it says when on and when off, and where its state is kept."""

    location: UIComponentLocation = UIComponentLocation()
    on: ToggleButtonStateSpec = ToggleButtonStateSpec()
    off: ToggleButtonStateSpec = ToggleButtonStateSpec()
    default_on: bool = omit(default=False)
    """It is on where the ConfigMap has neither value."""
    state_source: StateSource = StateSource()


class ToggleButtonStatus(Model):
    """What went wrong, if anything."""

    error: str = omit("")
    """Why it cannot switch."""


class ToggleButton(Object):
    """A button that switches a value of a ConfigMap between two."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "ToggleButton",
        "togglebuttons",
        columns=(
            NAME,
            Column("WHERE", at("spec", "location", "componentID"), description="What it belongs to"),
            Column("CONFIGMAP", at("spec", "stateSource", "configMap", "name"), description="Where its state is kept"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: ToggleButtonSpec = ToggleButtonSpec()
    status: ToggleButtonStatus = ToggleButtonStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        yield from self.spec.location.problems_at("spec.location")
        for name, state in (("on", self.spec.on), ("off", self.spec.off)):
            if not state.text:
                yield Cause(f"spec.{name}.text", "Required value: button text cannot be empty", "FieldValueRequired")
            yield from icon_problems(state.icon_svg, f"spec.{name}.iconSVG")
        source = self.spec.state_source.config_map
        if source is None:
            yield Cause("spec.stateSource.configMap", "Required value: where the state is kept", "FieldValueRequired")
            return
        for name, value in (("name", source.name), ("key", source.key)):
            if not value:
                yield Cause(
                    f"spec.stateSource.configMap.{name}", "Required value: cannot be empty", "FieldValueRequired"
                )
        if (source.on_value or "true") == (source.off_value or "false"):
            yield Cause(
                "spec.stateSource.configMap.onValue", "Invalid value: onValue and offValue must not be the same"
            )
