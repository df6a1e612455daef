"""What Upright asks of a container engine. Everything here raises EngineError's tree (``engine/errors.py``), nothing else.

Containers, networks and volumes are named by id or by name, images by reference or id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path

    from upright.controllers.world.engine.ignores import Ignore
    from upright.controllers.world.engine.reports import EngineEvent, Finished, Reaped

Labels: TypeAlias = "Mapping[str, str]"
StreamName: TypeAlias = Literal["stdout", "stderr"]
ContainerState: TypeAlias = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]


class EngineInfo(Struct, frozen=True, kw_only=True):
    """What an engine is, and how its containers can be reached.

    ``arch`` is Go's word (amd64, arm64). ``address`` is what DOCKER_HOST would be.
    ``private``: it is ours, and dies with us. ``local``: it sees our files, so that binds mean what they say.
    ``network_namespace``: where the containers' addresses can be reached: empty for our own network, a path
    (``/proc/PID/ns/net``) for another one on this machine, None if there is no way (remote, or in a virtual machine).
    """

    product: Literal["dockerd", "podman"]
    version: str
    api_version: str
    arch: str
    address: str
    private: bool = False
    local: bool = True
    network_namespace: str | None = ""


class Image(Struct, frozen=True, kw_only=True):
    """An image in the engine's store. ``id`` is ``sha256:…``; ``digests`` are ``repository@sha256:…``; ``ports`` as in ``8080/tcp``."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str = ""
    working_dir: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Labels = field(default_factory=dict[str, str])
    stop_signal: str = ""
    arch: str = ""
    os: str = ""
    size: int = 0
    created: datetime | None = None


class RegistryAuth(Struct, frozen=True, kw_only=True):
    """Who we are to a registry: a name and a password, or an identity token."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    server: str = ""

    def __repr__(self) -> str:
        """Say who, and never the secret."""
        return f"RegistryAuth({self.username} at {self.server})"


class Progress(Struct, frozen=True):
    """A step of a pull or push: the layer (empty: the whole image), what is done, and how far in bytes (total 0: unknown)."""

    layer: str
    status: str
    current: int = 0
    total: int = 0


class BuildRequest(Struct, frozen=True, kw_only=True):
    """What to build. ``context`` is a folder, None for an empty one; ``dockerfile`` is the Dockerfile's text.

    ``ignores`` is all that is left out of the context: ``engine/context.py`` makes it of ``.dockerignore``, ``only``, ``ignore``.
    ``dockerfile_path`` is for messages, and keeps the file in the context where it is. An arg whose value is None is taken
    from our environment. ``secrets`` and ``ssh`` (as the docker CLI takes them) need BuildKit.
    """

    dockerfile: str
    context: Path | None = None
    dockerfile_path: Path | None = None
    ignores: tuple[Ignore, ...] = ()
    tags: tuple[str, ...] = ()
    args: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    target: str = ""
    platform: str = ""
    network: str = ""
    pull: bool = False
    no_cache: bool = False
    cache_from: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()  # name:address
    labels: Labels = field(default_factory=dict[str, str])
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()


class Mount(Struct, frozen=True, kw_only=True):
    """Something at ``target`` in a container.

    tmpfs: ``size_bytes`` (0: no limit) and ``mode`` apply; runc before 1.2 keeps the mode of the image's folder, if it has one. volume: ``source`` is a volume's name, made if it is not there;
    it begins empty whatever the image has there, and of one with ``sub_path`` only that file or folder is mounted, which must exist.
    bind: ``source`` is a path on the engine's machine, which must exist; only for an engine whose info says ``local``.
    A private engine has a /run of its own.
    """

    kind: Literal["tmpfs", "volume", "bind"]
    target: str
    source: str = ""
    sub_path: str = ""
    read_only: bool = False
    size_bytes: int = 0
    mode: int = 0o1777


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """A container to be. What is empty is the image's or the engine's default; None for ``entrypoint`` or ``args``: the image's.

    As everywhere, an own entrypoint without args drops the image's arguments. Restarts are ours: the engine never restarts,
    never probes (the image's HEALTHCHECK is off) and adds no init process.
    """

    image: str
    name: str = ""
    entrypoint: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    working_dir: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    labels: Labels = field(default_factory=dict[str, str])
    network: str = "none"
    """``none``, ``host``, ``container:<id>``, or a network's name."""
    aliases: tuple[str, ...] = ()
    ip: str = ""
    hostname: str = ""
    extra_hosts: Mapping[str, str] = field(default_factory=dict[str, str])  # name: address
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    memory_bytes: int = 0
    cpus: float = 0.0
    cpu_shares: int = 0
    shm_bytes: int = 0
    read_only: bool = False
    privileged: bool = False
    no_new_privileges: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict[str, str])
    mounts: tuple[Mount, ...] = ()
    stop_signal: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class PublishedPort(Struct, frozen=True):
    """A port of the engine's machine that leads to a container's."""

    host_ip: str
    host_port: int
    port: int
    protocol: str = "tcp"


