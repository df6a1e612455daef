"""What local_resource and k8s_resource were told, kept until assembly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.readers import Command
    from upright.controllers.tiltfile.references import Reference
    from upright.openapi.v1alpha1.limits import Limits
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec
    from upright.openapi.v1alpha1.port_forward import Forward
    from upright.openapi.v1alpha1.probe import Probe
    from upright.openapi.v1alpha1.resource import Link

PodReadiness = Literal["", "wait", "ignore", "succeeded"]


class ResourceOptions(Struct, frozen=True, kw_only=True):
    """What every resource can be told; None: not said."""

    place: Place | None
    trigger_mode: Literal["auto", "manual"] | None = None
    auto_init: bool | None = None
    resource_deps: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    labels: tuple[str, ...] = ()
    limits: Limits | None = None


class LocalResource(ResourceOptions, frozen=True, kw_only=True):
    """A local_resource call in a file of ``directory``."""

    name: str
    directory: str
    update: Command | None
    serve: Command | None
    deps: tuple[str, ...]
    ignore: tuple[str, ...]
    allow_parallel: bool
    probe: Probe | None


class KubernetesOptions(ResourceOptions, frozen=True, kw_only=True):
    """A k8s_resource call; ``grouped``: it makes a resource of its objects instead of naming a workload."""

    workload: str
    new_name: str
    grouped: bool
    objects: tuple[str, ...] = ()
    port_forwards: tuple[Forward, ...] = ()
    extra_pod_selectors: tuple[dict[str, str], ...] = ()
    pod_readiness: PodReadiness = ""
    discovery_strategy: Literal["", "default", "selectors-only"] = ""


class CustomDeploy(Struct, frozen=True, kw_only=True):
    """A k8s_custom_deploy call: a command that applies and one that deletes."""

    name: str
    tiltfile: str
    place: Place | None
    apply: Command
    delete: Command
    deps: tuple[str, ...]
    image_deps: tuple[Reference, ...] = ()
    live_update: LiveUpdateSpec | None = None


class Accumulated(Struct):
    """The options of one resource after all calls: lists grow, single values are overwritten."""

    trigger_mode: Literal["auto", "manual"] | None = None
    auto_init: bool = True
    resource_deps: list[str] = field(default_factory=list[str])
    links: list[Link] = field(default_factory=list["Link"])
    labels: dict[str, None] = field(default_factory=dict[str, None])
    limits: Limits | None = None

    def add(self, options: ResourceOptions) -> None:
        """Take in one more call."""
        self.trigger_mode = options.trigger_mode or self.trigger_mode
        self.auto_init = self.auto_init if options.auto_init is None else options.auto_init
        self.resource_deps += options.resource_deps
        self.links += options.links
        self.labels |= dict.fromkeys(options.labels)
        if options.limits is not None:
            self.limits = options.limits if self.limits is None else options.limits.over(self.limits)
