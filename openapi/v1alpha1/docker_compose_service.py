"""DockerComposeService: one service of a Compose project."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.triggers import DisableSource, DisableStatus

if TYPE_CHECKING:
    from collections.abc import Iterator


class DockerComposeProject(Model):
    """A Compose project: its files, or its whole YAML."""

    config_paths: tuple[str, ...] = omit(())
    """Its files; later ones add to earlier ones."""
    project_path: str = omit("")
    """The folder that relative paths in the files begin at."""
    yaml: str = omit("")
    """The project as YAML, instead of files."""
    name: str = omit("")
    """The project's name; empty: the folder's."""
    env_file: str = omit("")
    """A file of variables for the files."""
    profiles: tuple[str, ...] = omit(())
    """Profiles whose services take part."""
    wait: bool = omit(default=False)
    """Start by waiting until containers run or are healthy."""


class DockerComposeServiceSpec(Model):
    """The service, its project, and the images that are built for it."""

    service: str = ""
    """The service's name in the Compose files."""
    project: DockerComposeProject = DockerComposeProject()
    image_maps: tuple[str, ...] = omit(())
    """ImageMaps of the images that are built for it."""
    disable_source: DisableSource | None = None


class DockerContainerState(Model):
    """The service's container, in Docker's words."""

    status: str = omit("")
    """created, running, paused, restarting, removing, exited or dead."""
    running: bool = omit(default=False)
    """It runs."""
    error: str = omit("")
    """What the engine complains of."""
    exit_code: int = omit(0)
    """What its process exited with, once it has."""
    started_at: MicroTime | None = None
    """When it was started last."""
    finished_at: MicroTime | None = None
    """When it ended last."""
    health_status: str = omit("")
    """What its health check says: starting, healthy, unhealthy, or none if there is no check."""


class DockerPortBinding(Model):
    """A port of this machine that leads to the container's."""

    container_port: int = omit(0)
    """The container's port."""
    host_port: int = omit(0)
    """This machine's port."""
    host_ip: str = omit("", alias="hostIP")
    """The address of this machine that it listens on."""


class ComposeContainer(Model):
    """One container of the service, as the engine shows it; ``restarts`` are the engine's own."""

    id: str
    """The engine's id of it."""
    name: str
    """Its name."""
    image: str = omit("")
    """The image it was made from."""
    state: DockerContainerState = DockerContainerState()
    restarts: int = omit(0)
    """How often the engine has started it again."""
    health_output: str = omit("")
    """What the health check printed last."""


class DockerComposeServiceStatus(Model):
    """Tilt's fields (the first container, and how the last ``up`` went), and beside them all containers.

    ``replicas`` is how many there should be.
    """

    disable_status: DisableStatus | None = None
    container_id: str = omit("", alias="containerID")
    """The first container's id."""
    container_name: str = omit("")
    """The first container's name."""
    container_state: DockerContainerState | None = None
    port_bindings: tuple[DockerPortBinding, ...] = omit(())
    apply_error: str = omit("")
    """Why the last up failed; empty if it did not."""
    last_apply_start_time: MicroTime | None = None
    """When the last up began."""
    last_apply_finish_time: MicroTime | None = None
    """When the last up ended."""
    containers: tuple[ComposeContainer, ...] = omit(())
    replicas: int = omit(0)
    """How many containers there should be."""
    applied_input_hash: str = omit("")
    """Of what the last up was made of."""


class DockerComposeService(Object):
    """One service of a Compose project."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "DockerComposeService",
        "dockercomposeservices",
        short_names=("dc",),
        columns=(
            NAME,
            Column("SERVICE", at("spec", "service"), description="The service"),
            Column("PROJECT", at("spec", "project", "name"), description="Its project"),
            Column("STATE", at("status", "containerState", "status"), description="Its container's state"),
            Column("ERROR", at("status", "applyError"), description="What went wrong"),
            AGE,
        ),
    )

    spec: DockerComposeServiceSpec = DockerComposeServiceSpec()
    status: DockerComposeServiceStatus = DockerComposeServiceStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.service:
            yield Cause("spec.service", "Required value: cannot be empty", "FieldValueRequired")
        yield from project_problems(self.spec.project, "spec.project")


def project_problems(project: DockerComposeProject, path: str) -> Iterator[Cause]:
    """Yield what is wrong with a project."""
    if not project.config_paths and not project.yaml:
        yield Cause(path, "Required value: one of configPaths and yaml is needed", "FieldValueRequired")
