"""What is kept of each thing that was seen, as JSON and back: all that decides, without what was built or applied."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from upright.controllers import fingerprint
from upright.controllers.resource_decision import Place
from upright.controllers.update import Update
from upright.controllers.verdict.phases import Phase
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdSpec
from upright.openapi.v1alpha1.cmd_image import CmdImageSpec
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService, DockerComposeServiceSpec
from upright.openapi.v1alpha1.docker_image import DockerImageSpec
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply, KubernetesApplySpec
from upright.openapi.v1alpha1.kubernetes_discovery import (
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesDiscoveryStatus,
    ObservedEvent,
    ObservedObject,
    Pod,
)
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.resource import KubernetesSpec, Resource, ResourceImage, ResourceStatus, Step, Waiting
from upright.openapi.v1alpha1.tiltfile import TiltfileStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.openapi.meta import Json, Model, Object


_LISTS: dict[str, type[Model]] = {"pods": Pod, "objects": ObservedObject, "events": ObservedEvent}
_SHOWN = tuple(KubernetesDiscoveryStatus.model_fields)


def time_wire(moment: datetime) -> str:
    """Return the moment to the microsecond."""
    return moment.isoformat()


def time_read(text: str) -> datetime:
    """Return the moment again."""
    return datetime.fromisoformat(text)


def resource_wire(resource: Resource) -> Json:
    """Return the resource without its status and without what it runs, builds and applies."""
    spec = resource.spec
    if (deploys := spec.kubernetes) is not None:
        kept = KubernetesSpec(
            images=_images(deploys.images), apply=KubernetesApplySpec(), display_names=deploys.display_names
        )
        spec = spec.model_copy(update={"kubernetes": kept})
    if (composed := spec.compose) is not None:
        service = DockerComposeServiceSpec(service=composed.service.service)
        cut = {
            "images": _images(composed.images),
            "build": None,
            "service": service,
            "service_yaml": "",
            "live_updates": (),
        }
        spec = spec.model_copy(update={"compose": composed.model_copy(update=cut)})
    if spec.local is not None:
        update = spec.local.update and _command(spec.local.update)
        serve = spec.local.serve and _command(spec.local.serve)
        spec = spec.model_copy(update={"local": spec.local.model_copy(update={"update": update, "serve": serve})})
    meta = ObjectMeta(name=resource.name, uid=resource.metadata.uid)
    return Resource(metadata=meta, spec=spec, status=ResourceStatus()).to_wire()


def _images(images: tuple[ResourceImage, ...]) -> tuple[ResourceImage, ...]:
    """Return the images with the way in which each is built, and nothing of what with."""
    return tuple(
        ResourceImage(
            image_map=one.image_map,
            selector=one.selector,
            docker_image=one.docker_image and DockerImageSpec(ref=one.docker_image.ref),
            cmd_image=one.cmd_image and CmdImageSpec(ref=one.cmd_image.ref),
            base=one.base,
        )
        for one in images
    )


def _command(spec: CmdSpec) -> CmdSpec:
    return CmdSpec(readiness_probe=spec.readiness_probe)


def place_wire(place: Place) -> Json:
    """Return the place as JSON."""
    hold = place.hold.to_wire() if place.hold is not None else None
    return {"cause": place.cause, "due": place.due, "begins": place.begins, "hold": hold}


def place_read(wire: Json) -> Place:
    """Return the place again."""
    hold = Waiting.model_validate(wire["hold"]) if wire["hold"] is not None else None
    return Place(wire["cause"], wire["due"], wire["begins"], hold)


def going_wire(going: Update | None) -> Json | None:
    """Return how an update is going, without its objects."""
    if going is None:
        return None
    return {
        "state": going.state,
        "steps": [step.to_wire() for step in going.steps],
        "error": going.error,
        "rule": going.rule,
    }


def going_read(wire: Json | None) -> Update | None:
    """Return how the update is going again."""
    if wire is None:
        return None
    steps = tuple(Step.model_validate(step) for step in wire["steps"])
    return Update(wire["state"], steps, (), wire["error"], wire["rule"])


def apply_wire(apply: KubernetesApply | None) -> Json | None:
    """Return what was applied, without the objects' text."""
    if apply is None:
        return None
    status = apply.status.model_copy(update={"result_yaml": ""})
    return KubernetesApply(metadata=_meta(apply), spec=KubernetesApplySpec(), status=status).to_wire()


