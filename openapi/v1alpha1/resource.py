"""Resource: the unit of work: what to run, build or deploy, what it waits for, and how it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.cmd_image import CmdImageSpec
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeServiceSpec
from upright.openapi.v1alpha1.docker_image import DockerImageSpec, IgnoreDef
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.image_map import ImageMapSpec
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplySpec
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.live_update import LiveUpdateSpec
from upright.openapi.v1alpha1.session import Target
from upright.openapi.v1alpha1.triggers import Condition, DisableSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json

TILTFILE = "(Tiltfile)"
"""The name of the main Tiltfile, of its resource, and of nothing else."""

TRIGGER = "tilt.dev/trigger"
TRIGGER_REASON = "tilt.dev/trigger-reason"
"""The annotation of a Resource that asks for another update: whoever writes a new value (the time, say) triggers one."""


class Link(Model):
    """An address worth opening."""

    url: str
    """The address."""
    name: str = omit("")
    """What people call it; empty: the address."""


class LocalSpec(Model):
    """A local_resource: ``update`` must exit 0, then ``serve`` must run and be ready; at least one is there."""

    update: CmdSpec | None = None
    """The command that must exit 0."""
    serve: CmdSpec | None = None
    """The server that must run and be ready."""
    deps: tuple[str, ...] = omit(())
    """Files and folders that the command depends on."""
    ignores: tuple[IgnoreDef, ...] = omit(())
    """What does not count among them."""


class ResourceImage(Model):
    """An image this resource needs, built before it is deployed; exactly one of the two ways to build it."""

    image_map: str
    """The ImageMap's name."""
    selector: ImageMapSpec
    docker_image: DockerImageSpec | None = None
    """How Docker builds it."""
    cmd_image: CmdImageSpec | None = None
    """How a command builds it."""
    needs: tuple[str, ...] = omit(())
    """ImageMaps of images that must be built before."""
    base: bool = omit(default=False)
    """Only other images use it."""
    deps: tuple[str, ...] = omit(())
    """What it is built from."""
    ignores: tuple[IgnoreDef, ...] = omit(())
    """What does not count among them."""
    only_updated: bool = omit(default=False)
    """It is never built: files are copied into what runs."""


class KubernetesSpec(Model):
    """A deployment: images in build order, and what to apply."""

    images: tuple[ResourceImage, ...] = omit(())
    """Its images in the order of their builds."""
    apply: KubernetesApplySpec
    display_names: tuple[str, ...] = omit(())
    """Its objects, each as name:kind."""
    deps: tuple[str, ...] = omit(())
    """Files that a command which applies depends on."""
    ignores: tuple[IgnoreDef, ...] = omit(())
    """What does not count among them."""
    live_updates: tuple[LiveUpdateSpec, ...] = omit(())
    """What to copy into its containers when files change."""


class ComposeBuild(Model):
    """An image that Compose itself builds, from the service's ``build`` section; ``context`` is empty for a URL."""

    image: str
    """The image's name."""
    context: str = omit("")
    """The folder it is built from; empty if that is a URL."""
    ignores: tuple[IgnoreDef, ...] = omit(())
    """What does not count in that folder."""


class ComposeSpec(Model):
    """A service of a Compose project, and the images it needs in build order."""

    images: tuple[ResourceImage, ...] = omit(())
    """Its images in the order of their builds."""
    build: ComposeBuild | None = None
    service: DockerComposeServiceSpec
    service_yaml: str = omit("", alias="serviceYAML")
    """The service's part of the Compose files."""
    infer_links: bool = True
    """Its published ports are links of the resource."""
    live_updates: tuple[LiveUpdateSpec, ...] = omit(())
    """What to copy into its containers when files change."""
    completes: bool = omit(default=False)
    """Another service waits for it to end well."""
    opens_when_started: bool = omit(default=False)
    """Those that depend on it wait for no more than its start."""


