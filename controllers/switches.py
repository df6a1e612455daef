"""Whether an object is switched off, by the ConfigMaps it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi.v1alpha1.config_map import ConfigMap

if TYPE_CHECKING:
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource


def is_disabled(source: DisableSource | None, turn: Turn[Any]) -> bool:
    """Return whether the source says off; no source is on, and so is one whose ConfigMap is not there yet."""
    if source is None:
        return False
    if source.config_map is not None:
        return _off(source.config_map, turn)
    return bool(source.every_config_map) and all(_off(one, turn) for one in source.every_config_map)


def _off(source: ConfigMapDisableSource, turn: Turn[Any]) -> bool:
    found = turn.get(ConfigMap, source.name)
    return found is not None and found.data.get(source.key, "").lower() == "true"
