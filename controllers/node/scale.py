"""Scale: the replicas of Deployments and ReplicaSets, read and written apart from the rest; for ``kubectl scale``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.apps_v1.scale import scale_of, scaled
from upright.openapi.errors import Conflict, MethodNotAllowed
from upright.openapi.patches import merge

if TYPE_CHECKING:
    from upright.client.client import Client
    from upright.openapi.meta import Json, Object
    from upright.openapi.subresources import Ask, Subresources

ATTEMPTS = 10
SCALED: tuple[type[Object], ...] = (Deployment, ReplicaSet)


def register_scale(subresources: Subresources, client: Client) -> None:
    """Answer …/scale of the kinds that have replicas."""

    async def answer(ask: Ask) -> Json:
        return await scale(client, ask)

    for kind in SCALED:
        subresources.answers(kind.definition.resource, "scale", answer)


async def scale(client: Client, ask: Ask) -> Json:
    """Return the Scale, after writing it if that is asked (PUT; PATCH with a merge patch)."""
    if ask.method not in {"GET", "PUT", "PATCH"}:
        raise MethodNotAllowed(f"scale can be read and written, not {ask.method}")
    for attempt in range(ATTEMPTS):
        obj = await client.get(ask.kind, ask.name, namespace=ask.namespace)
        if ask.method == "GET":
            break
        given = ask.body or {}
        try:
            obj = await _write(client, obj, given if ask.method == "PUT" else merge(scale_of(obj.to_wire()), given))
        except Conflict:
            if (given.get("metadata") or {}).get("resourceVersion") or attempt + 1 == ATTEMPTS:
                raise
        else:
            break
    else:
        raise AssertionError("unreachable: the last attempt returns or raises")
    return scale_of(obj.to_wire())


async def _write(client: Client, obj: Object, wanted: Json) -> Object:
    return await client.update(type(obj).model_validate(scaled(obj.to_wire(), wanted)))
