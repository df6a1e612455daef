"""Puts the calls to a server, and makes its answers comparable: what differs from run to run is named, not shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from tests.contracts.requests import Call

    Ask = Callable[[Call, bytes], Awaitable["Answered"]]

_QUOTE = re.compile(r"\$\{([^:}]+):([^}]+)\}")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_OWN = frozenset({"managedFields", "selfLink"})
_NAMED = {
    "resourceVersion": "RV",
    "continue": "TOKEN",
    "storageVersionHash": None,
    "deployment.kubernetes.io/revision": None,
}
_MAY_BE_EMPTY = frozenset({"annotations", "details"})
_LEFT_TO_CONTROLLERS = frozenset({"Deployment", "Job"})
_OF_INTEREST = {"configmaps", "secrets", "pods", "deployments", "jobs", "services", "namespaces", "events", "nodes"}


class Answered(NamedTuple):
    """An answer as it came."""

    status: int
    body: bytes
    warnings: tuple[str, ...] = ()


async def put_to(ask: Ask, calls: Sequence[Call]) -> dict[str, Any]:
    """Ask one after the other; return the answers by name, made comparable."""
    raw: dict[str, Any] = {}
    told: dict[str, Any] = {}

    def quoted(found: re.Match[str]) -> str:
        value: Any = raw[found[1]]
        for step in found[2].split("/"):
            value = value[step]
        return str(value)

    for call in calls:
        body = call.body if isinstance(call.body, bytes) else b"" if call.body is None else orjson.dumps(call.body)
        if b"${" in body:
            body = _QUOTE.sub(quoted, body.decode()).encode()
        answer = await ask(call._replace(path=_QUOTE.sub(quoted, call.path)), body)
        assert call.name not in raw, f"two calls are named {call.name}"
        raw[call.name] = _decoded(call, answer.body)
        told[call.name] = {"status": answer.status, "body": _comparable(raw[call.name])}
        if answer.warnings:
            told[call.name]["warnings"] = [*answer.warnings]
    return told


def _decoded(call: Call, body: bytes) -> Any:  # noqa: ANN401  reason: any document
    try:
        if "watch=1" in call.path:
            events = [orjson.loads(line) for line in body.splitlines()]
            return _first(events) if len(events) == 1 and events[0].get("kind") == "Status" else [*_steady(events)]
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _first(events: list[Any]) -> Any:  # noqa: ANN401  reason: any document
    return events[0]


def _steady(events: list[Any]) -> Iterator[Any]:
    """Yield what does not hang on the clock: bookmarks come when they come, but for the one that ends what is there."""
    for event in events:
        metadata = event["object"].get("metadata", {})
        if event["type"] != "BOOKMARK" or "k8s.io/initial-events-end" in metadata.get("annotations", {}):
            yield event


def _comparable(value: Any) -> Any:  # noqa: ANN401  reason: any document
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, str):
        text = _MOMENT.sub("MOMENT", _UID.sub("UID", value))
        text = re.sub(r"run-[a-z0-9]{5}\b", "run-RANDOM", text)
        return re.sub(r"(?<=resource version: )\d+|(?<=current: )\d+|\(\d+\)|\d+ \(|(?<=UID )\S+", "N", text)
    if not isinstance(value, dict):
        return value
    told = {key: _of(key, one) for key, one in value.items() if key not in _OWN and _NAMED.get(key, "") is not None}
    if value.get("kind") in _LEFT_TO_CONTROLLERS:
        told.pop("status", None)
    if "cells" in value:
        told["cells"] = [re.sub(r"^\d+s$", "AGE", cell) if isinstance(cell, str) else cell for cell in told["cells"]]
    if value.get("kind") == "APIResourceList":
        told["resources"] = _known(told["resources"], "name")
    if value.get("kind") == "APIGroupDiscoveryList":
        told["items"] = _groups(told["items"])
    return {key: one for key, one in told.items() if one != {} or key not in _MAY_BE_EMPTY}


def _of(key: str, value: Any) -> Any:  # noqa: ANN401  reason: any document
    if key in _NAMED and isinstance(value, str) and value:
        return _NAMED[key]
    return _comparable(value)


def _known(resources: list[Any], name: str) -> list[Any]:
    """Return those of the resources that both have, by name."""
    return sorted((one for one in resources if one[name] in _OF_INTEREST), key=lambda one: str(one[name]))


def _groups(groups: list[Any]) -> list[Any]:
    found = [group for group in groups if group["metadata"].get("name", "") in {"", "apps", "batch"}]
    for group in found:
        group["versions"] = [version for version in group["versions"] if version["version"] == "v1"]
        for version in group["versions"]:
            version["resources"] = _known(version["resources"], "resource")
    return sorted(found, key=lambda group: str(group["metadata"].get("name", "")))


def differing(theirs: Any, ours: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401  reason: any document
    """Yield where two answers differ, with what stands there; ``...`` where nothing does."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            yield from differing(theirs.get(key, ...), ours.get(key, ...), f"{at}/{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from differing(one, other, f"{at}/{index}")
    elif theirs != ours or type(theirs) is not type(ours):
        yield at, theirs, ours
