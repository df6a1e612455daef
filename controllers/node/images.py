"""The images of a pod's containers: present, brought, or said in Kubernetes' words why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.engine.errors import EngineError, ImageNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.node.events import EventType
    from upright.controllers.world.engine.protocol import Engine, Image, Progress
    from upright.openapi.core_v1.container import Container

    Tell = Callable[[EventType, str, str], None]
    """Hears type, reason and message of an event of the container."""

PROGRESS_SECONDS = 5.0
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?/)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(rf"{_HOST}{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?")


class Obstacle(Exception):
    """A container cannot be started now: the reason and message that its status waits with."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def trouble_with(reference: str) -> str:
    """Return what is wrong with an image's name, in Kubernetes' words; empty if nothing is."""
    if _REFERENCE.fullmatch(reference):
        return ""
    why = "invalid reference format"
    if _REFERENCE.fullmatch(reference.lower()):
        why += ": repository name must be lowercase"
    return f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": {why}'


class Images:
    """The images of one engine; of several pods that need the same one only the first brings it."""

    def __init__(self, engine: Engine, seconds: Callable[[], float] = anyio.current_time) -> None:
        self._engine = engine
        self._seconds = seconds
        self._locks: dict[str, anyio.Lock] = {}

    async def ensure(self, container: Container, tell: Tell) -> Image:
        """Return the container's image, brought if its policy says so; raises Obstacle."""
        reference, policy = container.image, container.image_pull_policy
        if trouble := trouble_with(reference):
            tell("Warning", "InspectFailed", trouble)
            tell("Warning", "Failed", "Error: InvalidImageName")
            raise Obstacle("InvalidImageName", trouble)
        async with self._locks.setdefault(reference, anyio.Lock()):
            present = await self._present(reference)
            if present is not None and (policy != "Always" or _built_here(present)):
                tell("Normal", "Pulled", f'Container image "{reference}" already present on machine')
                return present
            if policy == "Never":
                told = f'Container image "{reference}" is not present with pull policy of Never'
                tell("Warning", "ErrImageNeverPull", told)
                tell("Warning", "Failed", "Error: ErrImageNeverPull")
                raise Obstacle("ErrImageNeverPull", told)
            return await self._pull(reference, tell)

    async def _present(self, reference: str) -> Image | None:
        """Return the image if the engine has it."""
        try:
            return await self._engine.image(reference)
        except ImageNotFound:
            return None

    async def _pull(self, reference: str, tell: Tell) -> Image:
        tell("Normal", "Pulling", f'Pulling image "{reference}"')
        began = self._seconds()
        so_far = _SoFar(reference, tell, self._seconds)
        try:
            image = await self._engine.pull(reference, tell=so_far.hear)
        except EngineError as error:
            tell("Warning", "Failed", f'Failed to pull image "{reference}": {error.message}')
            tell("Warning", "Failed", "Error: ErrImagePull")
            raise Obstacle("ErrImagePull", error.message) from error
        took = f"{round((self._seconds() - began) * 1000)}ms"
        told = f'Successfully pulled image "{reference}" in {took} ({took} including waiting). Image size: {image.size} bytes.'
        tell("Normal", "Pulled", told)
        return image


class _SoFar:
    """Tells by events how a pull that takes its time gets on."""

    def __init__(self, reference: str, tell: Tell, seconds: Callable[[], float]) -> None:
        self._reference = reference
        self._tell = tell
        self._seconds = seconds
        self._due = seconds() + PROGRESS_SECONDS
        self._layers: dict[str, tuple[int, int]] = {}

    def hear(self, step: Progress) -> None:
        """Take in a step of the pull: what is known of its layers grows as they begin."""
        if step.layer and step.total and step.status == "Downloading":
            self._layers[step.layer] = (step.current, step.total)
        elif step.layer in self._layers:
            total = self._layers[step.layer][1]
            self._layers[step.layer] = (total, total)
        if self._layers and self._seconds() >= self._due:
            self._due = self._seconds() + PROGRESS_SECONDS
            done, whole = (sum(sizes) / 1e6 for sizes in zip(*self._layers.values(), strict=True))
            self._tell("Normal", "Pulling", f'Pulling image "{self._reference}": {done:.1f} of {whole:.1f} MB')


def _built_here(image: Image) -> bool:
    """Whether an image came from no registry; podman gives those it builds digests of a registry called localhost."""
    return all(digest.startswith("localhost/") for digest in image.digests)
