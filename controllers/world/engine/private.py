"""Engines of our own: dockerd or podman's service in a box."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio
import anyio.to_thread
from msgspec import Struct

from upright.controllers.world.engine.address_ranges import free_block, taken_ranges
from upright.controllers.world.engine.box import INSIDE, INSIDE_DATA, Box, BoxFailed, boxed
from upright.controllers.world.engine.data_folder import (
    CGROUP_PREFIX,
    FOLDER,
    DataFolder,
    reap_cgroups,
    reap_runs,
    remove_tree,
    take_data,
)
from upright.controllers.world.engine.errors import Conflict, EngineError, EngineGone, NoEngine, NotFound
from upright.controllers.world.engine.uplink import resolver_in, uplink, uplink_available
from upright.controllers.world.engine.words import NO_NAMESPACES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime
    from ipaddress import IPv4Network

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.docker_engine import DockerEngine

Product = Literal["dockerd", "podman"]

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Where daemons are looked for: an ordinary user's PATH has no sbin."""

_READY_SECONDS = 60.0
_PRUNE_SECONDS = 5.0
_KEPT_IMAGES = 3
_CONTENT_TAG = "tilt-"  # begins the tag of every image that a run has built
_KEPT_BUILD_CACHE = "10GB"
_HOST_CONFIG = Path("/etc/docker/daemon.json")
_INHERITED_SETTINGS = ("registry-mirrors", "insecure-registries")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class Place(Struct, frozen=True):
    """Where a private engine lives: the run's folder and name, and the folder for what outlives it."""

    state_dir: Path
    run_id: str
    cache_dir: Path

    @property
    def folder(self) -> Path:
        return self.state_dir / FOLDER


class Plan(Struct, frozen=True):
    """The addresses of a private engine: a /16 of its own, in pieces. ``resolver`` is empty without a way out."""

    block: IPv4Network
    resolver: str

    @property
    def uplink(self) -> IPv4Network:
        return next(self.block.subnets(new_prefix=24))

    @property
    def bridge(self) -> IPv4Network:
        return list(self.block.subnets(new_prefix=24))[1]

    @property
    def pool(self) -> IPv4Network:
        """What networks are made of; the block's second half stays free."""
        return list(self.block.subnets(new_prefix=18))[1]


def program(product: Product) -> str:
    """Return the path of the engine's program, empty if it is not installed."""
    return shutil.which(product, path=PATH) or ""


@asynccontextmanager
async def private_engine(
    product: Product, place: Place, say: Callable[[str], object]
) -> AsyncGenerator[DockerEngine, None]:
    """Start an engine of our own; leaving the context ends all that runs in it. Raises NoEngine with the reason."""
    await anyio.to_thread.run_sync(reap_runs, place.state_dir.parent)
    try:
        data = await anyio.to_thread.run_sync(take_data, place.cache_dir / product, place.folder)
    except OSError as error:
        raise NoEngine(f"cannot start a private {product}: {error}") from error
    try:
        async with AsyncExitStack() as stack:
            engine = await _engine(product, place, data, say, stack)
            yield engine
            if data.kept:
                await _pruned(engine)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(data.release)
            await anyio.to_thread.run_sync(reap_cgroups)


async def _engine(
    product: Product, place: Place, data: DataFolder, say: Callable[[str], object], stack: AsyncExitStack
) -> DockerEngine:
    """Start the engine; if it cannot work with what earlier runs have left, start it without."""
    worn = data.kept and any(data.path.iterdir())
    try:
        return await _attempt(product, place, data, say, stack)
    except NoEngine as error:
        if not worn or error.message == NO_NAMESPACES:
            raise
        say(f"The private {product} does not start on its image cache in {data.path}, now cleared: {error.message}")
        await anyio.to_thread.run_sync(data.clear)
        return await _attempt(product, place, data, say, stack)


async def _attempt(
    product: Product, place: Place, data: DataFolder, say: Callable[[str], object], stack: AsyncExitStack
) -> DockerEngine:
    async with AsyncExitStack() as attempt:
        try:
            engine = await _started(product, place, data, say, attempt)
        except (BoxFailed, OSError) as error:
            raise _explained(product, str(error)) from error
        stack.push_async_exit(attempt.pop_all())
        return engine


async def _started(
    product: Product, place: Place, data: DataFolder, say: Callable[[str], object], stack: AsyncExitStack
) -> DockerEngine:
    place.folder.mkdir(parents=True, exist_ok=True)
    remove_tree(data.path / "network")  # of a run that was killed; dockerd would make its bridges again
    plan = _plan(say)
    argv = _dockerd(place, plan) if product == "dockerd" else _podman(place, plan)
    daemon = boxed(
        (program(product), *argv),
        place.folder,
        data.path,
        resolver=plan.resolver,
        environment=_environment(),
        locks=data.locks,
    )
    box = await stack.enter_async_context(daemon)
    if plan.resolver:
        await stack.enter_async_context(uplink(box.network_namespace, plan.uplink))
    await anyio.to_thread.run_sync(import_module, f"{__package__}.docker_engine")  # 0.15 s, while the daemon starts
    from upright.controllers.world.engine.connection import Connection  # noqa: PLC0415  reason: not before its time
    from upright.controllers.world.engine.docker_engine import DockerEngine, engine_info  # noqa: PLC0415  reason: the same

    connection = await stack.enter_async_context(Connection(box.address))
    about = await _ready(connection, box)
    info = engine_info(about, box.address, private=True, namespace=box.network_namespace)
    engine = DockerEngine(connection, info, box.kill)
    if data.kept:
        await _swept(engine)
    return engine


