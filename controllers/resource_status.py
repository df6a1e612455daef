"""A resource's status from its update and what runs since: Tilt's words, targets and conditions; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from upright.openapi.v1alpha1.resource import (
    BuildRecord,
    ComposeResourceInfo,
    DisableResourceStatus,
    K8sResourceInfo,
    Link,
    LocalResourceInfo,
    Resource,
    ResourceStatus,
    TargetSpec,
)
from upright.openapi.v1alpha1.session import (
    Target,
    TargetActive,
    TargetDisabled,
    TargetState,
    TargetTerminated,
    TargetWaiting,
)
from upright.openapi.v1alpha1.triggers import Condition

if TYPE_CHECKING:
    from datetime import datetime

    from upright.controllers.serving import Serving
    from upright.openapi.v1alpha1.resource import Waiting

UpdateWord = Literal["none", "in_progress", "ok", "pending", "error", "not_applicable"]
_TRIGGER_MODES = {("auto", True): 0, ("manual", True): 1, ("manual", False): 2, ("auto", False): 3}


class Picture(Struct, frozen=True):
    """All that a status is made of: the resource, whether an update is due, what holds it, and what runs."""

    resource: Resource
    status: ResourceStatus
    serving: Serving
    now: datetime
    due: bool
    hold: Waiting | None = None


def whole(picture: Picture) -> ResourceStatus:
    """Return the status with everything that follows from the picture."""
    before, serving = picture.status, picture.serving
    word = update_word(picture)
    runtime = _runtime_word(picture, word)
    status = before.model_copy(
        update={
            "order": picture.resource.spec.order,
            "trigger_mode": _TRIGGER_MODES[picture.resource.spec.trigger_mode, picture.resource.spec.auto_init],
            "endpoint_links": _links(picture),
            "specs": _specs(picture.resource),
            "update_status": word,
            "runtime_status": runtime,
            "waiting": picture.hold,
            "ever_ready": before.ever_ready or (_built_well(before) and serving.opens_the_way),
            "local_resource_info": LocalResourceInfo(pid=serving.pid) if serving.pid else None,
            "k8s_resource_info": _pod_info(picture),
            "compose_resource_info": _compose_info(picture),
            "tolerated_crashes": before.tolerated_crashes if serving.tolerated is None else dict(serving.tolerated),
            "excused": before.excused if serving.excused is None else dict(serving.excused),
            "disable_status": _switch(picture.resource, off=False),
        }
    )
    status = status.model_copy(update={"targets": _targets(picture, word, before.targets)})
    return status.model_copy(update={"conditions": _conditions(status, picture.now, serving.waits_for)})


def update_word(picture: Picture) -> UpdateWord:
    """Return Tilt's updateStatus."""
    status = picture.status
    no_command = picture.resource.spec.local is not None and picture.resource.spec.local.update is None
    if status.current_build is not None:
        return "pending" if no_command else "in_progress"
    if picture.due:
        return "pending"
    if not status.build_history:
        return "none"
    if status.build_history[0].error:
        return "error"
    return "not_applicable" if no_command else "ok"


def _built_well(status: ResourceStatus) -> bool:
    return bool(status.build_history) and not status.build_history[0].error and status.current_build is None


def _runtime_word(picture: Picture, update: UpdateWord) -> str:
    raw = picture.serving.state
    if raw not in {"pending", "none"}:
        return raw
    begun = update != "none" and (raw == "pending" or update in {"pending", "in_progress"})
    return "pending" if begun else "none"


def _specs(resource: Resource) -> tuple[TargetSpec, ...]:
    spec = resource.spec
    images = (TargetSpec(id=f"image:{i.image_map}", type="image") for i in spec.images)
    if spec.kubernetes is not None:
        return (*images, TargetSpec(id=f"k8s:{resource.name}", type="k8s"))
    if spec.compose is not None:
        return (*images, TargetSpec(id=f"docker-compose:{resource.name}", type="docker-compose"))
    return (TargetSpec(id=f"local:{resource.name}", type="local"),) if spec.local is not None else ()


