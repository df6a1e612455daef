"""LiveUpdate: changed files copied into running containers, instead of a new image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class KubernetesLiveUpdateSelector(Model):
    """Containers of pods: by image, by container name, or by the image that an ImageMap stands for."""

    discovery_name: str = ""
    """The KubernetesDiscovery that finds the pods."""
    apply_name: str = omit("")
    """The KubernetesApply that makes them."""
    image: str = omit("")
    """Containers of this image."""
    container_name: str = omit("")
    """Containers of this name."""
    image_map_name: str = omit("")
    """Containers of the image that this ImageMap stands for."""


class ComposeLiveUpdateSelector(Model):
    """The container of a DockerComposeService."""

    service: str = ""
    """The DockerComposeService's name."""


class LiveUpdateSelector(Model):
    """Which containers are updated."""

    kubernetes: KubernetesLiveUpdateSelector | None = None
    docker_compose: ComposeLiveUpdateSelector | None = None


class LiveUpdateSource(Model):
    """A FileWatch whose changes are copied, and the ImageMap of the image that has them once it is built."""

    file_watch: str = omit("")
    """The FileWatch's name."""
    image_map: str = omit("")
    """The ImageMap's name."""


class LiveUpdateSync(Model):
    """A path of this machine, relative to ``basePath``, and where it goes in the container."""

    local_path: str
    """The file or folder here."""
    container_path: str
    """Where it goes, absolute."""


class LiveUpdateExec(Model):
    """A command to run in the container, after changes of ``triggerPaths`` only if there are any."""

    args: tuple[str, ...] = ()
    """The program and its arguments."""
    trigger_paths: tuple[str, ...] = omit(())
    """Only changes of these files and folders make it run; none: every change does."""
    echo_off: bool = omit(default=False)
    """The command is not logged."""


class LiveUpdateInitialSync(Model):
    """Copy everything once when a container starts."""


class LiveUpdateSpec(Model):
    """What to copy where, what to run after it, and which files need a new image after all."""

    base_path: str = ""
    """The folder that relative paths begin at."""
    selector: LiveUpdateSelector = LiveUpdateSelector()
    sources: tuple[LiveUpdateSource, ...] = omit(())
    stop_paths: tuple[str, ...] = omit(())
    """Changes of these need a new image."""
    syncs: tuple[LiveUpdateSync, ...] = omit(())
    execs: tuple[LiveUpdateExec, ...] = omit(())
    restart: Literal["", "none", "always"] = omit("")
    """Whether the container is started again after an update."""
    initial_sync: LiveUpdateInitialSync | None = None

    def problems_at(self, path: str) -> Iterator[Cause]:
        """Yield what is wrong with the steps."""
        if not self.base_path:
            yield Cause(f"{path}.basePath", "Required value: cannot be empty", "FieldValueRequired")
        if not self.syncs and not self.execs:
            yield Cause(
                f"{path}.syncs", "Invalid value: null: must contain at least 1 sync or 1 exec to run on live update"
            )
        for index, sync in enumerate(self.syncs):
            if not sync.container_path.startswith("/"):
                yield Cause(
                    f"{path}.syncs[{index}]",
                    f'Invalid value: "{sync.container_path}": sync destination is not absolute',
                )
        for index, step in enumerate(self.execs):
            if not step.args:
                yield Cause(f"{path}.execs[{index}].args", "Required value: cannot be empty", "FieldValueRequired")


class LiveUpdateWaiting(Model):
    """Why a container is not updated yet."""

    reason: str
    """A word for it."""
    message: str = omit("")
    """A sentence on it."""


class LiveUpdateContainer(Model):
    """How one container stands."""

    container_name: str = omit("")
    """Its name in the pod."""
    container_id: str = omit("", alias="containerID")
    """The runtime's id of it."""
    pod_name: str = omit("")
    """Its pod."""
    namespace: str = omit("")
    """The pod's namespace."""
    last_file_time_synced: MicroTime | None = None
    """When the newest file that it has was changed here."""
    last_exec_error: str = omit("")
    """Why the last command in it failed."""
    waiting: LiveUpdateWaiting | None = None


class LiveUpdateFailed(Model):
    """Why containers cannot be updated, so that a new image is needed."""

    reason: str
    """A word for it."""
    message: str = omit("")
    """A sentence on it."""
    last_transition_time: MicroTime | None = None
    """Since when it is so."""


class LiveUpdateStatus(Model):
    """How the containers stand."""

    containers: tuple[LiveUpdateContainer, ...] = omit(())
    failed: LiveUpdateFailed | None = None


class LiveUpdate(Object):
    """Changed files copied into running containers, instead of a new image."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "LiveUpdate",
        "liveupdates",
        columns=(
            NAME,
            Column("PATH", at("spec", "basePath"), description="Where the files are"),
            Column("FAILED", at("status", "failed", "reason"), description="Why a new image is needed"),
            AGE,
        ),
    )

    spec: LiveUpdateSpec
    status: LiveUpdateStatus = LiveUpdateStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        yield from self.spec.problems_at("spec")
        compose, pods = self.spec.selector.docker_compose, self.spec.selector.kubernetes
        if (compose is None) == (pods is None):
            yield Cause("spec.selector", "Invalid value: exactly one of kubernetes and dockerCompose is needed")
        if compose is not None and not compose.service:
            yield Cause("spec.selector.dockerCompose.service", "Required value: cannot be empty", "FieldValueRequired")
        if pods is None:
            return
        if not pods.discovery_name:
            yield Cause(
                "spec.selector.kubernetes.discoveryName", "Required value: cannot be empty", "FieldValueRequired"
            )
        if sum(map(bool, (pods.image, pods.container_name, pods.image_map_name))) != 1:
            yield Cause(
                "spec.selector.kubernetes",
                "Invalid value: exactly one of image, containerName and imageMapName is needed",
            )
