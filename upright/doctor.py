"""Looks at all that a run would need, and says what is wrong with it; starts nothing and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright import __version__
from upright.apiserver.clock import utc_now
from upright.client.cli import discovery
from upright.client.state_home import state_home
from upright.client.tilt_folder import config_file
from upright.cluster_choice import choose
from upright.controllers.world.cluster_product import is_for_development
from upright.controllers.world.compose import NoCompose, find_compose
from upright.controllers.world.engine.buildkit import find_buildkit
from upright.controllers.world.engine.docker_commands import DockerCommands
from upright.controllers.world.engine.errors import NoEngine
from upright.controllers.world.engine.find import find_engine
from upright.controllers.world.engine.private import program
from upright.controllers.world.environment import base_environment
from upright.controllers.world.kubeconfig_files import choose_context
from upright.controllers.world.processes import LocalProcesses
from upright.findings import Section, as_json, as_text
from upright.openapi.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from upright.client.cli.discovery import Server
    from upright.client.cli.options import DoctorOptions, Engine
    from upright.controllers.world.engine.private import Product
    from upright.controllers.world.engine.protocol import EngineInfo
    from upright.controllers.world.kubeconfig_files import ChosenContext
    from upright.controllers.world.kubernetes import ClusterInfo

PATIENCE_SECONDS = 8.0
LITTLE_BYTES = 5 * 1024**3
_SERVER_SECONDS = 2.0
_MEGABYTE = 1024**2
_PRIVATE: Mapping[Engine, tuple[Product, ...]] = {
    "auto": ("dockerd", "podman"),
    "host": (),
    "dockerd": ("dockerd",),
    "podman": ("podman",),
}


def doctor(options: DoctorOptions) -> int:
    """Print what was found and return the exit code."""
    sections = anyio.run(examined, options)
    sys.stdout.write((as_json if options.form == "json" else as_text)(sections))
    return 1 if any(section.problems for section in sections) else 0


async def examined(options: DoctorOptions) -> list[Section]:
    """Look at everything at once; each has its time."""
    looks: list[Callable[[Section], Awaitable[None]]] = [
        _program,
        partial(_engine, options),
        partial(_cluster, options),
        _folders,
        _servers,
    ]
    titles = ("Upright", "Container engine", "Kubernetes", "Folders", "Running servers")
    sections = [Section(title) for title in titles]
    async with anyio.create_task_group() as group:
        for look, section in zip(looks, sections, strict=True):
            group.start_soon(_look, look, section)
    return sections


async def _look(look: Callable[[Section], Awaitable[None]], section: Section) -> None:
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            await look(section)
    except TimeoutError:
        section.problems.append(f"{section.title}: no answer within {PATIENCE_SECONDS:g} s")


async def _program(section: Section) -> None:
    section.fields["Version"] = f"v{__version__}"
    section.fields["Program"] = shutil.which("upright") or sys.argv[0]
    section.fields["Python"] = f"{platform.python_version()} ({sys.executable})"
    section.fields["System"] = f"{platform.system()} {platform.release()} {platform.machine()}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    section.fields["Cores"] = str(cores)


async def _engine(options: DoctorOptions, section: Section) -> None:
    async with LocalProcesses() as processes:
        found = await _host_engine(section) if options.engine in {"auto", "host"} else None
        if found is not None:
            section.fields["Engine"] = f"{found.product} {found.version} (API {found.api_version}) at {found.address}"
            buildkit = await find_buildkit(DockerCommands(processes), found)
            section.fields["BuildKit"] = " ".join(buildkit.argv) if buildkit is not None else "none"
            if buildkit is None:
                section.hints.append(
                    "Images are built by the engine itself: for cache mounts, secrets and heredocs of Dockerfiles install a "
                    "docker CLI with buildx (apt-get install docker-buildx)"
                )
        else:
            _private_engine(options, section)
        try:
            compose = await find_compose(processes, base_environment(os.environ, host="localhost"))
            section.fields["Compose"] = f"{compose.version} ({' '.join(compose.argv)})"
        except NoCompose as error:
            section.fields["Compose"] = "none"
            section.hints.append(str(error))


async def _host_engine(section: Section) -> EngineInfo | None:
    """Return what answers here; what does not is told."""
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="upright-doctor-") as folder:
        try:
            async with find_engine("host", state_dir=Path(folder), run_id="doctor", say=said.append) as engine:
                return engine.info
        except NoEngine as error:
            section.hints += said or ([error.message] if "DOCKER_HOST" in os.environ else [])
            return None


def _private_engine(options: DoctorOptions, section: Section) -> None:
    """Say which private engine a run would start, or why it cannot."""
    there = _installed(options.engine)
    if there is not None and os.geteuid() == 0:
        section.fields["Engine"] = f"none answers; a run starts a private {there} ({program(there)}), and ends it"
        return
    section.fields["Engine"] = "none"
    why = f"{there} is installed, but starting it needs root" if there else "none answers, and none is installed"
    if options.engine == "host":
        why = "none answers, and --engine=host takes no other"
    section.problems.append(
        f"No container engine ({why}): images cannot be built, and there is no embedded cluster. Start Docker or Podman, "
        "set DOCKER_HOST, or apt-get install docker.io and run as root"
    )


def _installed(engine: Engine) -> Product | None:
    """Return which engine of our own could be started, of those that are wanted."""
    return next((product for product in _PRIVATE[engine] if program(product)), None)


async def _cluster(options: DoctorOptions, section: Section) -> None:
    connection = choose(options.cluster, options.namespace, os.environ)
    if connection.embedded:
        section.fields["Cluster"] = "the embedded one: no kubeconfig context is chosen"
        return
    try:
        context = choose_context(connection.context, options.namespace, os.environ)
        section.fields |= {
            "Context": context.name,
            "Cluster": context.cluster,
            "Server": context.server,
            "Product": context.product,
            "Namespace": context.namespace,
        }
        _tell_of(await _reached(context), section)
    except APIError as error:
        section.problems.append(error.message)
        return
    if not is_for_development(context.product):
        section.hints.append(
            f"{context.name} might be production: a Tiltfile deploys there only if it says "
            f"allow_k8s_contexts('{context.name}')"
        )


async def _reached(context: ChosenContext) -> ClusterInfo:
    from upright.controllers.world.kubeconfig_cluster import kubeconfig_cluster  # noqa: PLC0415  reason: heavy

    with tempfile.TemporaryDirectory(prefix="upright-doctor-") as folder:
        async with kubeconfig_cluster(context, Path(folder) / "kubeconfig", utc_now) as cluster:
            return await cluster.connect()


def _tell_of(info: ClusterInfo, section: Section) -> None:
    section.fields |= {"Version": info.version, "Architecture": info.arch}
    section.fields["Runtime"] = info.container_runtime or "unknown"
    section.fields["Registry"] = info.registry.host if info.registry is not None else "none is advertised"
    if info.registry is None and info.product in {"kind", "k3d", "microk8s"}:
        section.hints.append(
            f"{info.product} advertises no local registry: pushing to one is quicker than loading each image into its nodes"
        )


async def _folders(section: Section) -> None:
    await anyio.to_thread.run_sync(_look_at_folders, section)


def _look_at_folders(section: Section) -> None:
    home = state_home()
    runs = home / "runs"
    found = list(runs.glob("*")) if runs.is_dir() else []
    size = sum(file.stat().st_size for run in found for file in run.rglob("*") if file.is_file()) / _MEGABYTE
    section.fields["Runs"] = f"{runs}: {len(found)}, {size:.0f} MB"
    section.fields["Servers"] = ", ".join(map(str, discovery.folders()))
    section.fields["Tilt's config"] = str(config_file(os.environ))
    kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    is_there = any(Path(one).is_file() for one in kubeconfig.split(os.pathsep) if one)
    section.fields["Kubeconfig"] = kubeconfig if is_there else f"{kubeconfig} (not there)"
    there = next(folder for folder in (runs, *runs.parents) if folder.is_dir())
    if not os.access(there, os.W_OK):
        section.problems.append(f"{there} cannot be written to: set XDG_STATE_HOME, or run with --state DIR")
    free = shutil.disk_usage(there).free
    section.fields["Free"] = f"{free / 1024**3:.1f} GB"
    if free < LITTLE_BYTES:
        section.hints.append(f"There is little room left where runs are kept ({there}): images and logs may not fit")


async def _servers(section: Section) -> None:
    running = discovery.running()
    for server in running:
        answers = await anyio.to_thread.run_sync(_answers, server)
        told = f"{server.tiltfile or server.cwd}, process {server.pid}, {'answers' if answers else 'does not answer'}"
        section.fields[f"Port {server.port}"] = told
        if not answers:
            section.problems.append(
                f"The upright on port {server.port} (process {server.pid}) does not answer: end it with kill {server.pid}"
            )
    if not running:
        section.fields["Servers"] = "none"


def _answers(server: Server) -> bool:
    connection = HTTPConnection(server.host, server.port, timeout=_SERVER_SECONDS)
    try:
        connection.request("GET", "/version")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
