"""The live view of a run: keeps the lines at the bottom of the terminal up to date."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright.apiserver.clock import utc_now
from upright.client.cli.layouts.waiting import in_words
from upright.client.cli.live_frame import Head, Row, frame
from upright.client.cli.live_terminal import LiveTerminal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upright.controllers.runtime.informer import Informer
    from upright.openapi.v1alpha1.resource import Resource

LOOK_SECONDS = 0.5
"""How often the ages are brought up to date; what changes is shown at once, but not more often than ten times a second."""
_PAUSE_SECONDS = 0.1


def terminal() -> LiveTerminal:
    """Return the terminal that stdout is."""
    return LiveTerminal(sys.stdout.buffer, _size)


class Live:
    """Shows how the resources are doing until it is cancelled; ``resources`` is heard before the controllers start."""

    def __init__(self, shown: LiveTerminal, resources: Informer[Resource], url: str, *, colour: bool) -> None:
        self._shown = shown
        self._resources = resources
        self._head = Head(url, utc_now())
        self._colour = colour
        self._news = anyio.Event()
        resources.subscribe(lambda _old, _new: self._news.set())

    async def run(self) -> None:
        """Paint again and again, and take the frame away at the end."""
        try:
            while True:
                await anyio.to_thread.run_sync(self._shown.paint, self._frame())
                await anyio.sleep(_PAUSE_SECONDS)
                with anyio.move_on_after(LOOK_SECONDS - _PAUSE_SECONDS):
                    await self._news.wait()
                self._news = anyio.Event()
        finally:
            self._shown.close()

    def _frame(self) -> list[str]:
        rows = rows_of(self._resources.all())
        return frame(self._head, rows, self._shown.size, utc_now(), colour=self._colour)


def rows_of(resources: Iterable[Resource]) -> list[Row]:
    """Return a row for each resource that is to be brought up, in the Tiltfile's order."""
    ordered = sorted(resources, key=lambda one: (one.spec.kind != "tiltfile", one.spec.order, one.name))
    wanted = [one for one in ordered if not _is_off(one)]
    awaited = {one.name for one in wanted if not _is_ready(one)}
    return [_row(one, [name for name in one.spec.depends_on if name in awaited]) for one in wanted]


def _is_off(resource: Resource) -> bool:
    status = resource.status
    return status.disable_status.state == "Disabled" or (status.update_status == "none" and not resource.spec.auto_init)


def _is_ready(resource: Resource) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in resource.status.conditions)


def _row(resource: Resource, awaited: list[str]) -> Row:
    status, name = resource.status, resource.name
    if status.current_build is not None:
        return Row(name, "moving", status.current_build.start_time, _doing(resource))
    if "error" in {status.update_status, status.runtime_status}:
        return _failed(resource)
    if _is_ready(resource):
        return Row(name, "healthy", None, "")
    last = next(iter(status.build_history), None)
    if last is not None and status.waiting is None:
        return Row(name, "moving", last.finish_time, _runtime(resource) or "is not ready yet")
    since = status.pending_build_since or resource.metadata.creation_timestamp
    return Row(name, "waiting", since, f"waits for {', '.join(awaited)}" if awaited else _held(resource))


def _held(resource: Resource) -> str:
    waiting = resource.status.waiting
    return in_words(waiting.reason, [one.name for one in waiting.on]) if waiting else "its turn has not come"


def _failed(resource: Resource) -> Row:
    status = resource.status
    last = next(iter(status.build_history), None)
    if status.update_status == "error" and last is not None:
        return Row(resource.name, "failed", last.finish_time, _first_line(last.error))
    return Row(resource.name, "failed", _since(resource), _runtime(resource) or "has failed")


def _doing(resource: Resource) -> str:
    steps = [step for step in resource.status.steps if step.state == "running"]
    running = [f"{step.name} {step.progress}".rstrip() for step in steps]
    return ", ".join(running) or "is being updated"


def _runtime(resource: Resource) -> str:
    """Return what its pods say, if it has any."""
    info = resource.status.k8s_resource_info
    if info is None:
        return ""
    return f"{info.pod_status}: {message}" if (message := _first_line(info.pod_status_message)) else info.pod_status


def _since(resource: Resource) -> datetime | None:
    ready = next((one for one in resource.status.conditions if one.type == "Ready"), None)
    return ready.last_transition_time if ready is not None else None


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _size() -> tuple[int, int]:
    try:
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 0, 0
    return columns, lines
