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
    name: str = omit("")


class LocalSpec(Model):
    """A local_resource: ``update`` must exit 0, then ``serve`` must run and be ready; at least one is there."""

    update: CmdSpec | None = None
    serve: CmdSpec | None = None
    deps: tuple[str, ...] = omit(())
    ignores: tuple[IgnoreDef, ...] = omit(())


class ResourceImage(Model):
    """An image this resource needs, built before it is deployed; exactly one of the two ways to build it.

    ``imageMap`` is the ImageMap's name, ``needs`` are ImageMaps that must be built first, ``base``: only other images use it.
    ``deps`` are what it is built from, changes of ``ignores`` among them do not count. ``onlyUpdated``: it is never
    built; files are copied into what runs.
    """

    image_map: str
    selector: ImageMapSpec
    docker_image: DockerImageSpec | None = None
    cmd_image: CmdImageSpec | None = None
    needs: tuple[str, ...] = omit(())
    base: bool = omit(default=False)
    deps: tuple[str, ...] = omit(())
    ignores: tuple[IgnoreDef, ...] = omit(())
    only_updated: bool = omit(default=False)


class KubernetesSpec(Model):
    """A deployment: images in build order, and what to apply; ``displayNames`` are ``name:kind`` of its objects.

    ``deps`` are files that a command which applies depends on; ``liveUpdates`` are recorded for file changes to come.
    """

    images: tuple[ResourceImage, ...] = omit(())
    apply: KubernetesApplySpec
    display_names: tuple[str, ...] = omit(())
    deps: tuple[str, ...] = omit(())
    ignores: tuple[IgnoreDef, ...] = omit(())
    live_updates: tuple[LiveUpdateSpec, ...] = omit(())


class ComposeBuild(Model):
    """An image that Compose itself builds, from the service's ``build`` section; ``context`` is empty for a URL."""

    image: str
    context: str = omit("")
    ignores: tuple[IgnoreDef, ...] = omit(())


class ComposeSpec(Model):
    """A service of a Compose project, and the images it needs in build order; ``serviceYAML`` is its part of the files.

    ``completes``: another service waits for it to end well. ``opensWhenStarted``: those that depend on it wait for no
    more than its start.
    """

    images: tuple[ResourceImage, ...] = omit(())
    build: ComposeBuild | None = None
    service: DockerComposeServiceSpec
    service_yaml: str = omit("", alias="serviceYAML")
    infer_links: bool = True
    live_updates: tuple[LiveUpdateSpec, ...] = omit(())
    completes: bool = omit(default=False)
    opens_when_started: bool = omit(default=False)


class ResourceSpec(Model):
    """What to do; the part for its kind is ``local``, ``kubernetes`` or ``compose``."""

    kind: Literal["kubernetes", "local", "compose", "tiltfile"]
    order: int = omit(0)
    depends_on: tuple[str, ...] = omit(())
    trigger_mode: Literal["auto", "manual"] = "auto"
    auto_init: bool = True
    allow_parallel: bool = omit(default=False)
    labels: tuple[str, ...] = omit(())
    links: tuple[Link, ...] = omit(())
    pod_readiness: Literal["", "wait", "ignore", "succeeded"] = omit("")
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
    api_version: str = omit("")
    kind: str
    name: str


class Waiting(Model):
    """Why the resource is held back, and on whom."""

    reason: str
    on: tuple[ObjectRef, ...] = omit(())


class BuildRecord(Model):
    """One finished update."""

    error: str = omit("")
    warnings: tuple[str, ...] = omit(())
    start_time: MicroTime | None = None
    finish_time: MicroTime | None = None
    span_id: str = omit("", alias="spanID")
    is_crash_rebuild: bool = omit(default=False)


class BuildRunning(Model):
    """The update that runs now."""

    start_time: MicroTime | None = None
    span_id: str = omit("", alias="spanID")


class K8sResourceInfo(Model):
    """The newest pod, for people."""

    pod_name: str = omit("")
    pod_creation_time: MicroTime | None = None
    pod_update_start_time: MicroTime | None = None
    pod_status: str = omit("")
    pod_status_message: str = omit("")
    all_containers_ready: bool = omit(default=False)
    pod_restarts: int = omit(0)
    span_id: str = omit("", alias="spanID")
    display_names: tuple[str, ...] = omit(())


class LocalResourceInfo(Model):
    """The server process, if it runs."""

    pid: int = omit(0)


class ComposeResourceInfo(Model):
    """What the service's health check says."""

    health_status: str = omit("")


class DisableResourceStatus(Model):
    """How many of the resource's sources switch it on or off."""

    enabled_count: int = 0
    disabled_count: int = 0
    state: Literal["", "Enabled", "Disabled", "Error"] = ""
    sources: tuple[DisableSource, ...] = omit(())


class TargetSpec(Model):
    """One part of the resource, as Tilt lists it."""

    id: str
    type: str
    has_live_update: bool = omit(default=False)


class Step(Model):
    """One step of the newest update: a build, a push, an apply, a command."""

    name: str
    state: Literal["waiting", "running", "done", "failed"]
    start_time: MicroTime | None = None
    finish_time: MicroTime | None = None
    object: ObjectRef | None = None
    error: str = omit("")


class ResourceStatus(Model):
    """Tilt's UIResource status fields, and beside them steps, targets and failures.

    ``triggered`` names the input the newest update was started for; ``everReady`` opens the way for dependants;
    ``toleratedCrashes`` are each container's crashes (``pod/container``) that count no more: while something it could
    wait for was still coming up, or before it was ready. ``excused``: by trouble that something could still have
    helped, since when its time counts; null: not yet.
    """

    last_deploy_time: MicroTime | None = None
    trigger_mode: int = omit(0)
    build_history: tuple[BuildRecord, ...] = omit(())
    current_build: BuildRunning | None = None
    pending_build_since: MicroTime | None = None
    has_pending_changes: bool = omit(default=False)
    endpoint_links: tuple[Link, ...] = omit(())
    k8s_resource_info: K8sResourceInfo | None = omit(None, alias="k8sResourceInfo")
    local_resource_info: LocalResourceInfo | None = None
    compose_resource_info: ComposeResourceInfo | None = None
    runtime_status: Literal["", "unknown", "ok", "pending", "error", "not_applicable", "none"] = omit("")
    update_status: Literal["", "none", "in_progress", "ok", "pending", "error", "not_applicable"] = omit("")
    specs: tuple[TargetSpec, ...] = omit(())
    queued: bool = omit(default=False)
    order: int = omit(0)
    disable_status: DisableResourceStatus = DisableResourceStatus()
    waiting: Waiting | None = None
    conditions: tuple[Condition, ...] = omit(())
    steps: tuple[Step, ...] = omit(())
    targets: tuple[Target, ...] = omit(())
    failures: tuple[Failure, ...] = omit(())
    triggered: str = omit("")
    ever_ready: bool = omit(default=False)
    serve_run: int = omit(0)
    tolerated_crashes: dict[str, int] = omit({})
    excused: dict[str, MicroTime | None] = omit({})


def _waiting_on(body: Json) -> str:
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
            Column("WAITING ON", _waiting_on, description="What holds it back"),
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
