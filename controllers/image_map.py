"""The ImageMap controller: says which built image stands for a name, from the newest build of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.docker_image import DockerImage
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.docker_image import ImageStatus


class ImageMapController(Controller[ImageMap]):
    """Keeps each ImageMap on its newest image; builds are named ``<resource>:<image map>``."""

    kind: ClassVar[type[Object]] = ImageMap
    heeds_status: ClassVar[bool] = False

    def watches(self) -> Iterable[Watch]:
        yield Watch(DockerImage, self._map_of)
        yield Watch(CmdImage, self._map_of)

    async def reconcile(self, turn: Turn[ImageMap]) -> Outcome:
        name = turn.obj.name
        builds: list[ImageStatus] = [image.status for image in turn.all(DockerImage) if map_name(image) == name]
        builds += [image.status for image in turn.all(CmdImage) if map_name(image) == name]
        done = [b for b in builds if b.completed is not None and not b.completed.error and b.completed.finished_at]
        if not done:
            return Outcome()
        newest = max(
            done, key=lambda b: b.completed.finished_at.timestamp() if b.completed and b.completed.finished_at else 0.0
        )
        return Outcome(
            ImageMapStatus(
                image=newest.ref_from_cluster or newest.ref,
                image_from_local=newest.ref,
                image_from_cluster=newest.ref_from_cluster or newest.ref,
                build_start_time=newest.completed.started_at if newest.completed else None,
            )
        )

    def _map_of(self, obj: Object) -> Iterable[Key]:
        return (Key("", map_name(obj)),)


def map_name(image: Object) -> str:
    """Return the name of the ImageMap that an image step builds for."""
    return image.name.partition(":")[2]
