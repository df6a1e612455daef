"""Which objects of a resource are to leave the cluster: what it has no more, and nobody else has or wishes to keep; pure."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct

from upright.controllers.down import KEEP, POLICY
from upright.controllers.tiltfile.injection import applied_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject, KubernetesApply, KubernetesApplyStatus


class Surplus(Struct, frozen=True):
    """``going`` are deleted, ``kept`` are not, because their annotations say so."""

    going: tuple[AppliedObject, ...] = ()
    kept: tuple[AppliedObject, ...] = ()


def surplus(
    before: KubernetesApplyStatus, now: Sequence[AppliedObject], others: Iterable[KubernetesApply], namespace: str
) -> Surplus:
    """Return what was applied before, is not among ``now``, and is in no other resource of the cluster."""
    there = [obj for obj in before.objects if not any(_same(obj, other) for other in now)]
    if there:
        elsewhere = list(_named(others))
        there = [obj for obj in there if not any(_is(obj, name, namespace) for name in elsewhere)]
    if not there:
        return Surplus()
    stay = {_name(body) for body in bodies(before.result_yaml) if _is_kept(body)}
    kept = tuple(obj for obj in there if any(_is(obj, name, namespace) for name in stay))
    return Surplus(tuple(obj for obj in there if obj not in kept), kept)


def with_what_is_left(before: Sequence[AppliedObject], now: Sequence[AppliedObject]) -> tuple[AppliedObject, ...]:
    """Return what is in the cluster after an apply that was refused midway: what it took, and what was there before."""
    return (*now, *(obj for obj in before if not any(_same(obj, other) for other in now)))


def bodies(result: str) -> list[Json]:
    """Return the objects of a status' result: a JSON document a line, between lines of dashes."""
    return [orjson.loads(line) for line in result.split("\n") if line.startswith("{")]


def _named(others: Iterable[KubernetesApply]) -> Iterator[tuple[str, str, str, str]]:
    for other in others:
        for obj in other.status.objects:
            yield _group(obj.api_version), obj.kind, obj.namespace, obj.name
        with suppress(ValueError):
            yield from map(_name, applied_objects(other.spec.yaml))


def _name(body: Json) -> tuple[str, str, str, str]:
    meta: Json = body.get("metadata") or {}
    return (
        _group(str(body.get("apiVersion", ""))),
        str(body.get("kind", "")),
        str(meta.get("namespace") or ""),
        str(meta.get("name") or ""),
    )


def _is(obj: AppliedObject, name: tuple[str, str, str, str], namespace: str) -> bool:
    group, kind, space, own = name
    same_place = not obj.namespace or obj.namespace == (space or namespace)
    return same_place and (_group(obj.api_version), obj.kind, obj.name) == (group, kind, own)


def _same(one: AppliedObject, other: AppliedObject) -> bool:
    return _is(one, (_group(other.api_version), other.kind, other.namespace, other.name), other.namespace)


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _is_kept(body: Json) -> bool:
    notes: Json = (body.get("metadata") or {}).get("annotations") or {}
    return notes.get(POLICY) == KEEP
