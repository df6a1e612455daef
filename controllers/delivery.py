"""Bringing a built image to the cluster: pushed to its registry, loaded into its nodes, or there already."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import anyio
from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import images
from upright.controllers.registry_names import names
from upright.controllers.world.docker_credentials import HUB, registry_auth, server_of
from upright.controllers.world.engine.errors import EngineError, PushDenied, PushUnavailable, PushUntrusted
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from upright.controllers.engines import Engines
    from upright.controllers.world.engine.protocol import Engine, EngineInfo, Progress, RegistryAuth
    from upright.controllers.world.processes import Processes
    from upright.openapi.v1alpha1.cluster import Cluster, RegistryHosting

    Tool = Callable[[tuple[str, ...]], Awaitable[tuple[int, list[str]]]]

PUSH_ATTEMPTS = 4
PROGRESS_SECONDS = 0.5
"""How often it is said how far a push is."""
STALL_SECONDS = 300.0
"""How long nothing may move in a push. Registries take their time to store a large layer, but not for ever."""
_HERE = frozenset({"Pushed", "Layer already exists"})
FIRST_PAUSE_SECONDS = 0.5
_ELSEWHERE = "log in with `docker login`, or name a registry that the cluster pulls from: default_registry('HOST') in the Tiltfile"
PATIENCE_SECONDS = 20.0
"""A push that took longer than this to fail was tried again by the engine itself, layer by layer, and is not by us."""
_SHARED = {"docker-desktop", "rancher-desktop", "orbstack", "colima"}
_FULL = re.compile(r"no space left|insufficient storage|disk quota", re.IGNORECASE)
_AT_FAULT = re.compile(r"\b5\d\d\b|unknown error|Internal Server Error", re.IGNORECASE)
_TOO_LARGE = re.compile(r"\b413\b|too large", re.IGNORECASE)
_LAST_LINES = 20
_IN_PARTS = re.compile(r"content digest \S+ not found", re.IGNORECASE)
"""What containerd says of an archive whose index names platforms that it does not hold."""
_ONE_PLATFORM = (
    "Docker saves one platform of an image since 28.0. Until then: build for one (docker_build(platform='linux/amd64')) "
    "without attestations (BUILDX_NO_DEFAULT_ATTESTATIONS=1), or give the cluster a registry "
    "(https://kind.sigs.k8s.io/docs/user/local-registry/)"
)
_LOADED: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "load", "docker-image", "{image}", "--name", "{name}"),
    "k3d": ("k3d", "image", "import", "{image}", "--cluster", "{name}"),
    "minikube": ("minikube", "image", "load", "{image}", "--profile", "{name}"),
}


class Way(Struct, frozen=True):
    """How images get to a cluster. ``name`` is the cluster's for the tool that loads."""

    by: Literal["nothing", "push", "load"]
    registry: RegistryHosting | None = None
    product: str = ""
    name: str = ""


class Delivered(Struct, frozen=True):
    """An image's names now that the cluster can have it; ``digest`` is its registry's, empty if it went to none."""

    local: str
    cluster: str
    digest: str = ""


def _nothing(_: str) -> None:
    """Hear nothing."""


class Told(Struct, frozen=True):
    """Who hears of a delivery: ``say`` each line for the log, ``progress`` how far it is, every now and then."""

    say: Callable[[str], object]
    progress: Callable[[str], object] = _nothing


class DeliveryFailed(Exception):
    """The image cannot be brought to the cluster; the message says why and what to do."""


def is_known(cluster: Cluster) -> bool:
    """Whether it can be told yet how images get to the cluster."""
    connection = cluster.spec.connection
    kubernetes = connection.kubernetes if connection is not None else None
    return kubernetes is None or kubernetes.embedded or cluster.status.connected_at is not None


def way_to(cluster: Cluster, needs: str, engine: EngineInfo, environ: Mapping[str, str]) -> Way:
    """Return how images get to the cluster; ``needs`` is the image step's clusterNeeds."""
    connection = cluster.spec.connection
    wanted = connection.kubernetes if connection is not None else None
    if wanted is None or wanted.embedded or needs == "base-image":
        return Way("nothing")
    resolved = cluster.status.connection.kubernetes if cluster.status.connection is not None else None
    product = resolved.product if resolved is not None else ""
    name = resolved.cluster if resolved is not None else ""
    if _shares_engine(product, name, cluster.status.container_runtime, engine, environ):
        return Way("nothing")
    if cluster.status.registry is not None and cluster.status.registry.host:
        return Way("push", cluster.status.registry)
    if product in _LOADED:
        return Way("load", product=product, name=name if product == "minikube" else name.removeprefix(f"{product}-"))
    return Way("push")