def _links(picture: Picture) -> tuple[Link, ...]:
    """Return the links that were said; else, of a Compose service, where its published ports are."""
    spec, seen = picture.resource.spec, picture.serving.compose
    if spec.links or spec.compose is None or not spec.compose.infer_links or seen is None:
        return spec.links
    ports = dict.fromkeys(port.host_port for port in seen.port_bindings)
    return tuple(Link(url=f"http://localhost:{port}/") for port in ports)


def _compose_info(picture: Picture) -> ComposeResourceInfo | None:
    seen = picture.serving.compose
    if seen is None or seen.container_state is None:
        return None
    return ComposeResourceInfo(health_status=seen.container_state.health_status)


def _pod_info(picture: Picture) -> K8sResourceInfo | None:
    spec = picture.resource.spec
    if spec.kubernetes is None:
        return None
    names = spec.kubernetes.display_names
    pods = [pod for pod in picture.serving.pods if not pod.deleting] or list(picture.serving.pods)
    if not pods:
        return K8sResourceInfo(display_names=names)
    newest = max(pods, key=lambda pod: (pod.created_at.timestamp() if pod.created_at else 0.0, pod.name))
    return K8sResourceInfo(
        pod_name=newest.name,
        pod_creation_time=newest.created_at,
        pod_update_start_time=picture.status.last_deploy_time,
        pod_status=newest.status,
        pod_status_message="\n".join(newest.errors),
        all_containers_ready=all(container.ready for container in newest.containers),
        pod_restarts=sum(container.restarts for container in newest.containers),
        span_id=f"pod:{picture.resource.name}:{newest.name}",
        display_names=names,
    )


def _targets(picture: Picture, word: UpdateWord, before: tuple[Target, ...]) -> tuple[Target, ...]:
    name, spec = picture.resource.name, picture.resource.spec
    targets: list[Target] = []
    if spec.local is None or spec.local.update is not None:
        targets.append(Target(name=f"{name}:update", type="job", resources=(name,), state=_update_state(picture, word)))
    if spec.local is not None and spec.local.serve is not None:
        targets.append(_runtime_target(picture, "serve", "server", before))
    if spec.kubernetes is not None and not _invisible(picture):
        targets.append(_runtime_target(picture, "runtime", _runtime_kind(picture.resource), before))
    if spec.compose is not None:
        targets.append(_runtime_target(picture, "runtime", "server", before))
    return tuple(targets)


def _invisible(picture: Picture) -> bool:
    """Whether the resource has nothing that runs: its readiness is ignored and it has no pods."""
    deployed = picture.status.last_deploy_time is not None
    serving = picture.serving
    return picture.resource.spec.pod_readiness == "ignore" and deployed and serving.state == "ok" and not serving.pods


def _update_state(picture: Picture, word: UpdateWord) -> TargetState:
    status = picture.status
    if status.current_build is not None:
        return TargetState(active=TargetActive(start_time=status.current_build.start_time))
    if word == "pending":
        return TargetState(waiting=TargetWaiting(wait_reason=picture.hold.reason if picture.hold else "unknown"))
    if status.build_history:
        last = status.build_history[0]
        return TargetState(
            terminated=TargetTerminated(start_time=last.start_time, finish_time=last.finish_time, error=last.error)
        )
    return TargetState()


def _runtime_target(
    picture: Picture, suffix: str, kind: Literal["job", "server"], before: tuple[Target, ...]
) -> Target:
    name = f"{picture.resource.name}:{suffix}"
    old = next((target for target in before if target.name == name), None)
    active = old.state.active if old is not None else None
    last_ready = active.last_ready_time if active is not None else None
    if active is not None and active.ready and picture.serving.state != "ok":
        last_ready = picture.now
    state = _runtime_state(picture, last_ready)
    return Target(name=name, type=kind, resources=(picture.resource.name,), state=state)


def _runtime_state(picture: Picture, last_ready: datetime | None) -> TargetState:
    serving = picture.serving
    if serving.state == "error":
        first = next(iter(serving.findings), None)
        error = first.message if first is not None else "unknown error"
        ended = first.since if first is not None else None
        return TargetState(terminated=TargetTerminated(start_time=serving.since, finish_time=ended, error=error))
    if serving.state == "ok":
        if serving.complete:
            return TargetState(terminated=TargetTerminated(start_time=serving.since))
        ready = TargetActive(start_time=serving.since, ready=True, last_ready_time=last_ready or picture.now)
        return TargetState(active=ready)
    if serving.active:
        return TargetState(active=TargetActive(start_time=serving.since, last_ready_time=last_ready))
    if picture.due or picture.status.current_build is not None or serving.state == "pending":
        reason = picture.hold.reason if picture.hold else "waiting-for-pod" if _deployed(picture) else "unknown"
        return TargetState(waiting=TargetWaiting(wait_reason=reason))
    return TargetState()


