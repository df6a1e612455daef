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
    project_path: str = omit("")
    yaml: str = omit("")
    name: str = omit("")
    env_file: str = omit("")
    profiles: tuple[str, ...] = omit(())
    wait: bool = omit(default=False)


class DockerComposeServiceSpec(Model):
    """The service, its project, and the images that are built for it."""

    service: str = ""
    project: DockerComposeProject = DockerComposeProject()
    image_maps: tuple[str, ...] = omit(())
    disable_source: DisableSource | None = None


class DockerContainerState(Model):
    """The service's container, in Docker's words."""

    status: str = omit("")
    running: bool = omit(default=False)
    error: str = omit("")
    exit_code: int = omit(0)
    started_at: MicroTime | None = None
    finished_at: MicroTime | None = None
    health_status: str = omit("")


class DockerPortBinding(Model):
    """A port of this machine that leads to the container's."""

    container_port: int = omit(0)
    host_port: int = omit(0)
    host_ip: str = omit("", alias="hostIP")


class ComposeContainer(Model):
    """One container of the service, as the engine shows it; ``restarts`` are the engine's own."""

    id: str
    name: str
    image: str = omit("")
    state: DockerContainerState = DockerContainerState()
    restarts: int = omit(0)
    health_output: str = omit("")


class DockerComposeServiceStatus(Model):
    """Tilt's fields (the first container, and how the last ``up`` went), and beside them all containers.

    ``replicas`` is how many there should be.
    """

    disable_status: DisableStatus | None = None
    container_id: str = omit("", alias="containerID")
    container_name: str = omit("")
    container_state: DockerContainerState | None = None
    port_bindings: tuple[DockerPortBinding, ...] = omit(())
    apply_error: str = omit("")
    last_apply_start_time: MicroTime | None = None
    last_apply_finish_time: MicroTime | None = None
    containers: tuple[ComposeContainer, ...] = omit(())
    replicas: int = omit(0)
    applied_input_hash: str = omit("")


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
