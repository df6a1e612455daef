"""Who may ask, and what: two tokens, a cookie for the page, and no strangers' Host or Origin."""

from __future__ import annotations

import hmac
import secrets
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from upright.openapi.errors import Forbidden, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN_BYTES = 32


class Level(IntEnum):
    """What somebody may do: nothing but what is free, read everything, change everything."""

    NOBODY = 0
    READER = 1
    ADMIN = 2


class Tokens(Struct, frozen=True):
    """The secrets of one server: ``reader`` may read, ``admin`` may do everything."""

    reader: str
    admin: str

    @classmethod
    def generate(cls) -> Tokens:
        return cls(secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES))

    def level(self, presented: str) -> Level:
        """Return what a token is good for; takes as long for every wrong one."""
        said = presented.encode()
        admin = hmac.compare_digest(said, self.admin.encode())
        reader = hmac.compare_digest(said, self.reader.encode())
        if admin:
            return Level.ADMIN
        return Level.READER if reader else Level.NOBODY

    def __repr__(self) -> str:
        return "Tokens(…)"


class Keys(Protocol):
    """Knows what tokens are good for; ``reader`` is the one that the page's browser gets."""

    @property
    def reader(self) -> str: ...

    def level(self, presented: str) -> Level: ...


class Guard:
    """Stands at the door of a server: ``hosts`` are the names, beside the loopback ones, it may be called by."""

    def __init__(self, tokens: Keys, *, hosts: Iterable[str] = ()) -> None:
        self._tokens = tokens
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    def refuse_strangers(self, headers: Mapping[bytes, bytes], scheme: str) -> None:
        """Raise Forbidden where a page of somebody else's speaks through the user's browser.

        A Host that is not ours is a rebound name; an Origin that is not the very address asked is another page.
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host_name(host) not in self._hosts:
            raise Forbidden(
                f'this server does not answer to the host name "{host[:100]}": use localhost or 127.0.0.1 '
                "(upright apiserver --name NAME lets it be called by another)"
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() != f"{scheme}://{host}":
            raise Forbidden(
                f'requests from pages of "{origin.decode("latin-1")[:100]}" are refused: only this server\'s own page may ask'
            )

    def level(self, headers: Mapping[bytes, bytes], cookie: str) -> Level:
        """Return what the request's token, or else its cookie, is good for. Raises Unauthorized for a wrong token."""
        said = headers.get(b"authorization")
        if said is None:
            return min(self._tokens.level(cookie_value(headers, cookie)), Level.READER)
        scheme, _, token = said.decode("latin-1").partition(" ")
        level = self._tokens.level(token.strip()) if scheme.lower() == "bearer" else Level.NOBODY
        if level is Level.NOBODY:
            raise Unauthorized("the token is not one of this server's: take it from the kubeconfig of the run")
        return level

    def cookie(self, name: str) -> bytes:
        """Return the Set-Cookie value that makes the page's browser a reader."""
        return f"{name}={self._tokens.reader}; Path=/; HttpOnly; SameSite=Strict".encode()


def require(has: Level, needs: Level) -> None:
    """Raise Unauthorized or Forbidden if the level is too low."""
    if has >= needs:
        return
    if has is Level.NOBODY:
        raise Unauthorized("this needs a token: send Authorization: Bearer TOKEN (the run's kubeconfig has it)")
    raise Forbidden("a reader may not change anything: use the admin token of the run's kubeconfig")


def cookie_name(port: int) -> str:
    """Return the cookie's name: a browser keeps cookies by host, so the port tells servers apart."""
    return f"upright-reader-{port}"


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """Return the name of a Host header, without port and brackets; nothing if it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def cookie_value(headers: Mapping[bytes, bytes], name: str) -> str:
    """Return the cookie of this name; nothing if there is none."""
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
