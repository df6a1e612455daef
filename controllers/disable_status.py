"""Whether a step is switched off by the ConfigMaps it names, and why: Tilt's rules and words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.triggers import DisableStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource

State = Literal["", "Enabled", "Disabled", "Error"]

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def disable_status(
    source: DisableSource | None,
    turn: Turn[Any],  # Any: of whichever kind
    before: DisableStatus | None,
    now: datetime,
) -> DisableStatus | None:
    """Return what the source says; None without one. ``disabled`` is also said while it cannot be known."""
    if source is None:
        return None
    state, reason = _all(sources_of(source), turn)
    if before is not None and (before.state, before.reason) == (state, reason):
        return before
    return DisableStatus(disabled=state != "Enabled", last_update_time=now, reason=reason, state=state)


def sources_of(source: DisableSource) -> tuple[ConfigMapDisableSource, ...]:
    """Return the ConfigMap keys that a source looks at."""
    return (source.config_map,) if source.config_map is not None else source.every_config_map


def _all(sources: Iterable[ConfigMapDisableSource], turn: Turn[Any]) -> tuple[State, str]:
    """Return the first answer that is not Disabled, for off means all of them are; else the last."""
    found: tuple[State, str] = ("Enabled", "no ConfigMap is named")
    for one in sources:
        found = _one(one, turn)
        if found[0] != "Disabled":
            break
    return found


def _one(source: ConfigMapDisableSource, turn: Turn[Any]) -> tuple[State, str]:
    there = turn.get(ConfigMap, source.name)
    if there is None:
        return "", f'ConfigMap "{source.name}" does not exist'
    value = there.data.get(source.key)
    if value is None:
        return "Error", f'ConfigMap "{source.name}" has no key "{source.key}"'
    place = f'ConfigMap/key "{source.name}"/"{source.key}"'
    if value in _TRUE:
        return "Disabled", f"{place} is true"
    if value in _FALSE:
        return "Enabled", f"{place} is false"
    return "Error", f'{place} has value "{value}": want true or false'
