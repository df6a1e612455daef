"""UIButton: a button of the dashboard; a click is an update of its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class UIComponentLocation(Model):
    """Where it is shown: beside a resource, or (``Global``) in the navigation."""

    component_id: str = omit("", alias="componentID")
    """The resource's name, or nav for the navigation."""
    component_type: str = omit("")
    """Resource or Global."""

    def problems_at(self, path: str) -> Iterator[Cause]:
        """Yield what is missing."""
        for name, value in (("componentID", self.component_id), ("componentType", self.component_type)):
            if not value:
                yield Cause(f"{path}.{name}", "Required value: cannot be empty", "FieldValueRequired")


class TextInputSpec(Model):
    """A line of text."""

    default_value: str = omit("")
    """What it holds at first."""
    placeholder: str = omit("")
    """What it shows while it is empty."""


class BoolInputSpec(Model):
    """A switch, and the texts it stands for."""

    default_value: bool = omit(default=False)
    """How it stands at first."""
    true_string: str | None = None
    """The text for on; null: true."""
    false_string: str | None = None
    """The text for off; null: false."""


class HiddenInputSpec(Model):
    """A fixed value."""

    value: str = ""
    """The value."""


class ChoiceInputSpec(Model):
    """One of several values."""

    choices: tuple[str, ...] = omit(())
    """The values; the first is chosen unless another is."""


class UIInputSpec(Model):
    """Something asked for with the click; exactly one of the four."""

    name: str
    """The variable in which a command gets it."""
    label: str = omit("")
    """What people read beside it."""
    text: TextInputSpec | None = None
    bool: BoolInputSpec | None = None
    hidden: HiddenInputSpec | None = None
    choice: ChoiceInputSpec | None = None


class UIButtonSpec(Model):
    """Where the button is, what it says, and what it asks for."""

    location: UIComponentLocation = UIComponentLocation()
    text: str = ""
    """What it says."""
    icon_name: str = omit("")
    """Its icon, by a name of Google's Material icons."""
    icon_svg: str = omit("", alias="iconSVG")
    """Its icon, as SVG."""
    disabled: bool = omit(default=False)
    """It is shown, but cannot be clicked."""
    requires_confirmation: bool = omit(default=False)
    """A click counts only once it was confirmed."""
    inputs: tuple[UIInputSpec, ...] = omit(())


class TextInputStatus(Model):
    """The text that was given."""

    value: str = ""
    """The text."""


class BoolInputStatus(Model):
    """How the switch stood."""

    value: bool = False
    """It is on."""


class UIInputStatus(Model):
    """What was given for one input."""

    name: str
    """The input's name."""
    text: TextInputStatus | None = None
    bool: BoolInputStatus | None = None
    hidden: TextInputStatus | None = None
    choice: TextInputStatus | None = None


class UIButtonStatus(Model):
    """The last click, and what was given with it."""

    last_clicked_at: MicroTime | None = None
    """When it was clicked last."""
    inputs: tuple[UIInputStatus, ...] = omit(())


class UIButton(Object):
    """A button of the dashboard; a click is an update of its status."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "UIButton",
        "uibuttons",
        columns=(
            NAME,
            Column("TEXT", at("spec", "text"), description="What it says"),
            Column("WHERE", at("spec", "location", "componentID"), description="What it belongs to"),
            Column("CLICKED", at("status", "lastClickedAt"), "date", "Time since the last click"),
            AGE,
        ),
    )

    spec: UIButtonSpec = UIButtonSpec()
    status: UIButtonStatus = UIButtonStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.text:
            yield Cause("spec.text", "Required value: button text cannot be empty", "FieldValueRequired")
        yield from self.spec.location.problems_at("spec.location")
        yield from icon_problems(self.spec.icon_svg, "spec.iconSVG")
        seen: set[str] = set()
        for index, wanted in enumerate(self.spec.inputs):
            path = f"spec.inputs[{index}]"
            if wanted.name in seen:
                yield Cause(f"{path}.name", f'Duplicate value: "{wanted.name}"', "FieldValueDuplicate")
            seen.add(wanted.name)
            yield from _input_problems(wanted, path)


def _input_problems(wanted: UIInputSpec, path: str) -> Iterator[Cause]:
    if not wanted.name:
        yield Cause(f"{path}.name", "Required value: cannot be empty", "FieldValueRequired")
    kinds = (wanted.text, wanted.bool, wanted.hidden, wanted.choice)
    if sum(kind is not None for kind in kinds) != 1:
        yield Cause(path, "Invalid value: exactly one of text, bool, hidden and choice is needed")
    if wanted.choice is not None and not wanted.choice.choices:
        yield Cause(f"{path}.choice.choices", "Required value: at least one is needed", "FieldValueRequired")


def icon_problems(svg: str, path: str) -> Iterator[Cause]:
    """Yield what is wrong with an icon's SVG, if there is one."""
    if svg and "<svg" not in svg:
        yield Cause(path, "Invalid value: Invalid <svg> element")