def _shares_engine(product: str, cluster: str, runtime: str, engine: EngineInfo, environ: Mapping[str, str]) -> bool:
    """Whether the cluster runs what our engine builds: it is the same engine."""
    if runtime != "docker" or engine.product != "dockerd" or engine.private:
        return False
    if product == "minikube":
        return environ.get("MINIKUBE_ACTIVE_DOCKERD") == cluster
    return product in _SHARED and engine.address.startswith("unix://")


class Delivery:
    """Brings images to clusters. ``environment`` is what local commands get, credentials' helpers included."""

    def __init__(self, engines: Engines, processes: Processes, environment: Callable[[], Mapping[str, str]]) -> None:
        self._engines = engines
        self._processes = processes
        self._environment = environment
        self._loading = anyio.Lock()

    async def __call__(self, image: str, cluster: Cluster, needs: str, told: Told) -> Delivered:
        """Bring the image (as it is named here) to the cluster; raises DeliveryFailed."""
        digest, say = "", told.say
        try:
            engine = await self._engines.get()
            environ = self._environment()
            way = way_to(cluster, needs, engine.info, environ)
            named = names(image, way.registry)
            if named.local != image:
                await engine.tag(image, named.local)
            if way.by == "push":
                digest = await self._push(engine, named.local, environ, told)
        except EngineError as error:
            raise DeliveryFailed(error.message) from error
        if way.by == "load":
            if way.product == "minikube" and cluster.status.container_runtime == "docker":
                say(
                    f"     Before a run, `eval $(minikube -p {way.name} docker-env)` has images built in the cluster itself"
                )
            async with self._loading:  # two at once get into each other's way (k3d's tools node), and share one disk
                await self._load(engine, image, way, say)
        return Delivered(named.local, named.cluster, digest)

    async def _push(self, engine: Engine, image: str, environ: Mapping[str, str], told: Told) -> str:
        """Push and return the digest, again if the registry does not answer; not at all if it has the image."""
        say = told.say
        auth = await registry_auth(image, environ, self._processes, say)
        if digest := await _there(engine, image, auth):
            say(f"     Not pushed: {image} is in the registry already, with this content ({digest})")
            return digest
        say(f"STEP — Pushing {image}")
        pause = FIRST_PAUSE_SECONDS
        for attempt in range(1, PUSH_ATTEMPTS + 1):
            since = anyio.current_time()
            try:
                return await _pushed(engine, image, auth, Layers(told))
            except PushUnavailable as error:
                if attempt == PUSH_ATTEMPTS or anyio.current_time() - since > PATIENCE_SECONDS:
                    raise DeliveryFailed(told_of_push(error, image, auth)) from error
                say(f"     {error.message}: trying again in {pause:g}s")
                await anyio.sleep(pause)
                pause *= 2
            except EngineError as error:
                raise DeliveryFailed(told_of_push(error, image, auth)) from error
        return ""

    async def _load(self, engine: Engine, image: str, way: Way, say: Callable[[str], object]) -> None:
        say(f"STEP — Loading image to {way.product}: {image}")
        argv = tuple(word.format(image=image, name=way.name) for word in _LOADED[way.product])
        environ = {**self._environment(), "DOCKER_HOST": engine.info.address}
        tool = partial(self._tool, environ, way, say)
        code, said = await tool(argv)
        if code and way.product == "kind" and _IN_PARTS.search("\n".join(said)):
            platform = f"linux/{engine.info.arch}"
            say(f"     The image names platforms that are not here: it is loaded with {platform} alone")
            await self._load_alone(image, platform, way, tool)
        elif code:
            raise _load_failed(argv, code, said)

    async def _load_alone(self, image: str, platform: str, way: Way, tool: Tool) -> None:
        """Load the image of one platform, that of kind's nodes: kind asks for all of them, and not all may be here."""
        with TemporaryDirectory(prefix="upright-load-") as folder:
            archive = str(Path(folder) / "image.tar")
            save = ("docker", "save", "--platform", platform, "--output", archive, image)
            code, said = await tool(save)
            if code:
                raise DeliveryFailed(f"{_load_failed(save, code, said)}. {_ONE_PLATFORM}")
            argv = ("kind", "load", "image-archive", archive, "--name", way.name)
            code, said = await tool(argv)
            if code:
                raise _load_failed(argv, code, said)

    async def _tool(
        self, environ: Mapping[str, str], way: Way, say: Callable[[str], object], argv: tuple[str, ...]
    ) -> tuple[int, list[str]]:
        """Run a tool; return its exit code and its last lines."""
        said: list[str] = []

        def tell(text: str) -> None:
            say("\n".join(f"     {line}" for line in text.splitlines()))
            said[:] = [line.strip() for line in (*said, *text.splitlines()) if line.strip()][-_LAST_LINES:]

        lines = Lines(tell)
        try:
            ended = await run(self._processes, Command(argv, env=environ), lines, lines)
        except StartFailed as error:
            raise DeliveryFailed(
                f"the {way.product} cluster has no registry, and images cannot be loaded into it: {error}. "
                f"Install {argv[0]}, or give the cluster a registry (https://kind.sigs.k8s.io/docs/user/local-registry/)"
            ) from error
        lines.close()
        return ended.code, said


