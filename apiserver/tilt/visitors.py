"""Who asks the web endpoints: Tilt's clients by their token, ours by ours, the page by its cookie."""

from __future__ import annotations

import hmac
import os
import secrets
from typing import TYPE_CHECKING

from upright.apiserver.auth import Level, cookie_name, cookie_value
from upright.client.tilt_folder import web_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.apiserver.app.exchange import Scope
    from upright.apiserver.auth import Guard

_HEADER = b"x-tilt-token"
_COOKIE = "Tilt-Token"


class Refused(Exception):
    """An answer that is a line of text and a code, as Tilt's are."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Visitors:
    """Tells what a request may do; the token of Tilt's clients is read from their folder each time, for they make it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.csrf = secrets.token_urlsafe(24)

    def require(self, headers: Mapping[bytes, bytes], scope: Scope, needs: Level) -> None:
        """Raise Refused, in Tilt's words, for a request that may not do this."""
        level, said = self._level(headers, scope)
        if level >= needs:
            return
        if not said:
            raise Refused(403, "missing session token")
        raise Refused(403, "this session may only read" if level else "invalid session token")

    def holds_csrf(self, said: str) -> bool:
        """Say whether this is what was handed out for opening WebSockets."""
        return hmac.compare_digest(said.encode(), self.csrf.encode())

    def _level(self, headers: Mapping[bytes, bytes], scope: Scope) -> tuple[Level, bool]:
        """Return what the request may do, and whether it brought anything to show for it."""
        said = headers.get(_HEADER, b"").decode("latin-1") or cookie_value(headers, _COOKIE)
        if said:
            known = web_token(os.environ)
            return (Level.ADMIN if known and hmac.compare_digest(said.encode(), known.encode()) else Level.NOBODY), True
        level = self._guard.level(headers, cookie_name((scope.get("server") or ("", 0))[1] or 0))
        return level, level is not Level.NOBODY
