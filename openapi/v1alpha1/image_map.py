"""ImageMap: from the image's name in the configuration to the image that was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class OverrideCommand(Model):
    """Replaces the containers' command."""

    command: tuple[str, ...] = ()
    """The program that the container runs instead."""


class OverrideArgs(Model):
    """Replaces the containers' args."""

    args: tuple[str, ...] = ()
    """The arguments that it gets instead."""


class ImageMapSpec(Model):
    """Which image references in the YAML mean this image."""

    selector: str
    """The image's name in the configuration."""
    match_exact: bool = omit(default=False)
    """Only this very reference with its tag is meant, not every reference of that name."""
    match_in_env_vars: bool = omit(default=False)
    """Environment variables whose value is the image's name are meant too."""
    override_command: OverrideCommand | None = None
    override_args: OverrideArgs | None = None


class ImageMapStatus(Model):
    """The image that was built, as this machine and as the cluster name it."""

    image: str = omit("")
    """The image to deploy."""
    image_from_local: str = omit("")
    """Its name on this machine."""
    image_from_cluster: str = omit("")
    """Its name in the cluster."""
    build_start_time: MicroTime | None = None
    """When its build began."""


class ImageMap(Object):
    """From the image's name in the configuration to the image that was built."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "ImageMap",
        "imagemaps",
        short_names=("im",),
        columns=(
            NAME,
            Column("SELECTOR", at("spec", "selector"), description="Image name in the configuration"),
            Column("IMAGE", at("status", "image"), description="Image that was built"),
            AGE,
        ),
    )

    spec: ImageMapSpec
    status: ImageMapStatus = ImageMapStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.selector:
            yield Cause("spec.selector", "Required value: cannot be empty", "FieldValueRequired")
