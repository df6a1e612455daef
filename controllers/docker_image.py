"""The DockerImage controller: builds an image from a Dockerfile and names it by what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from upright.controllers import images
from upright.controllers.build_reason import FIRST, UNCHANGED
from upright.controllers.image_step import BuildError, ImageStepController, Inputs, Made, is_ahead
from upright.controllers.known_builds import Look, Wanted
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.ignores import Ignore
from upright.controllers.world.engine.protocol import BuildRequest
from upright.openapi.v1alpha1.docker_image import DockerImage, DockerImageStatus, ImageStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from upright.controllers.delivery import Delivered, Delivery
    from upright.controllers.engines import Engines
    from upright.controllers.known_builds import KnownBuilds
    from upright.controllers.world.engine.protocol import Engine
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Object

_AHEAD = " (ahead of its local resources: looked at again when they are done)"
BUILT_LABELS = {"dev.tilt.built": "true", "dev.tilt.gc": "true"}


class DockerImageController(ImageStepController[DockerImage]):
    """Has each DockerImage built by the container engine, unless ``known`` has it of the same inputs."""

    kind: ClassVar[type[Object]] = DockerImage
    status: ClassVar[type[ImageStatus]] = DockerImageStatus

    def __init__(
        self,
        engines: Engines,
        delivery: Delivery,
        logs: Logs,
        clock: Callable[[], datetime],
        known: KnownBuilds | None = None,
    ) -> None:
        super().__init__(delivery, logs, clock)
        self._engines = engines
        self._known = known
        self._wanted: dict[str, Wanted] = {}

    async def make(self, image: DockerImage, inputs: Inputs, log: LogWriter) -> Made:
        """Build the Dockerfile on the images that were built for its bases; what is there of the same is taken."""
        log.write(f"STEP — Building Dockerfile: [{image.spec.ref}]{_AHEAD if is_ahead(image) else ''}")
        bases = {one.spec.selector: one.status.image_from_local for one in inputs.maps}
        wanted = Wanted(image.spec.ref, image.spec.dockerfile_contents, _request(image, bases), bases)
        self._wanted[image.name] = wanted
        try:
            engine = await self._engines.for_a_build()
            look = await self._known.look(wanted, engine) if self._known is not None else Look(FIRST)
            there = await self._there(wanted, look, engine)
            if there:
                log.write(f"     Not built: {UNCHANGED}")
            else:
                log.write(f"     Why: {look.why}")
            built = there or await self._built(wanted, look, engine, log)
            reference = images.built_reference(image.spec.ref, built)
            for name in (reference, *image.spec.extra_tags):
                await engine.tag(built, name)
        except EngineError as error:
            raise BuildError(error.message) from error
        return Made(reference, why="" if there else look.why, new=not there)

    async def _there(self, wanted: Wanted, look: Look, engine: Engine) -> str:
        """Return the id of the image that was built of the same, if it is still to be had."""
        found = await self._known.fetch(look, engine) if self._known is not None else ""
        if found and self._known is not None:
            await self._known.reuse(wanted, look)
        return found

    async def delivered(self, image: DockerImage, reference: str, sent: Delivered) -> None:
        """Remember where the image is now, for a run that has it no more."""
        wanted = self._wanted.get(image.name)
        if self._known is not None and wanted is not None and sent.digest:
            await self._known.pushed(wanted, reference, sent.local, sent.digest)

    async def _built(self, wanted: Wanted, look: Look, engine: Engine, log: LogWriter) -> str:
        built = await engine.build(wanted.request, lambda line: log.write(f"     {line}"))
        if self._known is not None:
            await self._known.learn(wanted, look, built, engine)
        return built


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
