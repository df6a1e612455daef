"""Why an image is built: what changed since it was built last; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.world.build_inputs import Inputs

_NAMED = 3
FIRST = "no earlier build of it is known here"
GONE = "the image that was built of the same is not there any more"
UNCHANGED = "nothing changed since it was built"


def why(now: Inputs, before: Inputs | None) -> str:
    """Return why an image is built of ``now``; ``before`` is what it was built of last, None if that is not known."""
    if before is None:
        return FIRST
    if now.dockerfile != before.dockerfile:
        return "its Dockerfile changed"
    for what, new, old in (
        ("option", now.options, before.options),
        ("base image", now.bases, before.bases),
        ("", now.files, before.files),
    ):
        if changed := _differing(new, old):
            return f"{what} {_listed(changed)} changed".strip()
    return GONE


def _differing(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    return sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))


def _listed(names: list[str]) -> str:
    shown, rest = names[:_NAMED], len(names) - _NAMED
    return f"{', '.join(shown)} and {rest} more" if rest > 0 else ", ".join(shown)
