"""Owners that are not mirrored: asked for once, for pods of custom resources are often several owners below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from upright.controllers.world.kubernetes import Ref
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from anyio.abc import TaskGroup

    from upright.controllers.world.kubernetes import Kubernetes
    from upright.openapi.meta import Json

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class Ancestry:
    """Who owns the owners. ``learned`` is called with an owner's uid when its own owners are known."""

    def __init__(self, kubernetes: Kubernetes, group: TaskGroup, learned: Callable[[str], None]) -> None:
        self._kubernetes = kubernetes
        self._group = group
        self._learned = learned
        self._owners: dict[str, tuple[Json, ...]] = {}
        self._asked: set[str] = set()

    def of(self, uid: str) -> Sequence[Json]:
        """Return the references to the owners of an object that is not mirrored, as far as they are known."""
        return self._owners.get(uid, ())

    def ask(self, references: Iterable[Json], namespace: str) -> None:
        """Have the owners of these owners looked up, unless they were; ``namespace`` is that of what they own."""
        for one in references:
            if one["uid"] not in self._asked:
                self._asked.add(one["uid"])
                self._group.start_soon(self._look, one, namespace)

    async def _look(self, reference: Json, namespace: str) -> None:
        """Ask until there is an answer; an owner that is gone, or not for us to see, has none."""
        ref, pause = Ref(reference["apiVersion"], reference["kind"], reference["name"], namespace), FIRST_PAUSE_SECONDS
        answered, meta = False, dict[str, Any]()  # Any: parts of a JSON document
        while not answered:
            try:
                meta = (await self._kubernetes.read(ref) or {}).get("metadata") or {}
                answered = True
            except (APIError, TimeoutError):
                await anyio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        if meta.get("uid") == reference["uid"]:
            self._owners[reference["uid"]] = tuple(meta.get("ownerReferences") or ())
            self._learned(reference["uid"])
            self.ask(self._owners[reference["uid"]], namespace)
