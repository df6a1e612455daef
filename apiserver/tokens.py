"""Tokens that last: made and revoked by the API, kept as hashes, the same for every server of one database."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.apiserver.auth import Level, Tokens
from upright.apiserver.storage.records import Address, Closed, Compacted, KeyNotFound, TooSlow
from upright.openapi.errors import AlreadyExists, BadRequest, NotFound
from upright.openapi.meta import format_time, parse_time
from upright.openapi.names import dns_subdomain_trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from upright.apiserver.storage.records import Stored
    from upright.apiserver.storage.store import Store
    from upright.openapi.meta import Json

RESOURCE = "upright/tokens"
"""Where they are stored: no kind has this name, so no path of the API leads to the hashes."""

SCOPES = {"admin": Level.ADMIN, "reader": Level.READER}
_BYTES = 32


class _Known(Struct, frozen=True):
    name: str
    level: Level
    until: datetime | None


class TokenBook:
    """All tokens of a store. ``fallback`` are those of this process: they end with it, and nobody is told the admin's.

    A token has 256 bits of chance, so a plain SHA-256 keeps it; looking a hash up tells nothing by its time.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self.fallback = Tokens.generate()
        self._store = store
        self._now = now
        self._by_hash: dict[str, _Known] = {}
        for stored in store.list(RESOURCE)[0]:
            self._learn(stored.body)

    @property
    def reader(self) -> str:
        """The secret of the page's cookie."""
        return self.fallback.reader

    def level(self, presented: str) -> Level:
        """Return what a token is good for."""
        known = self._known(presented)
        return known.level if known else self.fallback.level(presented)

    def name(self, presented: str) -> str:
        """Return whose token it is, for the audit log; nothing for one that is not known."""
        known = self._known(presented)
        return known.name if known else ""

    def _known(self, presented: str) -> _Known | None:
        known = self._by_hash.get(_hash(presented))
        return None if known is None or (known.until is not None and known.until <= self._now()) else known

    async def create(self, name: str, scope: str, lasts: timedelta | None = None) -> str:
        """Make a token and return its secret, which is told this once. Raises BadRequest, AlreadyExists."""
        if scope not in SCOPES:
            raise BadRequest(f'scope "{scope}": want admin or reader')
        if not name or dns_subdomain_trouble(name):
            raise BadRequest(f'name "{name[:100]}": {dns_subdomain_trouble(name) or "a token needs a name"}')
        secret = secrets.token_urlsafe(_BYTES)
        now = self._now()
        body: Json = {"metadata": {"name": name}, "scope": scope, "hash": _hash(secret), "created": format_time(now)}
        if lasts is not None:
            body["expires"] = format_time(now + lasts)

        def decide(current: Stored | None) -> Json:
            if current:
                raise AlreadyExists(f'there is a token named "{name}": revoke it first, or choose another name')
            return body

        self._learn((await self._store.write(_at(name), decide)).body)
        return secret

    async def revoke(self, name: str) -> None:
        """End a token: the very next request with it is refused. Raises NotFound."""
        try:
            self._forget((await self._store.delete(_at(name))).body)
        except KeyNotFound as error:
            raise NotFound(f'there is no token named "{name}"') from error

    def listed(self) -> list[Json]:
        """Return what may be told of the tokens: all but the hashes."""
        bodies = [stored.body for stored in self._store.list(RESOURCE)[0]]
        return [
            {"name": body["metadata"]["name"], **{k: body[k] for k in ("scope", "created", "expires") if k in body}}
            for body in bodies
        ]

    async def follow(self) -> None:
        """Heed what other servers of the same database make and revoke, until cancelled."""
        while True:
            try:
                with self._store.watch(RESOURCE) as watch:
                    self._by_hash.clear()
                    for stored in self._store.list(RESOURCE)[0]:
                        self._learn(stored.body)
                    while True:
                        for event in await watch.take():
                            (self._forget if event.type == "DELETED" else self._learn)(event.stored.body)
            except (TooSlow, Compacted):
                continue
            except Closed:
                return

    def _learn(self, body: Json) -> None:
        until = parse_time(body["expires"]) if "expires" in body else None
        self._by_hash[body["hash"]] = _Known(body["metadata"]["name"], SCOPES[body["scope"]], until)

    def _forget(self, body: Json) -> None:
        self._by_hash.pop(body["hash"], None)


def _at(name: str) -> Address:
    return Address("", RESOURCE, "", name)


@lru_cache(maxsize=64)  # few tokens ask often
def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
