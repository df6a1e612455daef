"""Builds that need not be made: what was built of the same inputs before, and is still there."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import images
from upright.controllers.build_reason import FIRST, why
from upright.controllers.world.build_inputs import Context, Inputs, TooLarge, digest, mark_of, read_context
from upright.controllers.world.build_memory import Known
from upright.controllers.world.docker_credentials import HUB, server_of
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.ignores import ContextError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from upright.controllers.world.build_memory import BuildMemory
    from upright.controllers.world.engine.protocol import BuildRequest, Engine, RegistryAuth

_ANSWER_SECONDS = 5.0
_FETCHES = re.compile(r"^\s*ADD\s+(?:--\S+\s+)*(?:https?://|git@|git://)", re.IGNORECASE | re.MULTILINE)
_MOUNTED = re.compile(r"--mount=\S*?\bfrom=([^,\s]+)")
_NEWEST = "pull=True asks for the newest base images"
_FETCHED = "its Dockerfile fetches from the network (ADD)"
_LARGE = "its context is too large to look through"
_MOVING = "its base image {} may have moved in its registry"


class Wanted(Struct, frozen=True):
    """What is to be built: the request, the Dockerfile as it was written, and the images built for its bases by their names."""

    ref: str
    dockerfile: str
    request: BuildRequest
    bases: Mapping[str, str]

    @property
    def about(self) -> str:
        """Under which name its builds are remembered."""
        request = self.request
        return digest(f"{self.ref}\n{request.context}\n{request.dockerfile_path}\n{request.target}".encode())


class Look(Struct, frozen=True):
    """What is known of a build before it is made. ``inputs`` is None where it cannot be told what goes in; ``why`` it is built."""

    why: str
    inputs: Inputs | None = None
    mark: str = ""
    known: Known | None = None


class KnownBuilds:
    """Looks builds up and remembers them. ``auth`` returns who we are to the registry of an image."""

    def __init__(self, memory: BuildMemory, auth: Callable[[str], Awaitable[RegistryAuth | None]]) -> None:
        self._memory = memory
        self._auth = auth

    async def look(self, wanted: Wanted, engine: Engine) -> Look:
        """Say whether the same was built before, and if not, why it must be built."""
        request = wanted.request
        if request.pull or _FETCHES.search(wanted.dockerfile):
            return Look(_NEWEST if request.pull else _FETCHED)
        try:
            context = await anyio.to_thread.run_sync(read_context, request.context, request.ignores)
        except TooLarge:
            return Look(_LARGE)
        except (OSError, ContextError):  # the build says what is wrong
            return Look(FIRST)
        bases: dict[str, str] = {}
        for name in _needed(wanted):
            if not (found := await self._identity(name, engine)):
                return Look(_MOVING.format(name))
            bases[name] = found
        return self._compared(
            wanted, Inputs(digest(wanted.dockerfile.encode()), _options(request, engine), bases, {}), context
        )

    def _compared(self, wanted: Wanted, parts: Inputs, context: Context) -> Look:
        inputs = replace(parts, bases={**parts.bases, **wanted.bases}, files=context.files)
        records = self._memory.recall(wanted.about)
        known = next((one for one in records if one.key == inputs.key), None)
        before = next((one.inputs for one in records if one.inputs is not None), None)
        return Look(why(inputs, before), inputs, context.mark, known)

    async def learn(self, wanted: Wanted, look: Look, image: str, engine: Engine) -> None:
        """Remember what was built, unless its inputs changed while it was."""
        if look.inputs is None:
            return
        request = wanted.request
        try:
            mark = await anyio.to_thread.run_sync(mark_of, request.context, request.ignores)
        except (OSError, ContextError, TooLarge):
            return
        if mark != look.mark:
            return
        bases = dict(look.inputs.bases)
        for name in _needed(wanted):  # a base that was fetched for the build is here now
            bases[name] = await _here(name, engine) or bases[name]
        inputs = replace(look.inputs, bases=bases)
        await self._keep(wanted, Known(inputs.key, image, {}, inputs))

    async def fetch(self, look: Look, engine: Engine) -> str:
        """Return the id of the image that was built of the same: the engine has it, or a registry that it was pushed to; else nothing."""
        if look.known is None:
            return ""
        if found := await _here(look.known.image, engine):
            return found
        for name, digest_there in look.known.pushed.items():
            auth, found = await self._auth(name), ""
            with anyio.move_on_after(_ANSWER_SECONDS), suppress(EngineError):
                found = await engine.remote_digest(name, auth=auth)
            if found == digest_there:
                with suppress(EngineError):
                    pulled = await engine.pull(f"{images.split(name)[0]}@{found}", auth=auth)
                    return pulled.id if pulled.id == look.known.image else ""
        return ""

    async def reuse(self, wanted: Wanted, look: Look) -> None:
        """Remember that a build was of use again."""
        if look.known is not None:
            await self._keep(wanted, replace(look.known, inputs=look.inputs))

    async def pushed(self, wanted: Wanted, reference: str, name: str, digest_there: str) -> None:
        """Remember that the image, as it is named here, is in a registry, and by which name."""
        records = await anyio.to_thread.run_sync(self._memory.recall, wanted.about)
        if records and images.built_reference(wanted.ref, records[0].image) == reference:
            await self._keep(wanted, replace(records[0], pushed={name: digest_there}))

    async def _keep(self, wanted: Wanted, known: Known) -> None:
        await anyio.to_thread.run_sync(partial(self._memory.keep, wanted.about, known))

    async def _identity(self, name: str, engine: Engine) -> str:
        """Return what a base image is now; nothing if only a build could tell.

        Docker Hub is not asked: it counts that as a pull, of which it gives only so many.
        """
        if "@" in name:
            return name
        if found := await _here(name, engine):
            return found
        if server_of(name) == HUB:
            return ""
        try:
            return await engine.remote_digest(name, auth=await self._auth(name))
        except EngineError:
            return ""


async def _here(name: str, engine: Engine) -> str:
    try:
        return (await engine.image(name)).id
    except EngineError:
        return ""


def _needed(wanted: Wanted) -> Sequence[str]:
    """Return the images that the Dockerfile names and that nothing of ours builds."""
    from upright.controllers.tiltfile.dockerfile import base_images  # noqa: PLC0415  reason: heavy, only where something is built

    given = [f"{name}={value}" for name, value in _args(wanted.request)]
    found = [reference.familiar for reference in base_images(wanted.dockerfile, given)]
    found += _mounted(wanted.dockerfile)
    ours = [name for name in found if not any(images.matches(selector, name) for selector in wanted.bases)]
    return tuple(dict.fromkeys(ours))


def _mounted(dockerfile: str) -> Iterable[str]:
    stages = {
        name.lower() for name in re.findall(r"^\s*FROM\s.*\sAS\s+(\S+)", dockerfile, re.IGNORECASE | re.MULTILINE)
    }
    return (name for name in _MOUNTED.findall(dockerfile) if name.lower() not in stages and not name.isdecimal())


def _args(request: BuildRequest) -> Iterable[tuple[str, str]]:
    return ((name, os.environ.get(name, "") if value is None else value) for name, value in request.args.items())


def _options(request: BuildRequest, engine: Engine) -> dict[str, str]:
    """Return the options that a build's result depends on; of values there is only the digest: they may be secret."""
    options = {f"build arg {name}": digest(value.encode()) for name, value in _args(request)}
    single = {"target": request.target, "platform": request.platform or engine.info.arch, "network": request.network}
    several = {"cache_from": request.cache_from, "extra_hosts": request.extra_hosts, "secret": request.secrets}
    options |= {name: digest(value.encode()) for name, value in single.items() if value}
    return options | {name: digest("\n".join(value).encode()) for name, value in several.items() if value}