class Container(Struct, frozen=True, kw_only=True):
    """A container as the engine shows it. ``error`` says why its program could not be started.

    ``pid`` is in the engine's process namespace, 0 when not running. ``addresses`` is by network. ``restarts`` are the
    engine's own; ``health`` is empty without a health check, ``health_output`` what the last one said,
    ``health_interval`` the seconds from one to the next.
    """

    id: str
    name: str
    image_id: str
    state: ContainerState
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    pid: int = 0
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    labels: Labels = field(default_factory=dict[str, str])
    network: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict[str, str])
    image: str = ""
    restarts: int = 0
    health: str = ""
    health_output: str = ""
    health_interval: float = 0.0
    published: tuple[PublishedPort, ...] = ()


class LogLine(Struct, frozen=True):
    """A line of a container's log as bytes, its line feed included (a very long one comes in pieces), and when (RFC 3339)."""

    stream: StreamName
    time: str
    data: bytes


class Piece(Struct, frozen=True):
    """A piece of what a program printed; with a tty all is stdout."""

    stream: StreamName
    data: bytes


class ExecSpec(Struct, frozen=True, kw_only=True):
    """A program to run in a running container; ``env`` is added to the container's."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str = ""
    working_dir: str = ""
    stdin: bool = False
    tty: bool = False
    privileged: bool = False


class Network(Struct, frozen=True, kw_only=True):
    """A network; ``interface`` is its bridge, which podman makes with the network's first container."""

    id: str
    name: str
    subnet: str = ""
    gateway: str = ""
    interface: str = ""
    labels: Labels = field(default_factory=dict[str, str])


class Terminal(Protocol):
    """The streams of a program in a container."""

    async def read(self) -> Piece | None:
        """Return the next piece as soon as there is one, None at the end."""
        ...

    async def write(self, data: bytes) -> None: ...

    async def close_input(self) -> None:
        """Let the program read the end of its stdin; what it prints goes on."""
        ...

    async def resize(self, *, width: int, height: int) -> None: ...


class ExecTerminal(Terminal, Protocol):
    """The streams of an exec. Leaving its context while the program runs kills it where the engine is on this machine."""

    async def exit_code(self) -> int:
        """Return how the program ended; to be called after ``read`` returned None. 126: not executable, 127: not found."""
        ...


