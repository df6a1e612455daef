"""What the embedded cluster's kinds share: the mark on fields Kubernetes knows and it does not implement.

A field marked ``Refused`` makes a write fail with 422 and the field's path; one marked ``Harmless`` is kept, and
answered with a warning. Both marks may stand on a typed field too, by ``Annotated[…, Unimplemented(…)]``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from upright.openapi.causes import forbidden
from upright.openapi.meta import Model, Object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause

_REFUSAL = "not implemented by the embedded cluster; remove it, or deploy to a real cluster (--cluster=CONTEXT)"


class Unimplemented(Struct, frozen=True):
    """The mark: ``accepted`` values (and empty ones) need nothing of us; ``harmless`` says what happens instead."""

    accepted: tuple[object, ...] = ()
    harmless: str = ""

    def concerns(self, value: object) -> bool:
        return bool(value) and value not in self.accepted


Refused = Annotated[Any, Unimplemented()]
"""A field of Kubernetes that is not implemented: any JSON, refused unless it is empty."""

Harmless = Annotated[Any, Unimplemented(harmless="has no effect in the embedded cluster")]
"""A field of Kubernetes that may be ignored: any JSON, kept, and warned about."""


class EmbeddedObject(Object):
    """A kind of the embedded cluster: refuses and warns by its fields' marks."""

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        for path, mark in _marked(self, ""):
            if not mark.harmless:
                yield forbidden(path, _REFUSAL)

    def warnings(self) -> Iterator[str]:
        for path, mark in _marked(self, ""):
            if mark.harmless:
                yield f"{path}: {mark.harmless}"


def _marked(model: Model, at: str) -> Iterator[tuple[str, Unimplemented]]:
    """Yield the marked fields that are set, with their paths; ``at`` ends in a dot or is empty."""
    known = _fields(type(model))
    for name in sorted(model.model_fields_set):
        alias, mark = known[name]
        value = getattr(model, name)
        if mark is not None and mark.concerns(value):
            yield f"{at}{alias}", mark
        if isinstance(value, Model):
            yield from _marked(value, f"{at}{alias}.")
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, Model):
                    yield from _marked(item, f"{at}{alias}[{index}].")


@cache
def _fields(model: type[Model]) -> dict[str, tuple[str, Unimplemented | None]]:
    return {
        name: (field.alias or name, next((m for m in field.metadata if isinstance(m, Unimplemented)), None))
        for name, field in model.model_fields.items()
    }