def _deployed(picture: Picture) -> bool:
    return picture.resource.spec.kubernetes is not None and picture.status.last_deploy_time is not None


def disabled(resource: Resource, status: ResourceStatus) -> ResourceStatus:
    """Return the status of a resource that is switched off."""
    spec, off = resource.spec, TargetState(disabled=TargetDisabled())
    kinds: dict[str, Literal["job", "server"]] = {}
    if spec.local is None or spec.local.update is not None:
        kinds["update"] = "job"
    if spec.kubernetes is not None or spec.compose is not None:
        kinds["runtime"] = _runtime_kind(resource)
    if spec.local is not None and spec.local.serve is not None:
        kinds["serve"] = "server"
    targets = (
        Target(name=f"{resource.name}:{suffix}", type=kind, resources=(resource.name,), state=off)
        for suffix, kind in kinds.items()
    )
    return ResourceStatus(
        order=resource.spec.order,
        update_status="none",
        runtime_status="none",
        serve_run=status.serve_run,
        targets=tuple(targets),
        specs=_specs(resource),
        disable_status=_switch(resource, off=True),
    )


def _switch(resource: Resource, *, off: bool) -> DisableResourceStatus:
    source = resource.spec.disable_source
    if source is None:
        return DisableResourceStatus()
    state: Literal["Disabled", "Enabled"] = "Disabled" if off else "Enabled"
    return DisableResourceStatus(enabled_count=int(not off), disabled_count=int(off), state=state, sources=(source,))


def _runtime_kind(resource: Resource) -> Literal["job", "server"]:
    return "job" if resource.spec.pod_readiness == "succeeded" else "server"


def _conditions(status: ResourceStatus, now: datetime, waits_for: str) -> tuple[Condition, ...]:
    ready = status.runtime_status == "ok" or (
        status.runtime_status == "not_applicable" and status.update_status in {"ok", "not_applicable"}
    )
    up_to_date = status.update_status in {"ok", "not_applicable"}
    return (
        _condition(status, "UpToDate", up_to_date, _update_reason(status), now),
        _condition(status, "Ready", ready, _ready_reason(status), now, waits_for),
    )


def _update_reason(status: ResourceStatus) -> str:
    return {"error": "UpdateError", "pending": "UpdatePending", "in_progress": "UpdatePending"}.get(
        status.update_status, "Unknown"
    )


def _ready_reason(status: ResourceStatus) -> str:
    if status.runtime_status == "error":
        return "RuntimeError"
    if status.update_status == "error":
        return "UpdateError"
    if status.update_status in {"ok", "not_applicable"} and status.runtime_status == "pending":
        return "RuntimePending"
    return "UpdatePending" if status.update_status in {"pending", "in_progress"} else "Unknown"


def _condition(
    status: ResourceStatus, kind: str, true: bool, reason: str, now: datetime, message: str = ""
) -> Condition:
    word = "True" if true else "False"
    old = next((c for c in status.conditions if c.type == kind), None)
    since = old.last_transition_time if old is not None and old.status == word else now
    told = ("", "") if true else (reason, message)
    return Condition(type=kind, status=word, last_transition_time=since, reason=told[0], message=told[1])


def record(status: ResourceStatus, error: str, now: datetime) -> ResourceStatus:
    """Return the status after its running update ended; two records are kept, the newest first."""
    begun = status.current_build
    last = BuildRecord(
        error=error,
        start_time=begun.start_time if begun else now,
        finish_time=now,
        span_id=begun.span_id if begun else "",
    )
    history = (last, *status.build_history)[:2]
    changed: dict[str, object] = {"build_history": history, "current_build": None}
    if not error:
        changed["last_deploy_time"] = now
    return status.model_copy(update=changed)
