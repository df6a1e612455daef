"""The CmdImage controller: has a command of the user's make an image, and finds what it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import anyio
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import images
from upright.controllers.cmd_life import spoken
from upright.controllers.image_step import BuildError, ImageStepController, Inputs, Made
from upright.controllers.registry_names import Names, names
from upright.controllers.world.engine.errors import EngineError, ImageNotFound
from upright.controllers.world.environment import with_pairs
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.docker_image import ImageStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from upright.controllers.delivery import Delivery
    from upright.controllers.engines import Engines
    from upright.controllers.world.engine.protocol import Engine
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.controllers.world.processes import Processes
    from upright.openapi.meta import Object
    from upright.openapi.v1alpha1.cluster import RegistryHosting
    from upright.openapi.v1alpha1.cmd_image import CmdImageSpec

GRACE_SECONDS = 5.0
ALWAYS = "its command is run each time, for only it knows what it reads"
NOT_IN_THE_ENGINE = (
    "Did your custom_build script properly tag the image?\n"
    "If your custom_build doesn't use Docker, you might need to use skips_local_docker=True, "
    "see https://docs.tilt.dev/custom_build.html"
)


class Expected(Struct, frozen=True):
    """What the command is told: the names its image should have (None: it says itself), and the registry."""

    names: Names | None
    registry: RegistryHosting | None

    def pairs(self) -> Iterator[str]:
        """Yield what is added to the command's environment."""
        if self.names is not None:
            repository, tag = images.split(self.names.local)
            yield f"EXPECTED_REF={self.names.local}"
            yield f"EXPECTED_IMAGE={images.path(repository)}"
            yield f"EXPECTED_TAG={tag}"
        if self.registry is not None and self.registry.host:
            yield f"REGISTRY_HOST={self.registry.host}"
            yield f"EXPECTED_REGISTRY={self.registry.host}"


class CmdImageController(ImageStepController[CmdImage]):
    """Runs each CmdImage's command; ``environment`` is what every local command gets."""

    kind: ClassVar[type[Object]] = CmdImage
    status: ClassVar[type[ImageStatus]] = ImageStatus
    registry_first: ClassVar[bool] = True

    def __init__(
        self,
        engines: Engines,
        delivery: Delivery,
        processes: Processes,
        environment: Callable[[], Mapping[str, str]],
        logs: Logs,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(delivery, logs, clock)
        self._engines = engines
        self._processes = processes
        self._environment = environment

    async def make(self, image: CmdImage, inputs: Inputs, log: LogWriter) -> Made:
        """Run the command and find its image: by the name it was told, or by the name it says."""
        spec = image.spec
        log.write(f"STEP — Building Custom Build: [{spec.ref}]\n     Why: {ALWAYS}")
        try:
            engine = None if spec.output_mode == "remote" else await self._engines.get()
            expected = self._expected(spec, inputs)
            if spec.outputs_image_ref_to:
                await anyio.Path(spec.outputs_image_ref_to).unlink(missing_ok=True)
            await self._run(spec, list(_pairs(inputs, expected, engine)), log)
            found = expected.names or await _said(spec, expected.registry)
            return replace(await _found(spec, found, engine), why=ALWAYS)
        except EngineError as error:
            raise BuildError(error.message) from error
        except OSError as error:
            raise BuildError(f"{spec.outputs_image_ref_to}: {error.strerror}") from error

    def _expected(self, spec: CmdImageSpec, inputs: Inputs) -> Expected:
        """Return what the image should be called; a tag of the user's own means that the registry is not his business."""
        registry = inputs.cluster.status.registry if inputs.cluster is not None else None
        if spec.outputs_image_ref_to:
            return Expected(None, registry)
        repository = images.split(spec.ref)[0]
        if spec.output_tag:
            return Expected(names(f"{repository}:{spec.output_tag}", None), registry)
        return Expected(names(f"{repository}:tilt-build-{int(self._clock().timestamp())}", registry), registry)

    async def _run(self, spec: CmdImageSpec, pairs: list[str], log: LogWriter) -> None:
        log.write("".join([f"     {line}\n" for line in _announced(pairs)]))
        lines = Lines(lambda text: log.write("".join(f"     {line}\n" for line in text.splitlines())))
        command = Command(spec.args, spec.dir, with_pairs(self._environment(), (*spec.env, *pairs)))
        try:
            ended = await run(self._processes, command, lines, grace=GRACE_SECONDS)
        except StartFailed as error:
            raise BuildError(f'Custom build "{spoken(spec.args)}" failed: {error}') from error
        finally:
            lines.close()
        if ended.code:
            raise BuildError(f'Custom build "{spoken(spec.args)}" failed: {ended.reason}')


def _announced(pairs: list[str]) -> Iterator[str]:
    yield "Custom Build: Injecting Environment Variables"
    for pair in pairs:
        yield f"  {pair}"


def _pairs(inputs: Inputs, expected: Expected, engine: Engine | None) -> Iterator[str]:
    yield from expected.pairs()
    if engine is not None:
        yield f"DOCKER_HOST={engine.info.address}"
    for index, one in enumerate(inputs.maps):
        yield f"TILT_IMAGE_MAP_{index}={one.name}"
        yield f"TILT_IMAGE_{index}={one.status.image_from_local}"


async def _said(spec: CmdImageSpec, registry: RegistryHosting | None) -> Names:
    """Return the name that the command wrote to its file, and how the cluster calls it."""
    path = spec.outputs_image_ref_to
    try:
        said = (await anyio.Path(path).read_text(encoding="utf-8")).strip()
    except OSError as error:
        told = f"Your custom_build script should have written to {path}: {error.strerror}"
        raise BuildError(f"Could not find image ref in output. {told}") from error
    if not images.split(said)[1] or len(said.split()) != 1:
        raise BuildError(f'Output image ref in file {path} was invalid: want "name:tag", got "{said}"')
    host = registry.host if registry is not None else ""
    inside = registry.host_from_container_runtime if registry is not None else ""
    on_it = bool(inside) and said.startswith(f"{host}/")
    return Names(said, f"{inside}{said.removeprefix(host)}" if on_it else said)


async def _found(spec: CmdImageSpec, found: Names, engine: Engine | None) -> Made:
    """Return the image, named by what is in it where that name can be given; what the command pushed keeps its name."""
    if engine is None:
        return Made(found.local, found.cluster)
    try:
        there = await engine.image(found.local)
    except ImageNotFound as error:
        raise BuildError(f"Could not find image in Docker: {found.local}\n{NOT_IN_THE_ENGINE}") from error
    if spec.output_mode == "local-docker-and-remote":
        return Made(found.local, found.cluster)
    if spec.outputs_image_ref_to:
        return Made(found.local)
    reference = images.built_reference(spec.ref, there.id)
    await engine.tag(there.id, reference)
    return Made(reference)