class Engine(Protocol):
    """A container engine."""

    @property
    def info(self) -> EngineInfo: ...

    # images

    async def build(self, request: BuildRequest, tell: Callable[[str], object]) -> str:
        """Build, tag, and return the image's id; ``tell`` hears each line of output. Raises BuildRefused, BuildFailed."""
        ...

    async def image(self, reference: str) -> Image:
        """Return what the store has. Raises ImageNotFound."""
        ...

    async def tag(self, image: str, reference: str) -> None: ...

    async def pull(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        platform: str = "",
        tell: Callable[[Progress], object] | None = None,
    ) -> Image:
        """Bring an image from its registry. Raises PullFailed's tree."""
        ...

    async def push(
        self, reference: str, *, auth: RegistryAuth | None = None, tell: Callable[[Progress], object] | None = None
    ) -> str:
        """Send an image to its registry and return its digest, empty where podman does not tell. Raises PushFailed's tree."""
        ...

    async def remote_digest(self, reference: str, *, auth: RegistryAuth | None = None) -> str:
        """Return the digest that the image has in its registry. Raises EngineError; podman cannot tell."""
        ...

    async def images(self, labels: Labels) -> list[Image]:
        """Return the images with all these labels (id, tags, digests, labels, size, created only)."""
        ...

    async def remove_image(self, reference: str, *, force: bool = False) -> None: ...

    # containers

    async def create(self, spec: ContainerSpec) -> str:
        """Create a container and return its id. Raises ImageNotFound, Conflict (name)."""
        ...

    async def start(self, container: str) -> None:
        """Start it; nothing if it runs. Raises StartFailed's tree."""
        ...

    async def stop(self, container: str, grace: float) -> None:
        """Send its stop signal, kill it after the grace time (whole seconds, rounded up), return when it has ended."""
        ...

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal. Raises Conflict if it does not run."""
        ...

    async def remove(self, container: str) -> None:
        """Kill and remove it with its anonymous volumes; nothing if it is gone."""
        ...

    async def wait(self, container: str) -> int:
        """Return its exit code when it does not run any more; at once if it does not run."""
        ...

    async def container(self, container: str) -> Container: ...

    async def check_health(self, container: str) -> None:
        """Have the container's health check made now, where the engine leaves that to others (podman to systemd)."""
        ...

    async def containers(self, labels: Labels) -> list[Container]:
        """Return all containers with these labels, also those that ended (without ``error``, ``oom_killed``, ``pid``, times of start and end)."""
        ...

    def logs(
        self, container: str, *, follow: bool = False, since: datetime | None = None, tail: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[LogLine]]:
        """Read a container's log, its ``tail`` last lines only; with ``follow`` until it ends."""
        ...

    def exec(self, container: str, spec: ExecSpec) -> AbstractAsyncContextManager[ExecTerminal]:
        """Run a program in a running container. Raises Conflict if it does not run."""
        ...

    async def run(self, container: str, spec: ExecSpec, *, limit: int = 64 * 1024) -> Finished:
        """Run a program in a running container to its end, keeping the last ``limit`` bytes a stream."""
        ...

    def attach(self, container: str, *, stdin: bool = False) -> AbstractAsyncContextManager[Terminal]:
        """Be connected to a container's own program: what it prints from now on, and its stdin."""
        ...

    async def put_archive(self, container: str, path: str, tar: bytes) -> None:
        """Unpack a tar into a folder of the container, which must exist; works before it was ever started."""
        ...

    async def get_archive(self, container: str, path: str) -> bytes:
        """Return a file or folder of the container as a tar."""
        ...

    def events(
        self, labels: Labels, actions: Sequence[str] = ()
    ) -> AbstractAsyncContextManager[AsyncIterator[EngineEvent]]:
        """Tell what happens to containers with these labels, from the moment the context is entered."""
        ...

    # networks and volumes

    async def create_network(
        self, name: str, *, labels: Labels, subnet: str = "", interface: str = "", internal: bool = False
    ) -> Network:
        """Create a bridge network with DNS for aliases; ``interface`` names its bridge (15 characters at most)."""
        ...

    async def network(self, name: str) -> Network: ...

    async def networks(self, labels: Labels) -> list[Network]: ...

    async def remove_network(self, name: str) -> None:
        """Remove it; nothing if it is gone. Raises Conflict while containers use it."""
        ...

    async def connect(self, network: str, container: str, *, aliases: Sequence[str] = (), ip: str = "") -> None: ...

    async def disconnect(self, network: str, container: str) -> None: ...

    async def create_volume(self, name: str, *, labels: Labels, memory: bool = False, size_bytes: int = 0) -> None:
        """Create a volume that several containers can share; ``memory``: in RAM, at most ``size_bytes`` (0: no limit)."""
        ...

    async def remove_volume(self, name: str) -> None:
        """Remove it; nothing if it is gone. Raises Conflict while containers use it."""
        ...

    async def reap(self, labels: Labels) -> Reaped:
        """Remove every container, network and volume with all these labels."""
        ...