def discovery_wire(before: KubernetesDiscovery | None, now: KubernetesDiscovery | None) -> Json | None:
    """Return what the cluster shows and did not show before: by field, of a list its length and the items that changed."""
    if now is None:
        return None
    told: Json = {"name": now.name}
    old = before.status if before is not None else KubernetesDiscoveryStatus()
    for name in _SHOWN:
        was, is_now = getattr(old, name), getattr(now.status, name)
        if was == is_now:
            continue
        if name in _LISTS:
            items = {str(i): one.to_wire() for i, one in enumerate(is_now) if i >= len(was) or was[i] != one}
            told[name] = [len(is_now), items]
        else:
            told[name] = now.status.model_dump(mode="json", include={name}, by_alias=False).get(name)
    return told


def discovery_read(before: KubernetesDiscovery | None, told: Json | None) -> KubernetesDiscovery | None:
    """Return what the cluster shows, from what it showed before and what is told."""
    if told is None:
        return None
    status = before.status if before is not None else KubernetesDiscoveryStatus()
    plain = {name: value for name, value in told.items() if name in _SHOWN and name not in _LISTS}
    read = KubernetesDiscoveryStatus.model_validate(plain)
    changed: dict[str, object] = {name: getattr(read, name) for name in plain}
    for name, kind in _LISTS.items():
        if name in told:
            length, items = told[name]
            known = dict(enumerate(getattr(status, name))) | {int(i): kind.model_validate(w) for i, w in items.items()}
            changed[name] = tuple(known[i] for i in range(length))
    return KubernetesDiscovery(
        metadata=ObjectMeta(name=told["name"]),
        spec=KubernetesDiscoverySpec(),
        status=status.model_copy(update=changed),
    )


def compose_wire(service: DockerComposeService | None) -> Json | None:
    """Return how a Compose service is doing."""
    if service is None:
        return None
    kept = DockerComposeServiceSpec(service=service.spec.service)
    return DockerComposeService(metadata=_meta(service), spec=kept, status=service.status).to_wire()


def phases_wire(phases: tuple[Phase, ...]) -> list[Json]:
    """Return the builds and pushes that go on."""
    return [
        {"name": one.name, "path": one.path, "told": one.told, "since": one.since and time_wire(one.since)}
        for one in phases
    ]


def phases_read(told: list[Json]) -> tuple[Phase, ...]:
    """Return the builds and pushes again."""
    return tuple(Phase(one["name"], one["path"], one["told"], one["since"] and time_read(one["since"])) for one in told)


def server_wire(server: Cmd | None) -> Json | None:
    """Return the server's command without what it runs; ``ran`` says still whether it ran as it is."""
    if server is None:
        return None
    current = server.status.ran == fingerprint.of_step(server)
    kept = Cmd(metadata=_meta(server), spec=_command(server.spec))
    status = server.status.model_copy(update={"ran": fingerprint.of_step(kept) if current else ""})
    return kept.model_copy(update={"status": status}).to_wire()


def _meta(obj: Object) -> ObjectMeta:
    return ObjectMeta(name=obj.metadata.name)


def _model_wire(value: Model | None) -> Json | None:
    return value.to_wire() if value is not None else None


def _as_it_is(value: object) -> object:
    return value


FIELDS: dict[str, Callable[[Any], object]] = {
    "limits": _model_wire,
    "place": place_wire,
    "going": going_wire,
    "apply": apply_wire,
    "server": server_wire,
    "compose": compose_wire,
    "phases": phases_wire,
    "busy": _as_it_is,
    "custom": _as_it_is,
    "disabled": _as_it_is,
    "executed": _model_wire,
}
"""How each field of what was seen of a resource is written; ``discovery`` as its changes."""

READ: dict[str, Callable[[Any], object]] = {
    "limits": Limits.model_validate,
    "place": place_read,
    "going": going_read,
    "apply": lambda told: KubernetesApply.model_validate(told) if told is not None else None,
    "server": lambda told: Cmd.model_validate(told) if told is not None else None,
    "compose": lambda told: DockerComposeService.model_validate(told) if told is not None else None,
    "phases": phases_read,
    "busy": _as_it_is,
    "custom": _as_it_is,
    "disabled": _as_it_is,
    "executed": lambda told: TiltfileStatus.model_validate(told) if told is not None else None,
}
"""How each field is read again."""
