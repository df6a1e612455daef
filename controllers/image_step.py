"""What all image steps do: build once for each wish, on the images they need, then bring the image to its cluster."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import anyio
from msgspec import Struct

from upright.controllers import fingerprint
from upright.controllers.build_reason import UNCHANGED
from upright.controllers.delivery import Delivered, DeliveryFailed, Told, is_known
from upright.controllers.fingerprint import AHEAD, CAUSE, LOCALS, RESOURCE, SPAN
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.engine.errors import NoEngine
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.docker_image import (
    DockerImage,
    ImageBuilding,
    ImageCompleted,
    ImagePushing,
    ImageStatus,
)
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from upright.controllers.delivery import Delivery
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object

I = TypeVar("I", DockerImage, CmdImage)  # noqa: E741  reason: T is any kind, this is an image
REUSE_WITHIN = timedelta(seconds=60)
"""A build older than this is looked at again: its files may have changed, and the engine's cache tells."""


class Inputs(Struct, frozen=True):
    """What a build is made with: the ImageMaps of the images it needs, all built, and the cluster, once it is known."""

    maps: tuple[ImageMap, ...] = ()
    cluster: Cluster | None = None


class Made(Struct, frozen=True):
    """An image that was made: its name here, and in the cluster if it is there already by that (else it is brought).

    ``why`` it was built; not ``new``: it was there.
    """

    reference: str
    from_cluster: str = ""
    why: str = ""
    new: bool = True


class BuildError(Exception):
    """The image was not made; the message says why."""


class Built(Struct, frozen=True):
    """What a build came to."""

    made: Made | None
    error: str
    started: datetime
    finished: datetime


class Sent(Struct, frozen=True):
    """What bringing an image to its cluster came to."""

    delivered: Delivered | None
    error: str
    finished: datetime


class Sending(Struct, frozen=True):
    """An image on its way to its cluster, and how far it is."""

    since: datetime
    progress: str = ""


