"""Serves what stands below an object, log, exec, scale, by the handlers that were registered for it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import anyio
import orjson
from msgspec.structs import replace

from upright.apiserver.app.bodies import read_optional, read_patch
from upright.apiserver.app.channels import PROTOCOLS, WebSocketChannels, protocol
from upright.apiserver.app.objects import SESSIONS
from upright.apiserver.app.tunnel import TUNNEL, Tunnel
from upright.apiserver.options import Target
from upright.openapi.errors import APIError, BadRequest, InternalError, NotFound, UnsupportedMediaType
from upright.openapi.subresources import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.apiserver.app.exchange import Exchange, Receive, Send
    from upright.apiserver.app.open_answers import OpenAnswers
    from upright.apiserver.app.places import Place
    from upright.apiserver.app.tunnel import Connect
    from upright.apiserver.registry import Registry
    from upright.openapi.meta import Json
    from upright.openapi.subresources import Answers, Subresources, Talks, Writes

_TEXT = b"text/plain; charset=utf-8"
_log = logging.getLogger(__name__)


class Below:
    """The subresources of one registry's objects."""

    def __init__(
        self, registry: Registry, subresources: Subresources, answers: OpenAnswers, *, sessions_apart: bool = False
    ) -> None:
        self._registry = registry
        self._subresources = subresources
        self._answers = answers
        self._sessions_apart = sessions_apart

    def is_talk(self, place: Place) -> bool:
        """Say whether this is one that acts on what runs, though it is asked for by GET."""
        return _key(place) in self._subresources.talking

    async def serve(self, exchange: Exchange, place: Place) -> None:
        """Answer over plain HTTP. Raises NotFound for an object or a subresource that is not there."""
        place = self._apart(place)
        key = _key(place)
        if key in self._subresources.writing and exchange.method in {"GET", "HEAD"}:
            self._require(place)
            await self._write(exchange, self._subresources.writing[key], _ask(place, exchange))
        elif key in self._subresources.answering:
            self._require(place)
            await self._answer(exchange, self._subresources.answering[key], place)
        elif key in self._subresources.talking:
            raise BadRequest(f"{place.subresource} needs a WebSocket: Upgrade: websocket with {PROTOCOLS[0]}")
        else:
            raise _nothing(place)

    async def converse(self, receive: Receive, send: Send, place: Place, about: Conversation) -> None:
        """Talk over a WebSocket. Raises what is wrong before it is accepted."""
        connect = self._subresources.connecting.get(_key(place))
        if connect is not None and TUNNEL in about.offered:
            self._require(place)
            await self._tunnel(receive, send, partial(connect, _ask(place, about)))
            return
        handler = self._subresources.talking.get(_key(place))
        if handler is None:
            raise _nothing(place)
        self._require(place)
        chosen = protocol(about.offered)
        if chosen is None:
            raise BadRequest(f"none of the offered subprotocols is known here: offer one of {', '.join(PROTOCOLS)}")
        await receive()
        await send({"type": "websocket.accept", "subprotocol": chosen})
        channels = WebSocketChannels(chosen, receive, send)
        await self._talk(handler, _ask(place, about), channels)

    async def _tunnel(self, receive: Receive, send: Send, connect: Connect) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": TUNNEL})
        tunnel = Tunnel(connect, receive, send)
        try:
            await self._answers.until(tunnel.listen, tunnel.serve)
        finally:
            with anyio.CancelScope(shield=True):
                await tunnel.close()

    async def _talk(self, handler: Talks, ask: Ask, channels: WebSocketChannels) -> None:
        async def talk() -> None:
            try:
                await handler(ask, channels)
            except APIError as error:
                await channels.end(error.to_status())
            except Exception:  # noqa: BLE001  reason: the client must hear of the end, whatever went wrong
                _log.exception("%s of %s failed", ask.subresource, ask.name)
                await channels.end(InternalError(f"{ask.subresource} failed: see the server's log").to_status())

        finished = await self._answers.until(channels.listen, talk)
        with anyio.CancelScope(shield=True):
            await channels.close(leaving=not finished)

    async def _write(self, exchange: Exchange, handler: Writes, ask: Ask) -> None:
        sink = _Sink(exchange)
        finished = await self._answers.until(exchange.disconnected, lambda: handler(ask, sink), exchange)
        with anyio.CancelScope(shield=True):
            if finished or exchange.started:
                await sink.end()

    async def _answer(self, exchange: Exchange, handler: Answers, place: Place) -> None:
        body = _given(exchange.method, await exchange.body(), exchange.header(b"content-type"))
        answer = await handler(_ask(place, exchange, body or None))
        await exchange.answer(orjson.dumps(answer), 201 if exchange.method == "POST" else 200)

    def _apart(self, place: Place) -> Place:
        """Return where it really is: a Session of a shared server is in a partition of its name."""
        if self._sessions_apart and place.kind.definition.resource == SESSIONS and not place.partition:
            return replace(place, partition=place.name)
        return place

    def _require(self, place: Place) -> None:
        self._registry.get(Target(place.kind, place.namespace, place.name, "", place.partition))


def _given(method: str, raw: bytes, content_type: str) -> Json:
    """Return what an answering subresource is sent: an object, or for PATCH a patch that merges."""
    if method != "PATCH":
        return read_optional(raw, content_type)
    _, patch = read_patch(raw, content_type)
    if not isinstance(patch, dict):
        raise UnsupportedMediaType("a JSON patch is not taken here: send application/merge-patch+json")
    return patch


class Conversation:
    """What the opening of a WebSocket says: its query, its subprotocols."""

    method = "GET"

    def __init__(self, query: Mapping[str, tuple[str, ...]], offered: tuple[str, ...]) -> None:
        self.query = query
        self.offered = offered


class _Sink:
    """Begins the answer with the first byte, so that what goes wrong before is still a Status."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def write(self, data: bytes) -> None:
        if not self._exchange.started:
            await self._exchange.begin(_TEXT)
        if data:
            await self._exchange.write(data)

    async def end(self) -> None:
        await self.write(b"")
        await self._exchange.end()


def _key(place: Place) -> tuple[str, str]:
    return place.kind.definition.resource, place.subresource.partition("/")[0]


def _ask(place: Place, about: Exchange | Conversation, body: dict[str, object] | None = None) -> Ask:
    return Ask(
        place.kind,
        place.name,
        place.subresource,
        place.namespace,
        place.partition,
        about.method,
        about.query,
        body,
    )


def _nothing(place: Place) -> NotFound:
    kind = place.kind.definition
    return NotFound(f"{kind.kind} has no subresource {place.subresource[:60]} here")
