"""The DockerImage controller: builds an image from a Dockerfile and names it by what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from upright.controllers import fingerprint, images
from upright.controllers.delivery import Delivered, DeliveryFailed, is_known
from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.ignores import Ignore
from upright.controllers.world.engine.protocol import BuildRequest
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.docker_image import (
    DockerImage,
    DockerImageStatus,
    ImageBuilding,
    ImageCompleted,
    ImagePushing,
)
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from upright.controllers.delivery import Delivery
    from upright.controllers.engines import Engines
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object

REUSE_WITHIN = timedelta(seconds=60)
"""A build older than this is looked at again: its files may have changed, and the engine's cache tells."""
BUILT_LABELS = {"dev.tilt.built": "true", "dev.tilt.gc": "true"}


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to."""

    reference: str
    error: str
    started: datetime
    finished: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What bringing an image to its cluster came to."""

    delivered: Delivered | None
    error: str
    finished: datetime


class DockerImageController(Controller[DockerImage]):
    """Builds each DockerImage once for each spec and cause, and brings it to its cluster; the log goes to its span."""

    kind: ClassVar[type[Object]] = DockerImage
    heeds_status: ClassVar[bool] = False

    def __init__(self, engines: Engines, delivery: Delivery, logs: Logs, clock: Callable[[], datetime]) -> None:
        self._engines = engines
        self._delivery = delivery
        self._logs = logs
        self._clock = clock

    def watches(self) -> Iterable[Watch]:
        yield Watch(ImageMap, self._built_on)
        yield Watch(Cluster, lambda _: [Key("", found.name) for found in self.caches.of(DockerImage).all()])

    async def reconcile(self, turn: Turn[DockerImage]) -> Outcome:
        image = turn.obj
        print_ = fingerprint.of_step(image)
        if image.status.built == print_ and image.status.completed is not None:
            return Outcome()
        bases = bases_of(turn, image.spec.image_maps)
        if bases is None:
            return Outcome(DockerImageStatus(waiting=StepWaiting(reason="waiting-for-base-image")))
        if (twin := self._twin(turn)) is not None and turn.tasks.get("build") is None:
            return Outcome(twin.model_copy(update={"built": print_}))
        view = turn.tasks.ensure("build", print_, partial(self._build, image, bases))
        status = status_of(view, print_, DockerImageStatus())
        if status.completed is None or status.completed.error or not image.spec.cluster:
            return Outcome(status)
        return Outcome(self._delivered(turn, status, print_))

    def _delivered(self, turn: Turn[DockerImage], status: DockerImageStatus, print_: str) -> DockerImageStatus:
        """Return the status of an image that was built, and is on its way to its cluster."""
        cluster, completed = turn.get(Cluster, turn.obj.spec.cluster), status.completed
        blank = DockerImageStatus(built=print_)
        if cluster is None or completed is None or not is_known(cluster):
            return blank.model_copy(update={"waiting": StepWaiting(reason="waiting-for-cluster")})
        run = partial(self._deliver, turn.obj, status.ref, cluster)
        view = turn.tasks.ensure("deliver", (print_, status.ref), run)
        if not view.done:
            return blank.model_copy(update={"pushing": ImagePushing(started_at=view.value or turn.now)})
        sent = view.result or Sent(None, str(view.error), turn.now)
        completed = completed.model_copy(update={"error": sent.error, "finished_at": sent.finished})
        names = sent.delivered or Delivered(status.ref, "")
        other = names.cluster if names.cluster != names.local else ""
        return status.model_copy(update={"ref": names.local, "ref_from_cluster": other, "completed": completed})

    async def _deliver(
        self, image: DockerImage, reference: str, cluster: Cluster, report: Callable[[Any], None]
    ) -> Sent:
        report(self._clock())
        log = log_of(self._logs, image)
        try:
            delivered = await self._delivery(reference, cluster, image.spec.cluster_needs, log.write)
        except DeliveryFailed as error:
            log.write(f"     {error}", level="ERROR")
            return Sent(None, str(error), self._clock())
        return Sent(delivered, "", self._clock())

    def _twin(self, turn: Turn[DockerImage]) -> DockerImageStatus | None:
        """Return the status of the same image that was built for another resource of this run, on the same bases."""
        image = turn.obj
        for other in turn.all(DockerImage):
            done = other.status.completed
            if other is image or done is None or done.error or other.spec != image.spec:
                continue
            if done.finished_at is not None and done.finished_at >= turn.now - REUSE_WITHIN:
                return other.status
        return None

    async def _build(self, image: DockerImage, bases: Mapping[str, str], report: Callable[[Any], None]) -> Built:
        started = self._clock()
        report(started)
        log = log_of(self._logs, image)
        log.write(f"STEP — Building Dockerfile: [{image.spec.ref}]")
        try:
            engine = await self._engines.get()
            built = await engine.build(_request(image, bases), lambda line: log.write(f"     {line}"))
            reference = images.built_reference(image.spec.ref, built)
            for name in (reference, *image.spec.extra_tags):
                await engine.tag(built, name)
        except EngineError as error:
            return Built("", error.message, started, self._clock())
        log.write(f"     Built {reference} in {(self._clock() - started).total_seconds():.2f}s")
        return Built(reference, "", started, self._clock())

    def _built_on(self, obj: Object) -> Iterable[Key]:
        for image in self.caches.of(DockerImage).all():
            if obj.name in image.spec.image_maps:
                yield Key("", image.name)


def log_of(logs: Logs, image: Object) -> LogWriter:
    """Open the log of an image step."""
    notes = image.metadata.annotations
    return logs.open(notes.get(SPAN, f"build:{image.name}"), notes.get(RESOURCE, ""))


def bases_of(turn: Turn[Any], names: Iterable[str]) -> dict[str, str] | None:
    """Return, by selector, the images that were built for these ImageMaps; None while one is missing."""
    found: dict[str, str] = {}
    for name in names:
        mapped = turn.get(ImageMap, name)
        if mapped is None or not mapped.status.image_from_local:
            return None
        found[mapped.spec.selector] = mapped.status.image_from_local
    return found


def status_of(view: Any, print_: str, blank: DockerImageStatus) -> DockerImageStatus:  # noqa: ANN401  reason: a task's view
    """Return an image step's status from its task."""
    if not view.done:
        building = ImageBuilding(started_at=view.value)
        return blank.model_copy(update={"building": building, "built": print_})
    built = view.result or Built("", str(view.error), view.value, view.value)
    completed = ImageCompleted(error=built.error, started_at=built.started, finished_at=built.finished)
    return blank.model_copy(update={"ref": built.reference, "completed": completed, "built": print_})


def _request(image: DockerImage, bases: Mapping[str, str]) -> BuildRequest:
    spec = image.spec
    args = (pair.partition("=") for pair in spec.args)
    return BuildRequest(
        dockerfile=images.with_bases(spec.dockerfile_contents, bases),
        context=None if spec.context in {"", "-"} else Path(spec.context),
        dockerfile_path=Path(spec.dockerfile_path) if spec.dockerfile_path else None,
        ignores=tuple(Ignore(Path(ignore.base_path), ignore.patterns) for ignore in spec.context_ignores),
        args={name: value if equals else None for name, equals, value in args},
        target=spec.target,
        platform=spec.platform,
        network=spec.network,
        pull=spec.pull,
        cache_from=spec.cache_from,
        extra_hosts=spec.extra_hosts,
        labels=BUILT_LABELS,
        secrets=spec.secrets,
        ssh=spec.ssh_agent_configs,
    )
