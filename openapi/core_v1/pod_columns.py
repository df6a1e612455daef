"""What kubectl's table says of a Pod: how many containers are ready, its state in a word, its restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.openapi.scheme import AGE, NAME, Column, at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.openapi.meta import Json


def ready_cell(body: Json) -> str:
    """Return ``1/2``."""
    statuses = body.get("status", {}).get("containerStatuses") or ()
    ready = sum(1 for status in statuses if status.get("ready") and "running" in status.get("state", {}))
    return f"{ready}/{len(body.get('spec', {}).get('containers') or ())}"


def restarts_cell(body: Json) -> int:
    """Return how often the Pod's containers were started again."""
    status = body.get("status", {})
    word, initializing = _initializing(body)
    del word
    part = "initContainerStatuses" if initializing and not _initialized(status) else "containerStatuses"
    return sum(int(one.get("restartCount", 0)) for one in status.get(part) or ())


def status_cell(body: Json) -> str:
    """Return the Pod's state in one word, as kubectl prints it."""
    status = body.get("status", {})
    word, initializing = _initializing(body)
    if not initializing or _initialized(status):
        word = _running(status, word)
    if body.get("metadata", {}).get("deletionTimestamp") and status.get("phase") not in {"Succeeded", "Failed"}:
        return "Terminating"
    return word


def _initialized(status: Json) -> bool:
    return _condition(status, "Initialized")


def _condition(status: Json, kind: str) -> bool:
    return any(one.get("type") == kind and one.get("status") == "True" for one in status.get("conditions") or ())


def _initializing(body: Json) -> tuple[str, bool]:
    """Return the word for the Pod as a whole or its init containers, and whether these are what it waits for."""
    status = body.get("status", {})
    word = str(status.get("reason") or status.get("phase") or "")
    total = len(body.get("spec", {}).get("initContainers") or ())
    for index, one in enumerate(status.get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated and not terminated.get("exitCode"):
            continue
        if terminated:
            return f"Init:{_ended(terminated)}", True
        if waiting.get("reason") not in {None, "", "PodInitializing"}:
            return f"Init:{waiting['reason']}", True
        return f"Init:{index}/{total}", True
    return word, False


def _ended(terminated: Json) -> str:
    if reason := terminated.get("reason"):
        return str(reason)
    signal = terminated.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _running(status: Json, word: str) -> str:
    runs = False
    statuses: Sequence[Any] = status.get("containerStatuses") or ()  # Any: decoded JSON
    for one in reversed(statuses):
        state = one.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            word = str(state["waiting"]["reason"])
        elif state.get("terminated"):
            word = _ended(state["terminated"])
        elif one.get("ready") and "running" in state:
            runs = True
    if word == "Completed" and runs:
        return "Running" if _condition(status, "Ready") else "NotReady"
    return word


POD_COLUMNS = (
    NAME,
    Column("READY", ready_cell, description="Containers that are ready, of all"),
    Column("STATUS", status_cell, description="The Pod's state in a word"),
    Column("RESTARTS", restarts_cell, "integer", "How often its containers were started again"),
    AGE,
    Column("IP", at("status", "podIP"), description="The Pod's address", priority=1),
    Column("NODE", at("spec", "nodeName"), description="The node it is bound to", priority=1),
    Column("NOMINATED NODE", at("status", "nominatedNodeName"), description="Always none", priority=1),
    Column("READINESS GATES", lambda _: None, description="Always none", priority=1),
)
