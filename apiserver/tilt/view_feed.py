"""A client's view kept up to date: everything first, then what has changed, at most five times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from upright.apiserver.options import Target, WatchOptions
from upright.apiserver.tilt.view import LISTED, SESSION
from upright.client.log_list import log_list
from upright.openapi.meta import format_micro_time
from upright.openapi.v1alpha1.ui_session import UISession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from upright.apiserver.streams import Stream, WatchEvent
    from upright.apiserver.tilt.log_desk import Following
    from upright.apiserver.tilt.view import Views
    from upright.client.logs import LogLine
    from upright.openapi.meta import Json, Object

PAUSE_SECONDS = 0.2
"""The least time between two messages."""
_UI_SESSION = "uiSession"
_FROM_NOW = WatchOptions(initial_events=False, resource_version_match="NotOlderThan")


class ViewFeed:
    """Sends one client its view until the server stops, or the client is too slow to be told every change."""

    def __init__(self, views: Views, send: Callable[[Json], Awaitable[None]], now: Callable[[], datetime]) -> None:
        self._views = views
        self._send = send
        self._now = now
        self._changed: dict[str, dict[str, Json]] = {}
        self._lines: list[LogLine] = []
        self._sent = 0
        self._news = anyio.Event()

    async def run(self) -> None:
        """Send until there is nothing more to come."""
        async with anyio.create_task_group() as group:
            watched: dict[str, type[Object]] = {**LISTED, _UI_SESSION: UISession}
            for name, kind in watched.items():
                stream = self._views.registry.watch(Target(kind), _FROM_NOW)
                group.start_soon(self._hear, name, stream, group.cancel_scope)
            source = self._views.desk.source
            following = source.subscribe() if source is not None else None
            past = await self._views.history()
            group.start_soon(self._follow, following, past)
            self._sent = len(past)
            await self._send(self._views.objects() | {"logList": log_list(past)})
            while True:
                await self._news.wait()
                self._news = anyio.Event()
                await self._send(self._update())
                await anyio.sleep(PAUSE_SECONDS)

    async def _follow(self, following: Following | None, past: Sequence[LogLine]) -> None:
        """Take in the lines to come; one that was written just now may be in the past already."""
        if following is None:
            following = (await self._views.desk.opened()).subscribe()
            past = await self._views.history()
            self._lines += past
            self._tell()
        last = past[-1].time if past else None
        async with following as batches:
            async for batch in batches:
                self._lines += [line for line in batch if last is None or line.time > last]
                self._tell()

    def _tell(self) -> None:
        self._news.set()

    async def _hear(self, name: str, stream: Stream, scope: anyio.CancelScope) -> None:
        """Note which objects have changed; when the watch ends, all ends."""
        with stream:
            while events := await stream.take():
                for event in events:
                    self._note(name, event)
        scope.cancel()

    def _note(self, name: str, event: WatchEvent) -> None:
        if event.type == "BOOKMARK":
            return
        body = event.stored.body
        who = str(body["metadata"]["name"])
        if event.type == "DELETED":
            body = {"metadata": {"name": who, "deletionTimestamp": format_micro_time(self._now())}}
        self._changed.setdefault(name, {})[who] = body
        self._tell()

    def _update(self) -> Json:
        """Return what has changed since the last message."""
        changed, self._changed = self._changed, {}
        view: Json = self._views.about()
        for name in LISTED:
            if found := changed.get(name):
                view[name] = [found[who] for who in sorted(found)]
        if session := changed.get(_UI_SESSION, {}).get(SESSION):
            view[_UI_SESSION] = session
        lines, self._lines = self._lines, []
        if lines:
            view["logList"] = log_list(lines, self._sent)
            self._sent += len(lines)
        return view