def _load_failed(argv: tuple[str, ...], code: int, said: Sequence[str]) -> DeliveryFailed:
    told = f": {said[-1]}" if said else ""
    return DeliveryFailed(f"`{' '.join(argv)}` ended with exit code {code}{told}")


async def _pushed(engine: Engine, image: str, auth: RegistryAuth | None, layers: Layers) -> str:
    """Push once. Raises PushFailed's tree; a registry that has stopped to answer is unavailable."""
    with anyio.move_on_after(STALL_SECONDS) as limit:

        def tell(step: Progress) -> None:
            limit.deadline = anyio.current_time() + STALL_SECONDS
            layers.tell(step)

        return await engine.push(image, auth=auth, tell=tell)
    raise PushUnavailable(f'cannot push "{image}": nothing has moved for {STALL_SECONDS:g} s')


async def _there(engine: Engine, image: str, auth: RegistryAuth | None) -> str:
    """Return the digest of an image that this engine pushed before and that the registry still has under this name, else nothing."""
    repository = images.split(image)[0]
    known = [one for one in (await engine.image(image)).digests if one.startswith(f"{repository}@")]
    if not known:
        return ""
    try:
        digest = await engine.remote_digest(image, auth=auth)
    except EngineError:
        return ""
    return digest if f"{repository}@{digest}" in known else ""


def told_of_push(error: EngineError, image: str, auth: RegistryAuth | None) -> str:
    """Return why an image could not be pushed, and what to do about it."""
    host, words = server_of(image), error.message
    trust = f"give the engine the registry's CA (/etc/docker/certs.d/{host}/ca.crt), or name {host} in"
    known = (
        f"the credentials of {auth.username or 'the identity token'} are not enough" if auth else "nobody is logged in"
    )
    advice = (
        (isinstance(error, PushDenied) and host == HUB, f"{known}: {_ELSEWHERE}"),
        (isinstance(error, PushDenied), f"{known}: log in with `docker login {host}`"),
        (isinstance(error, PushUntrusted), f"{trust} `insecure-registries` of /etc/docker/daemon.json"),
        (_FULL.search(words), "a disk is full: make room there"),
        (_TOO_LARGE.search(words), "the registry, or a proxy before it, takes nothing of that size: raise its limit"),
        (_AT_FAULT.search(words), "the registry failed at it, and its log says why (often a full disk)"),
        (isinstance(error, PushUnavailable), "is the registry running?"),
    )
    told = next((text for fits, text in advice if fits), "")
    return f"{words}: {told}" if told else words


class Layers:
    """Says how the layers of a push get on: each once it is done, and a large one at each quarter."""

    def __init__(self, told: Told) -> None:
        self._say, self._progress = told.say, told.progress
        self._next = 0.0
        self._layers: dict[str, Progress] = {}
        self._quarter: dict[str, int] = {}
        self._retrying: dict[str, int] = {}

    def tell(self, step: Progress) -> None:
        """Take in a step of the push."""
        if not step.layer:
            return
        self._sum_up(step)
        if step.status == "Preparing" or step.status.startswith("Waiting"):
            return
        if step.status.startswith("Retrying in "):
            self._retry(step)
        elif step.status != "Pushing":
            self._say(f"     {step.layer}: {step.status}")
        else:
            self._moved(step)

    def _sum_up(self, step: Progress) -> None:
        """Say how far the whole push is, but not at each step."""
        known = self._layers.get(step.layer)
        self._layers[step.layer] = replace(step, total=step.total or (known.total if known else 0))
        if (now := anyio.current_time()) < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        layers = self._layers.values()
        sending = [one for one in layers if one.status == "Pushing" and one.total]
        done = sum(one.status in _HERE or one.status.startswith("Mounted") for one in layers)
        words = f"{done} of {len(layers)} layers"
        if sending:
            sent, total = sum(one.current for one in sending), sum(one.total for one in sending)
            words += f", {min(sent, total) / 1e6:.1f} of {total / 1e6:.1f} MB"
        self._progress(words)

    def _retry(self, step: Progress) -> None:
        """Say once that the engine waits: it counts the seconds down."""
        seconds = int("".join(letter for letter in step.status if letter.isdecimal()) or 0)
        if seconds > self._retrying.get(step.layer, 0):
            self._say(f"     {step.layer}: {step.status}")
        self._retrying[step.layer] = seconds

    def _moved(self, step: Progress) -> None:
        quarter = 4 * step.current // step.total if step.total else 0
        if 0 < quarter < 4 and quarter > self._quarter.get(step.layer, 0):
            self._quarter[step.layer] = quarter
            self._say(f"     {step.layer}: {quarter * 25}% of {step.total / 1e6:.1f} MB")