class ImageStepController(Controller[I]):
    """Makes each image once for each spec and cause, and brings it to its cluster; the log goes to its span.

    Subclasses have ``make``. ``registry_first``: what is made depends on the cluster's registry.
    """

    heeds_status: ClassVar[bool] = False
    status: ClassVar[type[ImageStatus]]
    registry_first: ClassVar[bool] = False

    def __init__(self, delivery: Delivery, logs: Logs, clock: Callable[[], datetime]) -> None:
        self._delivery = delivery
        self._logs = logs
        self._clock = clock

    async def make(self, image: I, inputs: Inputs, log: LogWriter) -> Made:
        """Make the image; raises BuildError."""
        raise NotImplementedError

    async def delivered(self, image: I, reference: str, sent: Delivered) -> None:
        """Hear that an image has got to its cluster."""

    def watches(self) -> Iterable[Watch]:
        yield Watch(ImageMap, self._built_on)
        yield Watch(Cluster, lambda _: [Key("", found.name) for found in self._all()])

    async def reconcile(self, turn: Turn[I]) -> Outcome:
        image = turn.obj
        print_ = fingerprint.of_step(image)
        if image.status.built == print_ and image.status.completed is not None:
            return Outcome()
        maps = built_maps(turn, image.spec.image_maps)
        if maps is None:
            return Outcome(self.status(waiting=StepWaiting(reason="waiting-for-base-image")))
        cluster = turn.get(Cluster, image.spec.cluster) if image.spec.cluster else None
        known = cluster is not None and is_known(cluster)
        if self.registry_first and image.spec.cluster and not known:
            return Outcome(self.status(waiting=StepWaiting(reason="waiting-for-cluster")))
        if (twin := self._twin(turn)) is not None and turn.tasks.get("build") is None:
            return Outcome(twin.model_copy(update={"built": print_}))
        run = partial(self._build, image, Inputs(maps, cluster if known else None))
        view = turn.tasks.ensure("build", print_, run)
        if not view.done:
            return Outcome(self.status(building=ImageBuilding(started_at=view.value or turn.now), built=print_))
        built = view.result or Built(None, str(view.error), view.value or turn.now, turn.now)
        return Outcome(self._told(turn, built, cluster if known else None, print_))

    def _told(self, turn: Turn[I], built: Built, cluster: Cluster | None, print_: str) -> ImageStatus:
        """Return the status of what was built, which may still be on its way to its cluster."""
        made = built.made
        completed = ImageCompleted(
            reason=(made.why or UNCHANGED) if made else "",
            error=built.error,
            started_at=built.started,
            finished_at=built.finished,
        )
        if made is None or made.from_cluster or not turn.obj.spec.cluster:
            return self._finished(made or Made(""), completed, print_)
        if cluster is None:
            return self.status(waiting=StepWaiting(reason="waiting-for-cluster"), built=print_)
        run = partial(self._deliver, turn.obj, made.reference, cluster)
        view = turn.tasks.ensure("deliver", (print_, made.reference), run)
        if not view.done:
            going: Sending = view.value or Sending(turn.now)
            pushing = ImagePushing(started_at=going.since, progress=going.progress)
            return self.status(pushing=pushing, built=print_)
        sent = view.result or Sent(None, str(view.error), turn.now)
        names = sent.delivered or Delivered(made.reference, "")
        completed = completed.model_copy(update={"error": sent.error, "finished_at": sent.finished})
        return self._finished(Made(names.local, names.cluster), completed, print_)

    def _finished(self, made: Made, completed: ImageCompleted, print_: str) -> ImageStatus:
        other = made.from_cluster if made.from_cluster != made.reference else ""
        return self.status(ref=made.reference, ref_from_cluster=other, completed=completed, built=print_)

    async def _build(self, image: I, inputs: Inputs, report: Callable[[Any], None]) -> Built:
        started = self._clock()
        report(started)
        log = log_of(self._logs, image)
        try:
            made = await self.make(image, inputs, log)
        except BuildError as error:
            if is_ahead(image):
                log.write("     Not built: this comes again when the local resources are done that it waits for")
            if isinstance(image, DockerImage) and isinstance(error.__cause__, NoEngine):
                await (
                    anyio.sleep_forever()
                )  # nothing is wrong with the image: the Cluster says that nothing can be told
            return Built(None, str(error), started, self._clock())
        done = "Built" if made.new else "Found"
        log.write(f"     {done} {made.reference} in {(self._clock() - started).total_seconds():.2f}s")
        return Built(made, "", started, self._clock())

    async def _deliver(self, image: I, reference: str, cluster: Cluster, report: Callable[[Any], None]) -> Sent:
        since = self._clock()
        report(Sending(since))
        log = log_of(self._logs, image)
        told = Told(log.write, lambda words: report(Sending(since, words)))
        try:
            delivered = await self._delivery(reference, cluster, image.spec.cluster_needs, told)
        except DeliveryFailed as error:
            log.write(f"     {error}", level="ERROR")
            return Sent(None, str(error), self._clock())
        await self.delivered(image, reference, delivered)
        return Sent(delivered, "", self._clock())

    def _twin(self, turn: Turn[I]) -> ImageStatus | None:
        """Return the status of the same image that was built for another resource of this run, on the same bases.

        It must be newer than what was built here: whoever asks for a build again wants what has changed since. And it
        must have been built when the same local resources were done, for they may write what it is built of.
        """
        if is_ahead(turn.obj):
            return None
        mine = turn.obj.status.completed
        since = mine.finished_at if mine is not None and mine.finished_at is not None else turn.now - REUSE_WITHIN
        for other in self._all():
            done = other.status.completed
            if other.name == turn.obj.name or done is None or done.error or other.spec != turn.obj.spec:
                continue
            if is_ahead(other) or _locals(other) != _locals(turn.obj):
                continue
            if done.finished_at is not None and done.finished_at > max(since, turn.now - REUSE_WITHIN):
                return other.status
        return None

    def _all(self) -> Iterable[DockerImage | CmdImage]:
        """Yield all images of the controller's kind, as last seen."""
        for found in self.caches.of(self.kind).all():
            if isinstance(found, (DockerImage, CmdImage)):
                yield found

    def _built_on(self, obj: Object) -> Iterable[Key]:
        return [Key("", image.name) for image in self._all() if obj.name in image.spec.image_maps]


def is_ahead(image: Object) -> bool:
    """Whether the build is ahead of local resources that may write what it reads, and so does not count."""
    return image.metadata.annotations.get(CAUSE, "").endswith(AHEAD)


def _locals(image: Object) -> str:
    return image.metadata.annotations.get(LOCALS, "")


def log_of(logs: Logs, image: Object) -> LogWriter:
    """Open the log of an image step."""
    notes = image.metadata.annotations
    return logs.open(notes.get(SPAN, f"build:{image.name}"), notes.get(RESOURCE, ""))


def built_maps(turn: Turn[Any], names: Iterable[str]) -> tuple[ImageMap, ...] | None:
    """Return the ImageMaps of these names; None while the image of one is not built."""
    found = [turn.get(ImageMap, name) for name in names]
    built = [one for one in found if one is not None and one.status.image_from_local]
    return tuple(built) if len(built) == len(found) else None
