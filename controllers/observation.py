"""What matters of a cluster's objects, taken from their JSON: pods in Tilt's shape, workloads, events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.verdict.job_retries import JOB_SPEC_READ
from upright.openapi.meta import parse_time
from upright.openapi.v1alpha1.kubernetes_discovery import (
    Container,
    ContainerRunning,
    ContainerState,
    ContainerTerminated,
    ContainerWaiting,
    ObservedEvent,
    ObservedObject,
    Pod,
    PodCondition,
    PodOwner,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from upright.openapi.meta import Json

TEMPLATE_HASH = "tilt.dev/pod-template-hash"
_SPEC_READ = ("replicas", "completions", "parallelism", "suspend", "updateStrategy", *JOB_SPEC_READ)
LONG = timedelta(minutes=1)
"""A container that has run for so long when it is first seen has shown that it runs; clocks differ by less."""
_ERROR_REASONS = frozenset(
    {
        "CrashLoopBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
        "RunContainerError",
        "StartError",
        "Error",
        "CreateContainerConfigError",
        "CreateContainerError",
        "InvalidImageName",
        "ErrImageNeverPull",
    }
)


class Moment(Struct, frozen=True):
    """When a cluster was looked at, and how long after an event it may tell of it."""

    now: datetime
    delay: timedelta = timedelta()


def _date(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def observed(body: Json) -> ObservedObject:
    """Return the part of an object that the verdict reads."""
    meta = body["metadata"]
    spec = body.get("spec") or {}
    return ObservedObject(
        api_version=body.get("apiVersion", ""),
        kind=body.get("kind", ""),
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 0),
        deleting="deletionTimestamp" in meta,
        owner_uids=tuple(owner["uid"] for owner in meta.get("ownerReferences") or ()),
        created_at=_date(meta.get("creationTimestamp")),
        spec={name: spec[name] for name in _SPEC_READ if name in spec},
        status=body.get("status") or {},
    )


def event(body: Json) -> ObservedEvent:
    """Return an event in short."""
    about = body.get("involvedObject") or {}
    series = body.get("series") or {}
    when = (
        series.get("lastObservedTime")
        or body.get("lastTimestamp")
        or body.get("eventTime")
        or body["metadata"].get("creationTimestamp")
    )
    return ObservedEvent(
        kind=about.get("kind", ""),
        name=about.get("name", ""),
        uid=about.get("uid", ""),
        namespace=about.get("namespace", ""),
        type=body.get("type", ""),
        reason=body.get("reason", ""),
        message=body.get("message", ""),
        count=series.get("count") or body.get("count") or 1,
        time=_date(when),
    )


def pod(body: Json, ancestor_uid: str, before: Pod | None, now: datetime, delay: timedelta = timedelta()) -> Pod:
    """Return a pod in Tilt's shape.

    ``before`` is how it was last told, for how long a container has been waiting or running; ``delay`` is how long after
    the end of a container its cluster may tell of it.
    """
    seen = Moment(now, delay)
    meta, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    specs = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    probed = {c["name"] for c in specs if "readinessProbe" in c}
    sidecars = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    earlier = {c.name: c for c in (*before.init_containers, *before.containers)} if before else {}
    ports = {c["name"]: tuple(p["containerPort"] for p in c.get("ports") or ()) for c in spec.get("containers") or ()}

    def read(found: Json) -> Container:
        name = found["name"]
        one = _container(found, name in probed, ports.get(name, ()), earlier.get(name), seen)
        return one.model_copy(update={"sidecar": True}) if name in sidecars else one

    inits = tuple(read(c) for c in status.get("initContainerStatuses") or ())
    mains = tuple(read(c) for c in status.get("containerStatuses") or ())
    owner = next((o for o in meta.get("ownerReferences") or () if o.get("controller")), None)
    return Pod(
        uid=meta["uid"],
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        created_at=_date(meta.get("creationTimestamp")),
        phase=status.get("phase", ""),
        deleting="deletionTimestamp" in meta,
        conditions=tuple(PodCondition.model_validate(c) for c in status.get("conditions") or ()),
        init_containers=inits,
        containers=mains,
        ancestor_uid=ancestor_uid,
        pod_template_spec_hash=(meta.get("labels") or {}).get(TEMPLATE_HASH, ""),
        status=pod_word(body),
        errors=tuple(_errors((*inits, *mains))),
        owner=PodOwner(name=owner["name"], api_version=owner["apiVersion"], kind=owner["kind"]) if owner else None,
        owner_uid=owner["uid"] if owner else "",
        restart_policy=spec.get("restartPolicy", ""),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
    )


def _container(found: Json, probed: bool, ports: tuple[int, ...], before: Container | None, seen: Moment) -> Container:
    state, now = _state(found.get("state") or {}), seen.now
    if state.running is not None:
        counts = _counts_from(state.running, found.get("containerID", ""), before, seen)
        state = ContainerState(running=state.running.model_copy(update={"counts_from": counts}))
    if state.waiting is not None:
        was = before.state.waiting if before is not None else None
        since = was.since if was is not None and was.reason == state.waiting.reason else now
        state = ContainerState(waiting=state.waiting.model_copy(update={"since": since or now}))
    last = found.get("lastState") or {}
    return Container(
        name=found["name"],
        id=found.get("containerID", ""),
        ready=bool(found.get("ready")),
        image=found.get("image", ""),
        restarts=found.get("restartCount", 0),
        state=state,
        last=_state(last) if last else None,
        ports=ports,
        probed=probed,
        started=found.get("started"),
    )


def _counts_from(running: ContainerRunning, name: str, before: Container | None, seen: Moment) -> datetime | None:
    """Return from when the container's time counts: clocks differ, a start is told in whole seconds, an end is told late.

    One that was running for long when it was first seen needs none of this.
    """
    was = before.state.running if before is not None and before.id == name else None
    if was is not None and was.started_at == running.started_at:
        return was.counts_from
    if running.started_at is not None and seen.now - running.started_at > LONG:
        return running.started_at
    return seen.now + seen.delay


def _state(state: Json) -> ContainerState:
    if running := state.get("running"):
        return ContainerState(running=ContainerRunning.model_validate(running))
    if ended := state.get("terminated"):
        return ContainerState(terminated=ContainerTerminated.model_validate(ended))
    if waiting := state.get("waiting"):
        return ContainerState(
            waiting=ContainerWaiting(reason=waiting.get("reason") or "unknown", message=waiting.get("message", ""))
        )
    return ContainerState()


def _errors(containers: Iterable[Container]) -> Iterable[str]:
    for container in containers:
        waiting = container.state.waiting
        if waiting is None or waiting.reason not in _ERROR_REASONS:
            continue
        if waiting.message:
            yield waiting.message
        if container.last and container.last.terminated and container.last.terminated.message:
            yield container.last.terminated.message


def pod_word(body: Json) -> str:
    """Return the word that kubectl prints in a pod's STATUS column."""
    status = body.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    if init := _init_word(body):
        word = init
    else:
        containers = status.get("containerStatuses") or []
        for found in reversed(containers):
            word = _container_word(found.get("state") or {}) or word
        if word == "Completed" and any((found.get("state") or {}).get("running") for found in containers):
            word = "Running" if any(found.get("ready") for found in containers) else "NotReady"
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    return str(word)


def _init_word(body: Json) -> str:
    inits = (body.get("status") or {}).get("initContainerStatuses") or ()
    total = len((body.get("spec") or {}).get("initContainers") or ())
    for index, found in enumerate(inits):
        state = found.get("state") or {}
        if (state.get("terminated") or {}).get("exitCode") == 0:
            continue
        word = _container_word(state)
        return f"Init:{word}" if word and word != "PodInitializing" else f"Init:{index}/{total}"
    return ""


def _container_word(state: Json) -> str:
    if waiting := state.get("waiting"):
        return waiting.get("reason") or ""
    if ended := state.get("terminated"):
        return ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
    return ""