async def _ready(connection: Connection, box: Box) -> dict[str, Any]:
    """Return what the engine says of itself as soon as it answers. Raises BoxFailed if it ends instead."""
    about: dict[str, Any] = {}

    async def watch(scope: anyio.CancelScope) -> None:
        await box.wait()
        scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch, group.cancel_scope)
        with suppress(EngineGone), anyio.move_on_after(_READY_SECONDS):
            about = await connection.negotiate()
        group.cancel_scope.cancel()
    if not about:
        raise BoxFailed(box.said() or "it did not answer in time")
    return about


async def _swept(engine: DockerEngine) -> None:
    """Remove what an earlier run was killed with."""
    for container in await engine.containers({}):
        await engine.remove(container.id)
    for volume in await engine.volumes({}):
        await engine.remove_volume(volume)


async def _pruned(engine: DockerEngine) -> None:
    """Forget images that later builds have replaced, but for the newest few of a name."""
    by_name: dict[str, list[tuple[datetime, str]]] = {}
    with anyio.move_on_after(_PRUNE_SECONDS), suppress(EngineError):
        for image in await engine.images({}):
            for reference in image.tags:
                name, _, tag = reference.rpartition(":")
                if tag.startswith(_CONTENT_TAG) and image.created is not None:
                    by_name.setdefault(name, []).append((image.created, reference))
        for found in by_name.values():
            for _, reference in sorted(found)[:-_KEPT_IMAGES]:
                with suppress(Conflict, NotFound):
                    await engine.remove_image(reference)
        await engine.prune_images()


def _plan(say: Callable[[str], object]) -> Plan:
    block = free_block(taken_ranges())
    if uplink_available():
        return Plan(block, resolver_in(next(block.subnets(new_prefix=24))))
    say(
        "The private container engine has no way to the internet: builds and pulls that need it will fail "
        "(apt-get install slirp4netns)."
    )
    return Plan(block, "")


def _dockerd(place: Place, plan: Plan) -> tuple[str, ...]:
    settings: dict[str, Any] = {
        "hosts": ["fd://"],
        "data-root": INSIDE_DATA,
        "exec-root": "/run/docker",
        "pidfile": "/run/docker.pid",
        "log-level": "warn",
        "bip": f"{plan.bridge[1]}/{plan.bridge.prefixlen}",
        "default-address-pools": [{"base": str(plan.pool), "size": 24}],
        "userland-proxy": False,
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": f"/{CGROUP_PREFIX}{place.run_id}",
        "builder": {"gc": {"enabled": True, "defaultKeepStorage": _KEPT_BUILD_CACHE}},
        "log-driver": "json-file",
        "log-opts": {"max-size": "100m", "max-file": "2"},
        **_host_settings(),
    }
    if plan.resolver:
        settings["dns"] = [plan.resolver]
    (place.folder / "daemon.json").write_text(json.dumps(settings))
    return ("--config-file", f"{INSIDE}/daemon.json")


def _podman(place: Place, plan: Plan) -> tuple[str, ...]:
    # Both settings are needed where root may not raise limits: podman's own rlimits fail, and crun fails on hybrid cgroups.
    runtime = next((one for one in ("runc", "crun") if shutil.which(one, path=PATH)), "runc")
    (place.folder / "containers.conf").write_text(
        f"""[containers]
default_ulimits = []
log_driver = "k8s-file"
[engine]
runtime = "{runtime}"
events_logger = "file"
cgroup_manager = "cgroupfs"
[network]
network_config_dir = "/run/networks"
default_subnet = "{plan.bridge}"
default_subnet_pools = [{{ "base" = "{plan.pool}", "size" = 24 }}]
"""
    )
    roots = ("--root", INSIDE_DATA, "--runroot", "/run/containers", "--tmpdir", "/run/libpod")
    return (*roots, "--log-level", "warn", "system", "service", "--time", "0")


def _host_settings() -> dict[str, Any]:
    """Return what the host's dockerd knows of registries."""
    with suppress(OSError, ValueError):
        settings: dict[str, Any] = json.loads(_HOST_CONFIG.read_bytes())
        return {name: settings[name] for name in _INHERITED_SETTINGS if name in settings}
    return {}


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    home = os.environ.get("HOME", "/")
    return {"PATH": PATH, "HOME": home, "CONTAINERS_CONF": f"{INSIDE}/containers.conf", **kept}


def _explained(product: Product, words: str) -> NoEngine:
    if "unshare failed" in words or "unshare:" in words:
        return NoEngine(NO_NAMESPACES)
    return NoEngine(f"cannot start a private {product}: {words}")
