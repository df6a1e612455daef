"""A watch as a client sees it: what is there, then what happens, with bookmarks, until its time is over."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import anyio
from msgspec import Struct

from upright.apiserver.storage.records import Closed, Compacted, Event, TooSlow
from upright.openapi.errors import Expired

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from typing import Self

    from upright.apiserver.options import Target
    from upright.apiserver.storage.records import Stored
    from upright.apiserver.storage.store import Store
    from upright.apiserver.storage.watchers import Subscription

BOOKMARK_SECONDS = 60.0


class Bookmark(Struct, frozen=True):
    """Says up to which revision everything was told."""

    stored: Stored
    type: Literal["BOOKMARK"] = "BOOKMARK"

    @property
    def revision(self) -> int:
        return self.stored.revision

    @property
    def line(self) -> bytes:
        return b"".join((b'{"type":"BOOKMARK","object":', self.stored.data, b"}\n"))


if TYPE_CHECKING:
    WatchEvent = Event | Bookmark


class Stream:
    """One watch. Iterate over it, or ``take`` what there is; close it (or use ``with``) in the end.

    It ends when its time is over or the server stops, and raises Expired when the reader was too slow.
    """

    def __init__(self, store: Store, where: Target, subscription: Subscription) -> None:
        self._store = store
        self._where = where
        self._subscription = subscription
        self._first: list[WatchEvent] = []
        self._bookmarks = False
        self._ends_at: float | None = None
        self._next_bookmark = anyio.current_time() + BOOKMARK_SECONDS

    def begin_with(self, items: list[Stored], revision: int, *, marked: bool) -> None:
        """Tell first what is there; ``marked``: a bookmark says where that ends."""
        self._first = [Event("ADDED", item.address, item.revision, item, None) for item in items]
        if marked:
            self._first.append(self._bookmark(revision, initial=True))

    def bookmark(self) -> None:
        """Say now and then, and at the end, how far the watch is."""
        self._bookmarks = True

    def end_after(self, seconds: float) -> None:
        self._ends_at = anyio.current_time() + seconds

    async def take(self) -> list[WatchEvent]:
        """Return what there is, or wait for it; nothing means that the watch has ended."""
        if self._first:
            first, self._first = self._first, []
            return first
        while True:
            now = anyio.current_time()
            if self._ends_at is not None and now >= self._ends_at:
                return self._last_words()
            if self._bookmarks and now >= self._next_bookmark:
                self._next_bookmark = now + BOOKMARK_SECONDS
                return [self._bookmark(self._subscription.revision)]
            with _translated():
                try:
                    events = await self._subscription.take(self._patience(now))
                except Closed:
                    return []
            if events:
                return [*events]

    def _last_words(self) -> list[WatchEvent]:
        """Say at the end, once, how far the watch was."""
        told, self._bookmarks = self._bookmarks, False
        return [self._bookmark(self._subscription.revision)] if told else []

    def _patience(self, now: float) -> float | None:
        ends = [self._ends_at] if self._ends_at is not None else []
        ends += [self._next_bookmark] if self._bookmarks else []
        return max(min(ends) - now, 0.0) if ends else None

    def _bookmark(self, revision: int, *, initial: bool = False) -> Bookmark:
        about = self._where.kind.definition
        metadata: dict[str, object] = {"resourceVersion": str(revision)}
        if initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        body = {"kind": about.kind, "apiVersion": about.api_version, "metadata": metadata}
        return Bookmark(self._store.draft(self._where.address, revision, body))

    async def __aiter__(self) -> AsyncIterator[WatchEvent]:
        while events := await self.take():
            for event in events:
                yield event

    def close(self) -> None:
        """Stop listening."""
        self._first.clear()
        self._subscription.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (Compacted, TooSlow) as error:
        raise Expired(str(error)) from error
