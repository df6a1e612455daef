"""KubernetesDiscovery: what the cluster shows of applied objects: the objects, their pods, their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import Json, MicroTime, Model, Object, Time, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind
from upright.openapi.v1alpha1.kubernetes_apply import LabelSelector
from upright.openapi.v1alpha1.pod_log_stream import PodLogStreamTemplateSpec
from upright.openapi.v1alpha1.port_forward import PortForwardTemplateSpec
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Iterator


class WatchRef(Model):
    """An object whose pods are looked for; without uid the object alone is looked at, without name only the namespace is."""

    uid: str = omit("")
    namespace: str
    name: str = omit("")
    api_version: str = omit("")
    kind: str = omit("")


class KubernetesDiscoverySpec(Model):
    """What to look for."""

    watches: tuple[WatchRef, ...] = ()
    extra_selectors: tuple[LabelSelector, ...] = omit(())
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    cluster: str = omit("")


class ContainerWaiting(Model):
    """Why the container does not run yet, and since when it is for this reason."""

    reason: str
    message: str = omit("")
    since: MicroTime | None = None


class ContainerRunning(Model):
    """Since when the container runs."""

    started_at: Time | None = None


class ContainerTerminated(Model):
    """How the container ended."""

    started_at: Time | None = None
    finished_at: Time | None = None
    reason: str = omit("")
    message: str = omit("")
    exit_code: int = 0


class ContainerState(Model):
    """One of waiting, running, terminated."""

    waiting: ContainerWaiting | None = None
    running: ContainerRunning | None = None
    terminated: ContainerTerminated | None = None


class Container(Model):
    """A container of a pod; ``probed`` says that it has a readiness probe, ``last`` how its previous run ended."""

    name: str
    id: str = omit("")
    ready: bool = False
    image: str = omit("")
    restarts: int = 0
    state: ContainerState = ContainerState()
    last: ContainerState | None = None
    ports: tuple[int, ...] = omit(())
    probed: bool = omit(default=False)
    started: bool | None = None


class PodCondition(Model):
    """A condition of a pod."""

    type: str
    status: str
    last_transition_time: Time | None = None
    reason: str = omit("")
    message: str = omit("")


class PodOwner(Model):
    """The pod's direct owner."""

    name: str
    api_version: str = ""
    kind: str = ""
    creation_timestamp: Time | None = None


class Pod(Model):
    """A pod, in the part that matters here; ``status`` is the word kubectl would print."""

    uid: str
    name: str
    namespace: str
    created_at: Time | None = None
    phase: str = ""
    deleting: bool = omit(default=False)
    conditions: tuple[PodCondition, ...] = omit(())
    init_containers: tuple[Container, ...] = omit(())
    containers: tuple[Container, ...] = omit(())
    ancestor_uid: str = omit("", alias="ancestorUID")
    pod_template_spec_hash: str = omit("")
    status: str = omit("")
    errors: tuple[str, ...] = omit(())
    owner: PodOwner | None = None
    owner_uid: str = omit("")
    restart_policy: str = omit("")
    reason: str = omit("")
    message: str = omit("")


class ObservedObject(Model):
    """An object as last seen in the cluster: metadata and spec only in the part the verdict reads, status whole."""

    api_version: str
    kind: str
    name: str
    namespace: str = omit("")
    uid: str
    generation: int = omit(0)
    deleting: bool = omit(default=False)
    owner_uids: tuple[str, ...] = omit(())
    created_at: Time | None = None
    spec: Json = omit({})
    status: Json = omit({})


class ObservedEvent(Model):
    """An event of the cluster about one of the objects or pods."""

    kind: str
    name: str
    uid: str = omit("")
    namespace: str = omit("")
    type: str = omit("")
    reason: str = omit("")
    message: str = omit("")
    count: int = omit(0)
    time: MicroTime | None = None


class DiscoveryRunning(Model):
    """Since when the cluster is watched."""

    start_time: Time | None = None


class KubernetesDiscoveryStatus(Model):
    """What the cluster shows; ``seenAt`` is when it was last known to be true."""

    monitor_start_time: MicroTime | None = None
    pods: tuple[Pod, ...] = omit(())
    objects: tuple[ObservedObject, ...] = omit(())
    events: tuple[ObservedEvent, ...] = omit(())
    waiting: StepWaiting | None = None
    running: DiscoveryRunning | None = None
    sight_lost_at: MicroTime | None = None


class KubernetesDiscovery(Object):
    """What the cluster shows of applied objects."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "KubernetesDiscovery",
        "kubernetesdiscoverys",
        short_names=("kd", "kdisco"),
        columns=(
            NAME,
            Column("PODS", lambda body: len(body.get("status", {}).get("pods") or ()), "integer", "Number of pods"),
            AGE,
        ),
    )

    spec: KubernetesDiscoverySpec = KubernetesDiscoverySpec()
    status: KubernetesDiscoveryStatus = KubernetesDiscoveryStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.watches and not self.spec.extra_selectors:
            yield Cause(
                "spec.watches", "Required value: must watch something or have an extra selector", "FieldValueRequired"
            )
        for index, watch in enumerate(self.spec.watches):
            if not watch.namespace:
                yield Cause(f"spec.watches[{index}].namespace", "Required value: cannot be empty", "FieldValueRequired")
