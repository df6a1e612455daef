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
    """Its uid."""
    namespace: str
    """Its namespace."""
    name: str = omit("")
    """Its name."""
    api_version: str = omit("")
    """Its apiVersion."""
    kind: str = omit("")
    """Its kind."""


class KubernetesDiscoverySpec(Model):
    """What to look for."""

    watches: tuple[WatchRef, ...] = ()
    extra_selectors: tuple[LabelSelector, ...] = omit(())
    """Pods with these labels belong to it too."""
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    cluster: str = omit("")
    """The Cluster to look at."""


class ContainerWaiting(Model):
    """Why the container does not run yet, and since when it is for this reason."""

    reason: str
    """Kubernetes' word for it, as in ImagePullBackOff."""
    message: str = omit("")
    """What the node says of it."""
    since: MicroTime | None = None
    """Since when it waits for this reason."""


class ContainerRunning(Model):
    """Since when the container runs."""

    started_at: Time | None = None
    """When it was started."""
    counts_from: MicroTime | None = omit(None)
    """From when its time counts by which it is stable: when it was first seen to run, and what its cluster may take to tell of an end."""


class ContainerTerminated(Model):
    """How the container ended."""

    started_at: Time | None = None
    """When it was started."""
    finished_at: Time | None = None
    """When it ended."""
    reason: str = omit("")
    """Kubernetes' word for it, as in OOMKilled."""
    message: str = omit("")
    """What the container or the node says of it."""
    exit_code: int = 0
    """What its process exited with."""


class ContainerState(Model):
    """One of waiting, running, terminated."""

    waiting: ContainerWaiting | None = None
    running: ContainerRunning | None = None
    terminated: ContainerTerminated | None = None


class Container(Model):
    """A container of a pod; ``probed`` says that it has a readiness probe, ``last`` how its previous run ended."""

    name: str
    """Its name in the pod."""
    id: str = omit("")
    """The runtime's id of it."""
    ready: bool = False
    """Its readiness probe passes, or it runs and has none."""
    image: str = omit("")
    """The image it was made from."""
    restarts: int = 0
    """How often it was started again."""
    state: ContainerState = ContainerState()
    last: ContainerState | None = None
    """How its run before this one ended."""
    ports: tuple[int, ...] = omit(())
    """The ports that its spec names."""
    probed: bool = omit(default=False)
    """It has a readiness probe."""
    sidecar: bool = omit(default=False)
    """It is an init container that goes on beside the others."""
    started: bool | None = None
    """Its startup probe has passed, or it runs and has none."""


class PodCondition(Model):
    """A condition of a pod."""

    type: str
    """Which condition."""
    status: str
    """True, False or Unknown."""
    last_transition_time: Time | None = None
    """Since when it is so."""
    reason: str = omit("")
    """A word for the cause."""
    message: str = omit("")
    """The cause in a sentence."""


class PodOwner(Model):
    """The pod's direct owner."""

    name: str
    """Its name."""
    api_version: str = ""
    """Its apiVersion."""
    kind: str = ""
    """Its kind."""
    creation_timestamp: Time | None = None
    """When it was made."""


class Pod(Model):
    """A pod, in the part that matters here; ``status`` is the word kubectl would print."""

    uid: str
    """Its uid."""
    name: str
    """Its name."""
    namespace: str
    """Its namespace."""
    created_at: Time | None = None
    """When it was made."""
    phase: str = ""
    """Pending, Running, Succeeded, Failed or Unknown."""
    deleting: bool = omit(default=False)
    """It is being deleted."""
    conditions: tuple[PodCondition, ...] = omit(())
    init_containers: tuple[Container, ...] = omit(())
    containers: tuple[Container, ...] = omit(())
    ancestor_uid: str = omit("", alias="ancestorUID")
    """The uid of the applied object that it comes from."""
    pod_template_spec_hash: str = omit("")
    """Of the pod template that it was made from."""
    status: str = omit("")
    """The word that kubectl would print for it."""
    errors: tuple[str, ...] = omit(())
    """What is wrong with it, a sentence each."""
    owner: PodOwner | None = None
    owner_uid: str = omit("")
    """The uid of its direct owner."""
    restart_policy: str = omit("")
    """Always, OnFailure or Never."""
    reason: str = omit("")
    """Why it is in its phase, in a word."""
    message: str = omit("")
    """Why it is in its phase, in a sentence."""


class ObservedObject(Model):
    """An object as last seen in the cluster: metadata and spec only in the part the verdict reads, status whole."""

    api_version: str
    """Its apiVersion."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""
    namespace: str = omit("")
    """Its namespace; empty for what has none."""
    uid: str
    """Its uid."""
    generation: int = omit(0)
    """The revision of its spec."""
    deleting: bool = omit(default=False)
    """It is being deleted."""
    deleted_at: MicroTime | None = omit(None)
    """When it was seen to be gone; all else is as it was last."""
    owner_uids: tuple[str, ...] = omit(())
    """The uids of its owners."""
    created_at: Time | None = None
    """When it was made."""
    spec: Json = omit({})
    """Its spec, in the part that the verdict reads."""
    status: Json = omit({})
    """Its status."""


class ObservedEvent(Model):
    """An event of the cluster about one of the objects or pods."""

    kind: str
    """The kind of the object it is about."""
    name: str
    """The name of the object it is about."""
    uid: str = omit("")
    """The uid of the object it is about."""
    namespace: str = omit("")
    """The namespace of the object it is about."""
    type: str = omit("")
    """Normal or Warning."""
    reason: str = omit("")
    """The event in a word."""
    message: str = omit("")
    """The event in a sentence."""
    count: int = omit(0)
    """How often it has happened."""
    time: MicroTime | None = None
    """When it happened last."""


class DiscoveryRunning(Model):
    """Since when the cluster is watched."""

    start_time: Time | None = None
    """Since when."""


class KubernetesDiscoveryStatus(Model):
    """What the cluster shows, or showed until it was out of sight."""

    monitor_start_time: MicroTime | None = None
    """When the watch began."""
    pods: tuple[Pod, ...] = omit(())
    objects: tuple[ObservedObject, ...] = omit(())
    events: tuple[ObservedEvent, ...] = omit(())
    waiting: StepWaiting | None = None
    """The cluster is not watched yet, and why."""
    running: DiscoveryRunning | None = None
    sight_lost_at: MicroTime | None = None
    """Since when the cluster cannot be seen; null while it can."""


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