class ResourceSpec(Model):
    """What to do; the part for its kind is ``local``, ``kubernetes`` or ``compose``."""

    kind: Literal["kubernetes", "local", "compose", "tiltfile"]
    """What sort of thing it is, and which part below says what to do."""
    order: int = omit(0)
    """Its place in the Tiltfile."""
    depends_on: tuple[str, ...] = omit(())
    """Resources that must have been ready before it begins."""
    trigger_mode: Literal["auto", "manual"] = "auto"
    """Whether changes of files update it by themselves, or only a trigger."""
    auto_init: bool = True
    """It begins by itself; else at its first trigger."""
    allow_parallel: bool = omit(default=False)
    """It may run beside other local resources."""
    labels: tuple[str, ...] = omit(())
    """Groups that it is shown under."""
    links: tuple[Link, ...] = omit(())
    """Addresses worth opening, beside those of its port forwards."""
    pod_readiness: Literal["", "wait", "ignore", "succeeded"] = omit("")
    """Whether its pods must be ready, may be anything, or must have ended well; empty: as its kind has it."""
    pod_readiness_assumed: bool = omit(default=False)
    """Nobody said that its pods may be anything: it just does not look as if it had any. What it has is waited for."""
    limits: Limits = Limits()
    disable_source: DisableSource | None = None
    local: LocalSpec | None = None
    kubernetes: KubernetesSpec | None = None
    compose: ComposeSpec | None = None

    @property
    def images(self) -> tuple[ResourceImage, ...]:
        """The images that are built for it."""
        part = self.kubernetes or self.compose
        return part.images if part is not None else ()

    @property
    def needs_engine(self) -> bool:
        """Whether a container engine must be there; commands that build images may do without."""
        return self.compose is not None or any(image.docker_image is not None for image in self.images)


class ObjectRef(Model):
    """Another object of this API."""

    group: str = omit("")
    """Its API group."""
    api_version: str = omit("")
    """Its apiVersion."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""


class Waiting(Model):
    """Why the resource is held back, and on whom."""

    reason: str
    """The cause in a word, as in waiting-for-dep."""
    on: tuple[ObjectRef, ...] = omit(())
    """What it waits for."""


class BuildRecord(Model):
    """One finished update."""

    error: str = omit("")
    """Why it failed; empty if it did not."""
    warnings: tuple[str, ...] = omit(())
    """What it warned of."""
    start_time: MicroTime | None = None
    """When it began."""
    finish_time: MicroTime | None = None
    """When it ended."""
    span_id: str = omit("", alias="spanID")
    """The name of its log."""
    is_crash_rebuild: bool = omit(default=False)
    """It was done because a container crashed that files had been copied into."""


class BuildRunning(Model):
    """The update that runs now."""

    start_time: MicroTime | None = None
    """When it began."""
    span_id: str = omit("", alias="spanID")
    """The name of its log."""


class K8sResourceInfo(Model):
    """The newest pod, for people."""

    pod_name: str = omit("")
    """Its name."""
    pod_creation_time: MicroTime | None = None
    """When it was made."""
    pod_update_start_time: MicroTime | None = None
    """When the update began that it belongs to."""
    pod_status: str = omit("")
    """The word that kubectl would print for it."""
    pod_status_message: str = omit("")
    """What is wrong with it, if anything."""
    all_containers_ready: bool = omit(default=False)
    """All its containers are ready."""
    pod_restarts: int = omit(0)
    """How often its containers were started again."""
    span_id: str = omit("", alias="spanID")
    """The name of its log."""
    display_names: tuple[str, ...] = omit(())
    """The resource's objects, each as name:kind."""


class LocalResourceInfo(Model):
    """The server process, if it runs."""

    pid: int = omit(0)
    """The server's process id."""


class ComposeResourceInfo(Model):
    """What the service's health check says."""

    health_status: str = omit("")
    """starting, healthy, unhealthy, or none if there is no check."""


class DisableResourceStatus(Model):
    """How many of the resource's sources switch it on or off."""

    enabled_count: int = 0
    """How many switch it on."""
    disabled_count: int = 0
    """How many switch it off."""
    state: Literal["", "Enabled", "Disabled", "Error"] = ""
    """What comes of them."""
    sources: tuple[DisableSource, ...] = omit(())


class TargetSpec(Model):
    """One part of the resource, as Tilt lists it."""

    id: str
    """Its name among Tilt's targets."""
    type: str
    """image, kubernetes, local, …"""
    has_live_update: bool = omit(default=False)
    """Files can be copied into it."""


class Step(Model):
    """One step of the newest update: a build, a push, an apply, a command."""

    name: str
    """What it does."""
    state: Literal["waiting", "running", "done", "failed"]
    """How far it is."""
    start_time: MicroTime | None = None
    """When it began."""
    finish_time: MicroTime | None = None
    """When it ended."""
    object: ObjectRef | None = None
    error: str = omit("")
    """Why it failed; empty if it did not."""
    progress: str = omit("")
    """How far it is, in words, while it runs and where that is known."""


