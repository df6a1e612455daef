"""DockerImage: an image built from a Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class IgnoreDef(Model):
    """Patterns in .dockerignore's syntax below ``basePath``; no patterns: all below it."""

    base_path: str
    patterns: tuple[str, ...] = omit(())


class DockerImageSpec(Model):
    """What to build: an absolute context folder (``-``: none), the Dockerfile's text, and the build's options."""

    ref: str
    dockerfile_contents: str = omit("")
    dockerfile_path: str = omit("")
    context: str = omit("")
    context_ignores: tuple[IgnoreDef, ...] = omit(())
    args: tuple[str, ...] = omit(())
    target: str = omit("")
    ssh_agent_configs: tuple[str, ...] = omit(())
    secrets: tuple[str, ...] = omit(())
    network: str = omit("")
    pull: bool = omit(default=False)
    cache_from: tuple[str, ...] = omit(())
    platform: str = omit("")
    extra_tags: tuple[str, ...] = omit(())
    image_maps: tuple[str, ...] = omit(())
    cluster: str = omit("")
    cluster_needs: Literal["", "push", "base-image"] = omit("")
    extra_hosts: tuple[str, ...] = omit(())


class ImageBuilding(Model):
    """The build that runs now."""

    reason: str = omit("")
    started_at: MicroTime | None = None


class ImageCompleted(Model):
    """How the build ended; ``error`` is empty for success."""

    reason: str = omit("")
    error: str = omit("")
    started_at: MicroTime | None = None
    finished_at: MicroTime | None = None


class ImagePushing(Model):
    """The way to the cluster that goes on now: a push to its registry, or loading into its nodes."""

    started_at: MicroTime | None = None


class StageStatus(Model):
    """One stage of the build."""

    name: str
    cached: bool = omit(default=False)
    started_at: MicroTime | None = None
    finished_at: MicroTime | None = None
    error: str = omit("")


class ImageStatus(Model):
    """One of waiting, building, pushing, completed; ``built`` names the inputs that the state belongs to.

    ``ref`` is the image as this machine names it, ``refFromCluster`` as the cluster does, if that is another name.
    """

    ref: str = omit("")
    ref_from_cluster: str = omit("")
    waiting: StepWaiting | None = None
    building: ImageBuilding | None = None
    pushing: ImagePushing | None = None
    completed: ImageCompleted | None = None
    built: str = omit("")


class DockerImageStatus(ImageStatus):
    """The build's state and its stages."""

    stage_statuses: tuple[StageStatus, ...] = omit(())


def image_state(body: Json) -> str:
    """Return the STATE cell of an image step: waiting, building, pushing, completed, or failed."""
    status = body.get("status", {})
    if completed := status.get("completed"):
        return "failed" if completed.get("error") else "completed"
    return next((state for state in ("pushing", "building", "waiting") if status.get(state)), "")


IMAGE_COLUMNS = (
    NAME,
    Column("STATE", image_state, description="waiting, building, pushing, completed or failed"),
    Column("REF", at("status", "ref"), description="The image that was built"),
    AGE,
)


class DockerImage(Object):
    """An image built from a Dockerfile."""

    definition: ClassVar[Kind] = Kind("tilt.dev", "v1alpha1", "DockerImage", "dockerimages", columns=IMAGE_COLUMNS)

    spec: DockerImageSpec
    status: DockerImageStatus = DockerImageStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.ref:
            yield Cause("spec.ref", "Required value: cannot be empty", "FieldValueRequired")
