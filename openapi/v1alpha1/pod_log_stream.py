"""PodLogStream: the logs of a pod's containers, read into ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import Model, Object, Time, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class PodLogStreamTemplateSpec(Model):
    """Since when, and of which containers."""

    since_time: Time | None = None
    """Only what was logged since; empty: all."""
    only_containers: tuple[str, ...] = omit(())
    """Of these containers only; none: of all."""
    ignore_containers: tuple[str, ...] = omit(())
    """Not of these containers."""


class PodLogStreamSpec(PodLogStreamTemplateSpec):
    """The pod whose logs are read."""

    pod: str = ""
    """The pod's name."""
    namespace: str = omit("")
    """The pod's namespace."""
    cluster: str = omit("")
    """The Cluster that it runs in."""


class ContainerLogStreamStatus(Model):
    """Whether the container's log is being read, or was read to its end (``terminated``); ``run`` counts its restarts."""

    name: str
    """The container's name."""
    active: bool = omit(default=False)
    """Its log is being read."""
    terminated: bool = omit(default=False)
    """Its log was read to its end."""
    error: str = omit("")
    """Why it cannot be read."""
    run: int = omit(0)
    """How often the container had been started again when this log began."""


class PodLogStreamStatus(Model):
    """Each container's stream."""

    container_statuses: tuple[ContainerLogStreamStatus, ...] = omit(())
    error: str = omit("")
    """Why none can be read."""


class PodLogStream(Object):
    """The logs of a pod's containers, read into ours."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "PodLogStream",
        "podlogstreams",
        short_names=("pls",),
        columns=(
            NAME,
            Column("POD", at("spec", "pod"), description="The pod"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: PodLogStreamSpec
    status: PodLogStreamStatus = PodLogStreamStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.pod:
            yield Cause("spec.pod", "Required value: cannot be empty", "FieldValueRequired")