class ResourceStatus(Model):
    """Tilt's UIResource status fields, and beside them steps, targets and failures.

    ``triggered`` names the input the newest update was started for; ``everReady`` opens the way for dependants;
    ``toleratedCrashes`` are each container's crashes (``pod/container``) that count no more: while something it could
    wait for was still coming up, or before it was ready. ``excused``: by trouble that something could still have
    helped, since when its time counts; null: not yet.
    """

    last_deploy_time: MicroTime | None = None
    """When an update last ended well."""
    trigger_mode: int = omit(0)
    """The trigger mode in Tilt's numbers: 0 auto, 1 manual with auto_init, 2 manual, 3 auto without auto_init."""
    build_history: tuple[BuildRecord, ...] = omit(())
    """The updates that have ended, the newest first."""
    current_build: BuildRunning | None = None
    """The update that runs now."""
    pending_build_since: MicroTime | None = None
    """Since when an update is wanted that has not begun."""
    has_pending_changes: bool = omit(default=False)
    """Files have changed that no update has seen."""
    endpoint_links: tuple[Link, ...] = omit(())
    """Addresses worth opening, those of port forwards first."""
    k8s_resource_info: K8sResourceInfo | None = omit(None, alias="k8sResourceInfo")
    local_resource_info: LocalResourceInfo | None = None
    compose_resource_info: ComposeResourceInfo | None = None
    runtime_status: Literal["", "unknown", "ok", "pending", "error", "not_applicable", "none"] = omit("")
    """How what it runs is doing."""
    update_status: Literal["", "none", "in_progress", "ok", "pending", "error", "not_applicable"] = omit("")
    """How its newest update is doing."""
    specs: tuple[TargetSpec, ...] = omit(())
    """Its parts: images to build, what to deploy or run."""
    queued: bool = omit(default=False)
    """It was triggered, and has not begun."""
    order: int = omit(0)
    """Its place among the resources."""
    disable_status: DisableResourceStatus = DisableResourceStatus()
    waiting: Waiting | None = None
    """Why it is held back."""
    conditions: tuple[Condition, ...] = omit(())
    """UpToDate and Ready, as wait --for=condition=… asks for them."""
    steps: tuple[Step, ...] = omit(())
    """What the newest update does, in order."""
    targets: tuple[Target, ...] = omit(())
    """What the session waits for of it."""
    failures: tuple[Failure, ...] = omit(())
    """What failed of it, and why."""
    triggered: str = omit("")
    """The input that the newest update was started for."""
    ever_ready: bool = omit(default=False)
    """It was ready once, so that what depends on it may begin."""
    serve_run: int = omit(0)
    """How often its server was started."""
    tolerated_crashes: dict[str, int] = omit({})
    """Crashes of each container (pod/container) that count no more."""
    excused: dict[str, MicroTime | None] = omit({})
    """Troubles that something could still have helped, and since when their time counts."""


def waiting_on(body: Json) -> str:
    """Return what holds a Resource back, and which others that are."""
    waiting = body.get("status", {}).get("waiting") or {}
    names = ",".join(ref.get("name", "") for ref in waiting.get("on") or ())
    return f"{waiting.get('reason', '')} {names}".strip()


class Resource(Object):
    """The unit of work: what to run, build or deploy, what it waits for, and how it is doing."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Resource",
        "resources",
        short_names=("res",),
        subresources=("log",),
        columns=(
            NAME,
            Column("UPDATE", at("status", "updateStatus"), description="Its newest update"),
            Column("RUNTIME", at("status", "runtimeStatus"), description="What runs since"),
            Column("WAITING ON", waiting_on, description="What holds it back"),
            Column("POD", at("status", "k8sResourceInfo", "podName"), description="Its newest pod"),
            AGE,
        ),
    )

    spec: ResourceSpec
    status: ResourceStatus = ResourceStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        parts = {"local": self.spec.local, "kubernetes": self.spec.kubernetes, "compose": self.spec.compose}
        if self.spec.kind in parts and parts[self.spec.kind] is None:
            yield Cause(
                f"spec.{self.spec.kind}", "Required value: the part for its kind is missing", "FieldValueRequired"
            )
        for name, part in parts.items():
            if part is not None and name != self.spec.kind:
                yield Cause(
                    f"spec.{name}", f"Forbidden: the resource is of kind {self.spec.kind}", "FieldValueForbidden"
                )
