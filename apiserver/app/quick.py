"""Answers to the plainest questions, a GET of an object or a whole collection as JSON, without waiting for anything.

They are most of what clients ask. A question that is not quite so plain, or is to be refused, goes the long way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.apiserver.app.exchange import JOINED_BYTES, compresses
from upright.apiserver.app.forms import OBJECT, wanted
from upright.apiserver.app.objects import SESSIONS, target
from upright.apiserver.app.rendering import many
from upright.apiserver.auth import Level, cookie_name
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.apiserver.app.exchange import Scope
    from upright.apiserver.app.places import Place, Places
    from upright.apiserver.auth import Guard
    from upright.apiserver.registry import Registry

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-cache, private\r\ncontent-length: %d\r\n\r\n"


class Quick:
    """Knows what the front door knows, and answers as it does."""

    def __init__(self, registry: Registry, guard: Guard, places: Places, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._guard = guard
        self._places = places
        self._now = now

    def answer(self, scope: Scope, path: str) -> tuple[bytes, ...] | None:
        """Return the whole answer to a GET of a path without a query, in pieces; None if it has to go the long way."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            self._guard.refuse_strangers(headers, scope["scheme"])
            place = self._places.find(path)
            if place is None or not self._is_plain(place, headers):
                return None
            if not place.name and compresses(headers, scope):
                return None
            if self._guard.level(headers, cookie_name(scope["server"][1])) < Level.READER:
                return None
            body = self._body(place)
        except APIError:
            return None  # it is said on the long way
        if body is None:
            return None
        head = _HEAD % len(body)
        return (head + body,) if len(body) <= JOINED_BYTES else (head, body)

    def _is_plain(self, place: Place, headers: dict[bytes, bytes]) -> bool:
        about = place.kind.definition
        if place.short or place.subresource or about.view_of or about.resource == SESSIONS:
            return False
        return wanted(headers.get(b"accept", b"").decode("latin-1")) is OBJECT

    def _body(self, place: Place) -> bytes | None:
        where = target(place)
        if place.name:
            found = self._registry.store.get(where.address)
            return None if found is None else found.data
        return many(place.kind.definition, self._registry.list(where), OBJECT, "None", self._now)
