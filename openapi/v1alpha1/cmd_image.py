"""CmdImage: an image built by a command of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import Model, Object, omit
from upright.openapi.scheme import Kind
from upright.openapi.v1alpha1.docker_image import IMAGE_COLUMNS, ImageStatus

if TYPE_CHECKING:
    from collections.abc import Iterator


class CmdImageSpec(Model):
    """The command, and how the image it makes is found: by the tag it was told, by a tag of its own, or from a file."""

    ref: str
    """The image's name in the configuration."""
    args: tuple[str, ...] = omit(())
    """The program that builds it, and its arguments."""
    dir: str = omit("")
    """The working directory."""
    env: tuple[str, ...] = omit(())
    """Variables beside those of the server and EXPECTED_REF, each as NAME=VALUE."""
    image_maps: tuple[str, ...] = omit(())
    """ImageMaps of images that must be built before."""
    output_mode: Literal["", "local-docker", "local-docker-and-remote", "remote"] = omit("")
    """Where the command leaves the image: the local engine, the registry, or both."""
    output_tag: str = omit("")
    """The tag that the command always gives; empty: it is told one."""
    outputs_image_ref_to: str = omit("")
    """The file into which the command writes the image's name."""
    cluster: str = omit("")
    """The Cluster it is built for."""
    cluster_needs: Literal["", "push", "base-image"] = omit("")
    """What the cluster wants of it: to be pushed, or nothing as only other images use it."""


class CmdImage(Object):
    """An image built by a command of the user's."""

    definition: ClassVar[Kind] = Kind("tilt.dev", "v1alpha1", "CmdImage", "cmdimages", columns=IMAGE_COLUMNS)

    spec: CmdImageSpec
    status: ImageStatus = ImageStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.ref:
            yield Cause("spec.ref", "Required value: cannot be empty", "FieldValueRequired")
        if not self.spec.args:
            yield Cause("spec.args", "Required value: cannot be empty", "FieldValueRequired")
