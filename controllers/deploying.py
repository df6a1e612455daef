"""Has the objects of one resource in a cluster, wave after wave; and takes away those that are to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from msgspec import Struct
from msgspec.structs import replace

from upright.client.heard_warnings import hearing
from upright.controllers.apply_order import aggregated, waves
from upright.controllers.world.kubernetes import ApplyHow, Ref
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.controllers.world.kubernetes import Kubernetes
    from upright.controllers.world.logs import LogWriter
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject


class Place(Struct, frozen=True):
    """Where objects go: a cluster, and the namespace of those that name none."""

    kubernetes: Kubernetes
    namespace: str


class Deploying:
    """``answers`` is what the cluster has taken so far, also when the rest was refused."""

    def __init__(self, place: Place, log: LogWriter, *, client_side: bool = False) -> None:
        self._place = place
        self._log = log
        self._how = ApplyHow(client_side=client_side, say=log.write)
        self._answers: dict[int, Json] = {}
        self._refusals: list[tuple[str, Exception]] = []
        self._awaited: frozenset[str] = frozenset()

    @property
    def answers(self) -> list[Json]:
        """The objects as the cluster has them, in the order in which they were wanted."""
        return [self._answers[index] for index in sorted(self._answers)]

    async def apply(self, wanted: Sequence[Json]) -> None:
        """Apply wave after wave, the objects of a wave at once; raises the first refusal of a wave, with all that were refused.

        How many go at once is for the cluster to say.
        """
        self._awaited = aggregated(wanted)
        for wave in waves(wanted):
            async with anyio.create_task_group() as group:
                for index, obj in wave:
                    group.start_soon(self._one, index, obj)
            if self._refusals:
                raise _refusal(self._refusals)

    async def _one(self, index: int, obj: Json) -> None:
        name = f"{obj['kind']}/{obj['metadata'].get('name', '')}"
        place = self._place
        try:
            with hearing() as warnings:
                how = replace(self._how, awaits_kind=obj.get("apiVersion") in self._awaited)
                self._answers[index] = await place.kubernetes.apply(obj, namespace=place.namespace, how=how)
            for text in warnings:
                self._log.write(f"{name}: {text}", level="WARN")
        except (APIError, ValueError, TimeoutError) as error:
            self._refusals.append((name, error))

    async def delete(self, objects: Sequence[AppliedObject]) -> None:
        """Ask for the end of all but namespaces, in the reverse of the order in which they came; what cannot be is logged."""
        gone: list[str] = []
        for obj in in_order_of_ending(objects):
            try:
                if await self._place.kubernetes.delete(ref_of(obj)):
                    gone.append(f"  → {obj.name}:{obj.kind.lower()}")
            except (APIError, TimeoutError) as error:
                self._log.write(f"{obj.kind}/{obj.name} was not deleted: {error}", level="ERROR")
        if gone:
            self._log.write("\n".join(["Objects deleted from cluster:", *gone]))


def in_order_of_ending(objects: Sequence[AppliedObject]) -> list[AppliedObject]:
    """Return the objects in the reverse of the order in which they are applied, without namespaces."""
    bodies: list[Json] = [{"kind": obj.kind} for obj in objects]
    applied = [objects[index] for wave in waves(bodies) for index, _ in wave]
    return [obj for obj in reversed(applied) if obj.kind != "Namespace"]


def ref_of(obj: AppliedObject) -> Ref:
    """Return what names the object in its cluster."""
    return Ref(obj.api_version, obj.kind, obj.name, obj.namespace)


def _refusal(refusals: Sequence[tuple[str, Exception]]) -> Exception:
    """Return the first refusal with the object's name, and with the names of others that were refused too."""
    refusals = sorted(refusals, key=lambda one: isinstance(one[1], TimeoutError))
    (name, error), *others = refusals
    also = f" (and so {', '.join(other for other, _ in others)})" if others else ""
    kind = type(error) if isinstance(error, (APIError, TimeoutError)) else ValueError
    return kind(f"{name}: {error}{also}")
