"""Eviction: a pod's end, asked for as ``kubectl drain`` does. There are no disruption budgets here to hold it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import BadRequest, MethodNotAllowed

if TYPE_CHECKING:
    from upright.client.client import Client
    from upright.openapi.meta import Json
    from upright.openapi.subresources import Ask, Subresources


def register_eviction(subresources: Subresources, client: Client) -> None:
    """Answer …/eviction of pods."""

    async def answer(ask: Ask) -> Json:
        return await evict(client, ask)

    subresources.answers("pods", "eviction", answer)


async def evict(client: Client, ask: Ask) -> Json:
    """Delete the pod, with the grace that the Eviction (policy/v1) asks for. Raises NotFound, Conflict (another uid)."""
    if ask.method != "POST":
        raise MethodNotAllowed(f"an eviction is created, not {ask.method}: POST a policy/v1 Eviction")
    eviction = ask.body or {}
    named = (eviction.get("metadata") or {}).get("name") or ask.name
    if named != ask.name:
        raise BadRequest(f"name in URL does not match name in Eviction object: {named} is not {ask.name}")
    options = eviction.get("deleteOptions") or {}
    if not ask.one("dryRun") and not options.get("dryRun"):
        grace = options.get("gracePeriodSeconds")
        uid = str((options.get("preconditions") or {}).get("uid") or "")
        await client.delete(Pod, ask.name, namespace=ask.namespace, uid=uid, grace_seconds=grace)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
