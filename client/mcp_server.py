"""The commands as tools of the Model Context Protocol: each call is a command of its own process, in its words.

So a tool says what the command line says, knows the same kinds and flags, and is ended when its caller gives up.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from upright import __version__
from upright.client.cli import discovery
from upright.client.cli.cards import card_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Tool = Callable[..., Coroutine[Any, Any, str]]  # Any: as coroutines are

LONGEST_CHARACTERS = 100_000
LONGEST_WAIT_SECONDS = 3600.0
_COMMAND = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit("who asked is gone")
from upright.client.cli.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
"""PR_SET_PDEATHSIG, SIGKILL: a wait of an hour ends with who asked for it, also if that has ended by then."""
_INSTRUCTIONS = (
    "Upright runs a Tiltfile to a verdict. Begin with `verdict`: it says of each run whether it is healthy, what it "
    "waits for, and for what failed the object, the rule and the log lines. `describe` and `logs` tell more of a "
    "resource; `get` reads any object by its kind (session, resource, cluster, cmd, …; `kinds` lists them)."
)

Kind = Annotated[str, Field(description="a kind, as in session, resource, cluster, cmd, kubernetesapply")]
Name = Annotated[str, Field(description="the object's name; empty: all of the kind")]
Selector = Annotated[str, Field(description="only objects with these labels, as in app=web")]
Resources = Annotated[list[str], Field(description="names of resources, as get resource has them")]


class Commands:
    """Runs command lines beside this process; ``target`` are the flags that say which server is meant."""

    def __init__(self, target: list[str]) -> None:
        self._target = target

    async def run(self, verb: str, *arguments: str, flags: tuple[str, ...] = (), stdin: str = "") -> str:
        """Return what the command prints. Raises ToolError with what it complains of."""
        line = [sys.executable, "-c", _COMMAND, str(os.getpid()), verb, *flags, *self._target, "--", *arguments]
        done = await anyio.run_process(line, input=stdin.encode(), check=False)
        printed, complaint = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace").strip()
        if done.returncode:
            raise ToolError("\n".join(filter(None, [printed.strip(), complaint])) or f"exit code {done.returncode}")
        if len(printed) > LONGEST_CHARACTERS:
            left = len(printed) - LONGEST_CHARACTERS
            return f"{printed[:LONGEST_CHARACTERS]}\n… {left} more characters: ask for less, by name or selector\n"
        return printed or complaint or "done\n"


class Reading:
    """What changes nothing."""

    def __init__(self, commands: Commands) -> None:
        self._run = commands.run

    async def verdict(self) -> str:
        """Say of each run whether it is healthy: its verdict, what it still waits for, and a card for each failure."""
        listed = json.loads(await self._run("get", "session", flags=("--output=json",)))
        return "\n".join(map(_told, listed["items"])) or "there is no run yet\n"

    async def servers(self) -> str:
        """List the servers that this user runs, with their folders and Tiltfiles."""
        rows = [f"{server.url}  {server.tiltfile or server.cwd}\n" for server in discovery.running()]
        return "".join(rows) or f"none is running: {discovery.HOW_TO_START}\n"

    async def get(
        self,
        kind: Kind,
        name: Name = "",
        selector: Selector = "",
        output: Literal["table", "wide", "yaml", "json", "name"] = "table",
    ) -> str:
        """Show objects: one by its name, or all of a kind, or those with certain labels."""
        flags = _flags(selector=selector, output="" if output == "table" else output)
        return await self._run("get", kind, *_named(name), flags=flags)

    async def describe(self, kind: Kind, name: Name = "") -> str:
        """Describe an object at length: of a session what it waits for and why, of a resource its steps and failure."""
        return await self._run("describe", kind, *_named(name))

    async def logs(
        self,
        resources: Annotated[list[str], Field(description="only of these resources; none: of all")] = [],  # noqa: B006  reason: it is read only, and the schema shows it
        tail: Annotated[int, Field(description="the last lines, so many", ge=0, le=10_000)] = 200,
        since: Annotated[str, Field(description="only what is not older than this, as in 5m")] = "",
        source: Literal["all", "build", "runtime"] = "all",
        level: Literal["all", "warn", "error"] = "all",
    ) -> str:
        """Show the end of the log of a run, also of one that has ended."""
        flags = _flags(tail=str(tail), since=since, source=source, level="" if level == "all" else level)
        return await self._run("logs", *resources, flags=flags)

    async def wait(
        self,
        kind: Kind,
        name: Annotated[str, Field(description="the object's name")],
        until: Annotated[str, Field(description="condition=Ready, jsonpath={.status.done}=true, create or delete")],
        timeout_seconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS)] = 60,
    ) -> str:
        """Wait until an object is as it should be; out of time it says how far the object is."""
        flags = _flags(**{"for": until, "timeout": f"{timeout_seconds}s"})
        return await self._run("wait", kind, name, flags=flags)

    async def explain(
        self, field: Annotated[str, Field(description="a kind or a field of it, as in resource.status.steps")]
    ) -> str:
        """Tell what a kind and its fields mean."""
        return await self._run("explain", field)

    async def kinds(self) -> str:
        """List the kinds that the server has."""
        return await self._run("api-resources")


class Writing:
    """What changes a run or its objects."""

    def __init__(self, commands: Commands) -> None:
        self._run = commands.run

    async def trigger(self, resources: Resources) -> str:
        """Have resources updated again: built, run, deployed; "(Tiltfile)" executes the Tiltfile again."""
        return await self._run("trigger", *resources)

    async def enable(self, resources: Resources) -> str:
        """Switch resources on."""
        return await self._run("enable", *resources)

    async def disable(self, resources: Resources) -> str:
        """Switch resources off; what they run is ended."""
        return await self._run("disable", *resources)

    async def args(self, args: Annotated[list[str], Field(description="the Tiltfile's arguments, all of them")]) -> str:
        """Execute the Tiltfile with other arguments; none: without any."""
        return await self._run("args", *args, flags=() if args else ("--clear",))

    async def apply(self, manifest: Annotated[str, Field(description="objects as YAML or JSON")]) -> str:
        """Bring objects of the server into the state that a manifest says."""
        return await self._run("apply", flags=("--filename=-",), stdin=manifest)

    async def patch(
        self,
        kind: Kind,
        name: Annotated[str, Field(description="the object's name")],
        patch: Annotated[dict[str, Any], Field(description="a JSON merge patch")],
    ) -> str:
        """Change some fields of an object."""
        return await self._run("patch", kind, name, flags=_flags(type="merge", patch=json.dumps(patch)))

    async def delete(self, kind: Kind, name: Annotated[str, Field(description="the object's name")]) -> str:
        """Delete one object."""
        return await self._run("delete", kind, name)


def serve(target: list[str], *, writes: bool) -> None:
    """Serve on stdin and stdout until stdin ends."""
    server = MCPServer("upright", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    commands = Commands(target)
    reading, writing = Reading(commands), Writing(commands)
    offered: list[tuple[Tool, ToolAnnotations]] = [(tool, _annotated()) for tool in _reads(reading)]
    if writes:
        offered += [(tool, _annotated(destroys=False)) for tool in _changes(writing)]
        offered += [(tool, _annotated(destroys=True)) for tool in (writing.disable, writing.delete)]
    for tool, about in offered:
        server.add_tool(tool, annotations=about, structured_output=False)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # reading stdin is a thread's, which nothing else interrupts
    anyio.run(server.run_stdio_async)


def _reads(reading: Reading) -> list[Tool]:
    first: list[Tool] = [reading.verdict, reading.servers, reading.get, reading.describe]
    return [*first, reading.logs, reading.wait, reading.explain, reading.kinds]


def _changes(writing: Writing) -> list[Tool]:
    return [writing.trigger, writing.enable, writing.args, writing.apply, writing.patch]


def _annotated(*, destroys: bool | None = None) -> ToolAnnotations:
    """Return what agents are told of a tool beforehand; None: it only reads."""
    return ToolAnnotations(read_only_hint=destroys is None, destructive_hint=destroys, open_world_hint=False)


def _flags(**values: str) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in values.items() if value)


def _named(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _told(session: dict[str, Any]) -> str:  # Any: a decoded JSON document
    """Return a run's verdict as text."""
    status = session.get("status") or {}
    verdict = status.get("verdict") or {}
    cards = status.get("failures") or ()
    waits = [str(target["name"]) for target in status.get("targets") or () if _pending(target.get("state") or {})]
    lines = [f"{session['metadata']['name']} ({(session.get('spec') or {}).get('tiltfilePath', '')})"]
    lines.append(f"verdict: {verdict.get('state', 'pending')}")
    lines += [f"reason: {verdict['reason']}"] if verdict.get("reason") else []
    lines += [f"exit code: {verdict['exitCode']}"] if verdict.get("exitCode") is not None else []
    lines += [f"not finished yet: {', '.join(waits)}"] if waits else []
    return "\n".join(lines) + "\n" + "".join(card_lines(card) for card in cards)


def _pending(state: dict[str, Any]) -> bool:  # Any: a decoded JSON document
    return "waiting" in state or ("active" in state and not state["active"].get("ready"))
