"""The web app beside the API: the dashboard today, administration later. FastAPI is imported with the first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright.apiserver.app.objects import target
from upright.apiserver.app.places import Places
from upright.apiserver.auth import cookie_name
from upright.apiserver.dashboard.page import HEADERS, Section, page
from upright.openapi.documents.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.apiserver.app.exchange import App, Receive, Scope, Send
    from upright.apiserver.auth import Guard
    from upright.apiserver.registry import Registry

PATHS = frozenset({"", "dashboard"})
"""The first words of the paths that are pages."""

_TITLES = {"session": "Sessions", "resource": "Resources", "cluster": "Clusters"}


class Pages:
    """An ASGI app that is made when somebody first looks: importing FastAPI takes a quarter of a second, in a thread."""

    def __init__(self, registry: Registry, guard: Guard, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._guard = guard
        self._now = now
        self._app: App | None = None
        self._making = anyio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._making:
            if self._app is None:
                self._app = await anyio.to_thread.run_sync(self._make)
        await self._app(scope, receive, send)

    def _make(self) -> App:
        from upright.apiserver.app.web import make_app  # noqa: PLC0415  reason: it imports FastAPI

        return make_app(self)

    def html(self) -> str:
        """Return the dashboard as things are now."""
        return page(self._sections())

    def headers(self, port: int) -> dict[str, str]:
        """Return the page's headers; the cookie makes its browser a reader."""
        return {**HEADERS, "Set-Cookie": self._guard.cookie(cookie_name(port)).decode()}

    def _sections(self) -> list[Section]:
        places = Places(self._registry.scheme)
        found: list[Section] = []
        for word, title in _TITLES.items():
            if place := places.find(f"/apis/{word}"):
                listing = self._registry.list(target(place))
                bodies = [stored.body for stored in listing.items]
                made = table(place.kind.definition, bodies, self._now(), include="None")
                found.append(Section(title, f"/apis/{word}", made, listing.revision))
        return found
