"""A watch that goes on when its connection breaks: from the last resourceVersion, or with everything anew where that is forgotten."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Literal, NamedTuple

import anyio

from upright.client.transport import WatchEvent
from upright.openapi.errors import APIError, Expired, Gone, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import Self

    from upright.client.transport import Request, Transport
    from upright.openapi.meta import Json

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0
SILENCE_SECONDS = 150.0
"""A server says where it is once a minute; one that has said nothing for so long is taken for gone."""
_TOO_MANY = 429
_OWN_FAULT = 500

_log = logging.getLogger(__name__)


class Relisted(NamedTuple):
    """What was known before counts no more: all that is there follows."""

    object: Json
    type: Literal["RELISTED"] = "RELISTED"


class Resuming:
    """The events of a watch; a context, which is opened before the first of them is asked for.

    A connection that cannot be had for ``patience`` seconds raises ServiceUnavailable. Where the server has forgotten
    what happened meanwhile comes RELISTED, and then ADDED for all that is there: what was known before counts no more.
    """

    def __init__(self, transport: Transport, request: Request, patience: float) -> None:
        self._transport = transport
        self._request = request
        self._patience = patience
        self._since = request.resource_version
        self._told = bool(self._since)
        self._ready: deque[WatchEvent | Relisted] = deque()
        self._open = AsyncExitStack()
        self._events: AsyncIterator[WatchEvent] | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._broken_at: float | None = None

    async def __aenter__(self) -> Self:
        while self._events is None:
            await self._get_on(self._connect)
        return self

    async def __aexit__(self, *_about: object) -> None:
        await self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent | Relisted:
        while not self._ready:
            await self._get_on(self._hear)
        return self._ready.popleft()

    async def _get_on(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step; if it fails, see to it that the next one may succeed. Raises what waiting does not mend."""
        began = anyio.current_time()
        try:
            await step()
        except (Gone, Expired) as error:
            _log.info("%s: the past is forgotten, listing anew: %s", self._what, error)
            await self._close()
            self._since = ""
        except (APIError, OSError) as error:
            await self._rest(error, began)

    @property
    def _what(self) -> str:
        return self._request.kind.definition.plural

    async def _connect(self) -> None:
        """Have a connection; first, where it is not known from where on, all that is there."""
        if self._events is not None:
            return
        with anyio.fail_after(self._patience):
            if not self._since:
                await self._list()
            request = self._request._replace(resource_version=self._since)
            self._events = await self._open.enter_async_context(self._transport.watch(request))
        self._broken_at = None

    async def _list(self) -> None:
        answer = await self._transport.call(self._request._replace(verb="list"))
        since = str(answer["metadata"]["resourceVersion"])
        if self._told:
            self._ready.append(Relisted({"metadata": {"resourceVersion": since}}))
        items: list[Json] = answer["items"]
        self._ready.extend(WatchEvent("ADDED", body) for body in items)
        self._since, self._told = since, True

    async def _hear(self) -> None:
        """Take the next event, from a new connection if there is none."""
        await self._connect()
        if self._ready or self._events is None:
            return
        try:
            with anyio.fail_after(SILENCE_SECONDS):
                event = await anext(self._events, None)
        except TimeoutError:
            raise ServiceUnavailable(f"the server has said nothing for {SILENCE_SECONDS:.0f} s") from None
        if event is None:
            raise ServiceUnavailable("the server closed the watch")
        self._since = str(event.object["metadata"]["resourceVersion"])
        self._pause = FIRST_PAUSE_SECONDS
        if event.type != "BOOKMARK":
            self._ready.append(event)

    async def _rest(self, error: APIError | OSError, began: float) -> None:
        """Wait before the next try, longer each time; raises what will not get better by waiting."""
        was_away = self._events is None
        await self._close()
        if isinstance(error, APIError) and error.code < _OWN_FAULT and error.code != _TOO_MANY:
            raise error
        now = anyio.current_time()
        if self._broken_at is None:
            self._broken_at = began if was_away else now
        if now - self._broken_at + self._pause > self._patience:
            message = f"the watch of {self._what} broke and could not be resumed for {self._patience:g} s: {str(error) or 'no answer'}"
            raise ServiceUnavailable(message) from error
        _log.info("the watch of %s broke: %s; again in %.1f s", self._what, error, self._pause)
        await anyio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _close(self) -> None:
        self._events = None
        await self._open.aclose()
