"""Whether the Services that webhook configurations call have somebody who answers: their own status does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.sight import Sight
    from upright.openapi.meta import Json

WEBHOOKS = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})
SLICES = ("discovery.k8s.io/v1", "EndpointSlice")
LOOK_AGAIN_SECONDS = 0.5
"""How often the mirror is looked at while nobody answers: who owns a slice is not among the objects that wake us."""
_OF_SERVICE = "kubernetes.io/service-name"


class Service(NamedTuple):
    """A Service that a webhook calls."""

    namespace: str
    name: str


def services(body: Json) -> list[Service]:
    """Return the Services that a webhook configuration calls; one that is called by its URL has none."""
    called = [((hook.get("clientConfig") or {}).get("service")) for hook in body.get("webhooks") or ()]
    return list(dict.fromkeys(Service(one.get("namespace", ""), one.get("name", "")) for one in called if one))


def with_endpoints(body: Json, sight: Sight) -> Json:
    """Return the configuration with a status: each Service it calls, and how many ready endpoints that has."""
    told = [{"namespace": one.namespace, "name": one.name, "ready": sum(_ready(one, sight))} for one in services(body)]
    return {**body, "status": {"services": told}}


def _ready(service: Service, sight: Sight) -> Iterator[int]:
    for found in sight.of_kind(SLICES[1], service.namespace):
        if (found["metadata"].get("labels") or {}).get(_OF_SERVICE) == service.name:
            # not told is ready, as the API has it
            yield sum((one.get("conditions") or {}).get("ready") is not False for one in found.get("endpoints") or ())
