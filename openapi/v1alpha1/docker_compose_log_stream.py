"""DockerComposeLogStream: the log of a Compose service's container."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, Time, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject, project_problems

if TYPE_CHECKING:
    from collections.abc import Iterator


class DockerComposeLogStreamSpec(Model):
    """The service, its project, and from when on."""

    service: str = ""
    """The service's name in the Compose files."""
    project: DockerComposeProject = DockerComposeProject()
    since_time: Time | None = None
    """Only what was logged since; empty: all."""


class DockerComposeLogStreamStatus(Model):
    """Since when the log is read, or what went wrong; ``read`` are the containers' runs whose log was read to its end."""

    started_at: MicroTime | None = None
    """Since when it is read."""
    error: str = omit("")
    """Why it cannot be read."""
    read: tuple[str, ...] = omit(())
    """Runs of containers whose log was read to its end."""


class DockerComposeLogStream(Object):
    """The log of a Compose service's container."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "DockerComposeLogStream",
        "dockercomposelogstreams",
        short_names=("dclog", "dcls"),
        columns=(
            NAME,
            Column("SERVICE", at("spec", "service"), description="The service"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: DockerComposeLogStreamSpec = DockerComposeLogStreamSpec()
    status: DockerComposeLogStreamStatus = DockerComposeLogStreamStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.service:
            yield Cause("spec.service", "Required value: cannot be empty", "FieldValueRequired")
        yield from project_problems(self.spec.project, "spec.project")
