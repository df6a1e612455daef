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
    args: tuple[str, ...] = omit(())
    dir: str = omit("")
    env: tuple[str, ...] = omit(())
    image_maps: tuple[str, ...] = omit(())
    output_mode: Literal["", "local-docker", "local-docker-and-remote", "remote"] = omit("")
    output_tag: str = omit("")
    outputs_image_ref_to: str = omit("")
    cluster: str = omit("")
    cluster_needs: Literal["", "push", "base-image"] = omit("")


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
