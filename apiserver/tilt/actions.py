"""What Tilt's clients ask for by the web endpoints, as writes to objects; what cannot be understood is Refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from upright.apiserver.options import Patch, Target, WriteOptions
from upright.apiserver.tilt.visitors import Refused
from upright.openapi.errors import NotFound
from upright.openapi.meta import format_micro_time
from upright.openapi.v1alpha1.resource import TILTFILE, TRIGGER, TRIGGER_REASON, Resource
from upright.openapi.v1alpha1.tiltfile import Tiltfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.apiserver.registry import Registry
    from upright.openapi.meta import Json, Object

_WRITER = WriteOptions(field_manager="tilt-web")
_CAUSE = "tilt.dev/cause"
_MODES: dict[int, Json] = {
    0: {"triggerMode": "auto", "autoInit": True},
    1: {"triggerMode": "manual", "autoInit": True},
    2: {"triggerMode": "manual", "autoInit": False},
    3: {"triggerMode": "auto", "autoInit": False},
}
_REASONS: dict[object, str] = {16: "Web Trigger", 32: "CLI Trigger", 64: "HUD Trigger"}
_OF_MODE = frozenset({"manifest_names", "trigger_mode"})


class Actions:
    """Carries out what is asked; each takes the request's body and returns the answer's text, which is empty if all is well."""

    def __init__(self, registry: Registry, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._now = now

    async def trigger(self, raw: bytes) -> str:
        """Have one resource updated again."""
        asked = _object(raw)
        names = _names(asked)
        if len(names) != 1:
            raise Refused(400, f"/api/trigger currently supports exactly one manifest name, got {len(names)}")
        (name,) = names
        try:
            body = self._registry.get(Target(Resource, name=name)).body
        except NotFound:
            raise Refused(404, f'resource "{name}" does not exist') from None
        switch = body.get("status", {}).get("disableStatus") or {}
        if switch.get("state") == "Disabled":
            return f'resource "{name}" is currently disabled'
        when = format_micro_time(self._now())
        if name == TILTFILE:
            await self._patch(Tiltfile, name, {"metadata": {"annotations": {_CAUSE: when}}})
            return ""
        reason = _REASONS.get(asked.get("build_reason"), "Unknown Trigger")
        await self._patch(Resource, name, {"metadata": {"annotations": {TRIGGER: when, TRIGGER_REASON: reason}}})
        return ""

    async def override_trigger_mode(self, raw: bytes) -> str:
        """Change the trigger mode of resources."""
        asked = _object(raw)
        if unknown := sorted(asked.keys() - _OF_MODE):
            raise Refused(400, f'error parsing JSON payload: json: unknown field "{unknown[0]}"')
        names, mode = _names(asked), asked.get("trigger_mode", 0)
        known = {stored.address.name for stored in self._registry.list(Target(Resource)).items}
        for name in names:
            if name not in known:
                raise Refused(400, f"no manifest found with name '{name}'")
        if not isinstance(mode, int) or mode not in _MODES:
            raise Refused(400, f"invalid trigger mode: {mode}")
        for name in names:
            await self._patch(Resource, name, {"spec": _MODES[mode]})
        return ""

    async def set_tiltfile_args(self, raw: bytes) -> str:
        """Execute the Tiltfile again with other arguments."""
        args = _decoded(raw)
        if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
            raise Refused(400, "error parsing JSON payload: want a list of strings")
        await self._patch(Tiltfile, TILTFILE, {"spec": {"args": args}})
        return ""

    async def ignore(self, raw: bytes) -> str:
        """Take what is told for statistics, of which there are none here."""
        _decoded(raw)
        return ""

    async def _patch(self, kind: type[Object], name: str, patch: Json) -> None:
        await self._registry.patch(Target(kind, name=name), Patch("merge", patch), _WRITER)


def _decoded(raw: bytes) -> object:
    try:
        decoded: object = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"error parsing JSON payload: {error}") from error
    return decoded


def _object(raw: bytes) -> Json:
    decoded = _decoded(raw)
    if not isinstance(decoded, dict):
        raise Refused(400, "error parsing JSON payload: want an object")
    return decoded


def _names(asked: Json) -> list[str]:
    names = asked.get("manifest_names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refused(400, "error parsing JSON payload: manifest_names is no list of names")
    return names
