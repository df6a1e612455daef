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
    """The folder that the patterns are relative to."""
    patterns: tuple[str, ...] = omit(())
    """Patterns as in .dockerignore; none: all below the folder."""


class DockerImageSpec(Model):
    """What to build: an absolute context folder (``-``: none), the Dockerfile's text, and the build's options."""

    ref: str
    """The image's name in the configuration."""
    dockerfile_contents: str = omit("")
    """The Dockerfile's text."""
    dockerfile_path: str = omit("")
    """Where that text was read, for messages."""
    context: str = omit("")
    """The folder that is sent to the build, absolute; - for none."""
    context_ignores: tuple[IgnoreDef, ...] = omit(())
    """What in that folder is left out."""
    args: tuple[str, ...] = omit(())
    """Build arguments, each as NAME=VALUE, or NAME for the value that the environment has."""
    target: str = omit("")
    """The stage to build; empty: the last."""
    ssh_agent_configs: tuple[str, ...] = omit(())
    """SSH agents or keys that RUN --mount=type=ssh may use."""
    secrets: tuple[str, ...] = omit(())
    """Secrets that RUN --mount=type=secret may use, as id=NAME,src=PATH."""
    network: str = omit("")
    """The network that RUN commands have."""
    pull: bool = omit(default=False)
    """Look for newer base images."""
    cache_from: tuple[str, ...] = omit(())
    """Images whose layers may be used again."""
    platform: str = omit("")
    """The platform to build for, as in linux/amd64; empty: the cluster's."""
    extra_tags: tuple[str, ...] = omit(())
    """Further names that the image gets."""
    image_maps: tuple[str, ...] = omit(())
    """ImageMaps of images that it is built from."""
    cluster: str = omit("")
    """The Cluster it is built for."""
    cluster_needs: Literal["", "push", "base-image"] = omit("")
    """What the cluster wants of it: to be pushed, or nothing as only other images use it."""
    extra_hosts: tuple[str, ...] = omit(())
    """Host names that RUN commands know beside, each as NAME:ADDRESS."""


class ImageBuilding(Model):
    """The build that runs now."""

    reason: str = omit("")
    """Why it is built."""
    started_at: MicroTime | None = None
    """When the build began."""


class ImageCompleted(Model):
    """How the build ended; ``error`` is empty for success."""

    reason: str = omit("")
    """Why it was built."""
    error: str = omit("")
    """Why the build failed; empty if it did not."""
    started_at: MicroTime | None = None
    """When the build began."""
    finished_at: MicroTime | None = None
    """When the build ended."""


class ImagePushing(Model):
    """The way to the cluster that goes on now: a push to its registry, or loading into its nodes."""

    started_at: MicroTime | None = None
    """When it began."""
    progress: str = omit("")
    """How far it is, in words, where that is known."""
    """When it began."""


class StageStatus(Model):
    """One stage of the build."""

    name: str
    """The stage's name."""
    cached: bool = omit(default=False)
    """All of it was there from an earlier build."""
    started_at: MicroTime | None = None
    """When it began."""
    finished_at: MicroTime | None = None
    """When it ended."""
    error: str = omit("")
    """Why it failed; empty if it did not."""


class ImageStatus(Model):
    """One of waiting, building, pushing, completed; ``built`` names the inputs that the state belongs to.

    ``ref`` is the image as this machine names it, ``refFromCluster`` as the cluster does, if that is another name.
    """

    ref: str = omit("")
    """The image that was built, as this machine names it."""
    ref_from_cluster: str = omit("")
    """The image that was built, as the cluster names it, if by another name."""
    waiting: StepWaiting | None = None
    building: ImageBuilding | None = None
    pushing: ImagePushing | None = None
    completed: ImageCompleted | None = None
    built: str = omit("")
    """The inputs that this status belongs to."""


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
