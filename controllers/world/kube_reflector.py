"""Watches a kind in a cluster for as long as wanted: through ended, broken and stalled connections, and a forgotten past."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import orjson
from msgspec import Struct

from upright.controllers.world.kube_connection import lines
from upright.controllers.world.kube_patience import with_what_is_missing
from upright.controllers.world.kubernetes import Sighting
from upright.openapi.errors import APIError, BadRequest, Expired, Forbidden, Gone, NotFound, from_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.world.kube_connection import KubeConnection
    from upright.controllers.world.kube_discovery import KubeDiscovery, ServedKind
    from upright.openapi.meta import Json

SHORT_SECONDS = 1.0


class Pace(Struct, frozen=True):
    """How long things take: a watch until the server ends it, silence until we ask whether it lives, pauses after failures."""

    watch_seconds: tuple[int, int] = (240, 300)
    silence_seconds: float = 20.0
    proof_seconds: float = 10.0
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 10.0
    absent_pause_seconds: float = 10.0
    page: int = 500


class KubeReflector:
    """Tells all objects of a kind in a namespace, then each change; see ``Kubernetes.watch``.

    A namespace may have thousands of Events of its past: they are told while it is followed already, and nobody waits for them.
    """

    def __init__(
        self,
        connection: KubeConnection,
        discovery: KubeDiscovery,
        what: tuple[str, str, str],
        tell: Callable[[Sighting], None],
        pace: Pace,
    ) -> None:
        self._connection = connection
        self._discovery = discovery
        self._what = what
        self._tell = tell
        self._pace = pace
        self._since = ""
        self._heard_at = 0.0
        self._heard = False
        self._lost = False
        self._past_is_due = False
        self._told_since: set[str] = set()

    async def run(self) -> None:
        """Go on until cancelled: what ends is resumed, what cannot be resumed is told as LOST and listed anew."""
        failures = 0
        while True:
            try:
                served = await self._discovery.find(*self._what[:2])
                if not self._since:
                    await self._list(served)
                begun = anyio.current_time()
                await self._follow(served)
                if anyio.current_time() - begun < SHORT_SECONDS:
                    await anyio.sleep(self._pause(1))
            except (Gone, Expired):
                self._lose("")
            except (Forbidden, NotFound, BadRequest) as error:
                await self._absent(error)
            except APIError as error:
                failures = 1 if self._heard else failures + 1
                self._heard = False
                if failures > 1:
                    self._lose(error.message)
                await anyio.sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        most = min(self._pace.first_pause_seconds * 2.0**failures, self._pace.longest_pause_seconds)
        return most * random.uniform(0.5, 1.0)  # noqa: S311  reason: jitter, no secret

    def _lose(self, why: str) -> None:
        """Say that nothing is seen any more, and why if that may last; what is there has to be told anew."""
        self._since = ""
        if not self._lost:
            self._lost = True
            self._tell(Sighting("LOST", {"message": why} if why else {}))

    async def _absent(self, error: APIError) -> None:
        """Wait while there is no such kind, which is to see nothing; what may not be seen is lost, Events aside."""
        self._since = ""
        if isinstance(error, Forbidden) and self._what[1] != "Event":
            self._lose(with_what_is_missing(error).message)
        else:
            self._synced()
        await anyio.sleep(self._pace.absent_pause_seconds)

    def _synced(self) -> None:
        self._lost = False
        self._tell(Sighting("SYNCED", {}))

    async def _list(self, served: ServedKind) -> None:
        path = served.path(self._what[2])
        self._told_since.clear()
        self._past_is_due = self._what[1] == "Event"
        if self._past_is_due:
            page = await self._connection.call("GET", path, {"limit": "1"})
        else:
            page = await self._pages(path)
        self._heard = True
        self._since = str(page["metadata"].get("resourceVersion") or "0")
        self._synced()

    async def _pages(self, path: str) -> Json:
        """Tell all there is but what was told since; returns the last page."""
        query = {"limit": str(self._pace.page)}
        while True:
            page = await self._connection.call("GET", path, query)
            for item in page.get("items") or ():
                if str(item["metadata"].get("uid")) not in self._told_since:
                    self._tell(Sighting("ADDED", self._named(item)))
            if not (more := page["metadata"].get("continue")):
                return page
            query["continue"] = more

    async def _past(self, path: str) -> None:
        """Tell what was before the watch began; if that fails, the next watch tries again."""
        with suppress(APIError):
            await self._pages(path)
            self._past_is_due = False
            self._told_since.clear()

    async def _follow(self, served: ServedKind) -> None:
        seconds = random.randint(*self._pace.watch_seconds)  # noqa: S311  reason: jitter, no secret
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._since,
            "timeoutSeconds": str(seconds),
        }
        path, buffer = served.path(self._what[2]), bytearray()
        async with self._connection.stream(
            path, query, silence_seconds=seconds + 15.0, opening_seconds=self._pace.proof_seconds
        ) as content:
            self._heard, self._heard_at = True, anyio.current_time()
            failed: list[Exception] = []
            async with anyio.create_task_group() as group:
                group.start_soon(self._doubt, path, group.cancel_scope, failed)
                if self._past_is_due:
                    group.start_soon(self._past, path)
                try:
                    async for data in content.iter_any():
                        self._heard_at = anyio.current_time()
                        for line in lines(buffer, data):
                            self._take(orjson.loads(line))
                except Exception as error:  # noqa: BLE001  reason: the stream names it, outside of the group
                    failed.append(error)
                group.cancel_scope.cancel()
            if failed:
                raise failed[0]

    async def _doubt(self, path: str, scope: anyio.CancelScope, failed: list[Exception]) -> None:
        """Prove, after each silence, that the server can be reached; end the watch when it cannot."""
        pace = self._pace
        while True:
            await anyio.sleep(max(self._heard_at + pace.silence_seconds - anyio.current_time(), 0.05))
            if anyio.current_time() - self._heard_at < pace.silence_seconds:
                continue
            try:
                await self._connection.call("GET", path, {"limit": "1"}, seconds=pace.proof_seconds)
            except APIError as error:
                failed.append(error)
                scope.cancel()
                return
            self._heard_at = anyio.current_time()

    def _take(self, event: dict[str, Any]) -> None:
        obj: Json = event["object"]
        if event["type"] == "ERROR":
            raise from_status(obj)
        self._since = str(obj["metadata"]["resourceVersion"])
        if event["type"] != "BOOKMARK":
            if self._past_is_due:
                self._told_since.add(str(obj["metadata"].get("uid")))
            self._tell(Sighting(event["type"], self._named(obj)))

    def _named(self, obj: Json) -> Json:
        """Return the object with the kind it has: items of lists come without."""
        return {"apiVersion": self._what[0], "kind": self._what[1], **obj}
