"""Which servers run: a small file for each, written by the server and read by every command that looks for one.

``$XDG_RUNTIME_DIR/upright/<pid>.json``, or in ``running`` of the state folder where there is no runtime directory; for
its owner's eyes only. A file whose process is gone (killed, or the machine was restarted) is stale and counts for nothing.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from upright.client.cli.troubles import CannotTell
from upright.client.state_home import state_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOW_TO_START = 'start one with "upright ci" or "upright apiserver"'
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_DEAD = frozenset({"Z", "X"})  # its parent has not heard of its end yet, and may never
_START_TIME = 19  # field 22 of /proc/PID/stat, counted from the state, which follows the name in brackets


class Server(NamedTuple):
    """One running server: ``url`` is its plain HTTP, ``kubeconfig`` leads to its HTTPS with a token.

    ``cwd`` is where it was started, ``started`` tells the process from a later one of the same id.
    """

    pid: int
    started: str
    host: str
    port: int
    url: str = ""
    kubeconfig: str = ""
    cwd: str = ""
    tiltfile: str = ""


def this_process(host: str, port: int, *, kubeconfig: str = "", tiltfile: str = "") -> Server:
    """Return the description of a server in this process, started in the current directory."""
    pid = os.getpid()
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return Server(pid, _started(pid), host, port, url, kubeconfig, str(Path.cwd()), tiltfile)


def folders(environment: Mapping[str, str] | None = None) -> list[Path]:
    """Return where the files may be: the second is for a runtime directory that is not there, as under su and cron."""
    found = os.environ if environment is None else environment
    runtime = found.get("XDG_RUNTIME_DIR")
    return [*([Path(runtime) / "upright"] if runtime else []), state_home(found) / "running"]


def write(server: Server, where: Path | None = None) -> None:
    """Publish a server, in place of what it published before; and clear away what servers that are gone left."""
    *first, last = [where] if where else folders()
    for place in first:
        try:
            _write(server, place)
        except OSError:
            continue
        return
    _write(server, last)


def _write(server: Server, where: Path) -> None:
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file, found in _files(where):
        if found is None or not is_alive(found):
            file.unlink(missing_ok=True)
    made = where / f".{server.pid}"
    made.unlink(missing_ok=True)
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:  # noqa: PTH123  reason: Path.open cannot be handed a descriptor
        json.dump(server._asdict(), out)
    made.replace(where / f"{server.pid}.json")


def remove(where: Path | None = None) -> None:
    """Take back what this process published, if anything."""
    for place in [where] if where else folders():
        with suppress(OSError):
            (place / f"{os.getpid()}.json").unlink()


def running(where: Path | None = None) -> list[Server]:
    """Return the servers that run, by their ports."""
    places = [where] if where else folders()
    found = [server for place in places for _, server in _files(place) if server and is_alive(server)]
    return sorted(found, key=lambda server: server.port)


def is_alive(server: Server) -> bool:
    """Say whether the very process that published this is still there."""
    return bool(server.started) and _started(server.pid) == server.started


def choose(servers: Sequence[Server], cwd: Path, *, host: str = "localhost", port: int | None = None) -> Server:
    """Return the server that is meant: the one of this host and port, else of this directory, else the only one.

    A port that nobody published is taken at its word, and so is another machine: another user's server, or one in a
    container. Raises CannotTell with what there is to choose from.
    """
    far = host not in _HERE
    if port is not None or far:
        from upright.client.tilt_folder import DEFAULT_PORT  # noqa: PLC0415  reason: rarely asked for

        port = port or DEFAULT_PORT
        known = (server for server in servers if server.port == port and (server.host == host or not far))
        return next(known, Server(0, "", host, port))
    if not servers:
        raise CannotTell(f"no upright is running here: {HOW_TO_START}, or say where it is with --port")
    here = [server for server in servers if server.cwd == str(cwd)]
    for found in (here, servers):
        if len(found) == 1:
            return found[0]
    rows = "".join(f"\n  --port {server.port}  {server.tiltfile or server.cwd}" for server in here or servers)
    raise CannotTell(f"several uprights are running: choose one with --port or UPRIGHT_PORT{rows}")


def _files(where: Path) -> Iterator[tuple[Path, Server | None]]:
    for file in where.glob("*.json"):
        yield file, _read(file)


def _read(file: Path) -> Server | None:
    """Return what a file says; None for one that cannot be understood, or is just being taken away."""
    try:
        said: dict[str, Any] = json.loads(file.read_bytes())  # Any: a JSON document
        return Server(**{name: said[name] for name in Server._fields})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _started(pid: int) -> str:
    """Return what no other process has: boot, process id namespace and start time; nothing if there is no such process."""
    try:
        about = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        if about[0] in _DEAD:
            return ""
        return f"{_BOOT.read_text('ascii').strip()} {Path('/proc/self/ns/pid').readlink()} {about[_START_TIME]}"
    except OSError:
        return ""
