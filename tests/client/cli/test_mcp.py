"""``upright mcp`` as the official SDK's client sees it over stdio, beside a run that stays."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import TextContent

from tests.client.cli.conftest import Staying, environment_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import IO

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

READS = ["verdict", "servers", "get", "describe", "logs", "wait", "explain", "kinds"]
WRITES = ["trigger", "enable", "args", "apply", "patch", "disable", "delete"]
DOCUMENT = (Path(__file__).parents[3] / "docs" / "agents.md").read_text()
MANIFEST = "apiVersion: tilt.dev/v1alpha1\nkind: ConfigMap\nmetadata: {name: agents}\ndata: {a: '1'}\n"


class Agent:
    """Calls tools."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: object) -> str:
        """Return a tool's text."""
        text, is_error = await self.both(tool, **arguments)
        assert not is_error, text
        return text

    async def refused(self, tool: str, **arguments: object) -> str:
        """Return what a tool complains of."""
        text, is_error = await self.both(tool, **arguments)
        assert is_error, text
        return text

    async def both(self, tool: str, **arguments: object) -> tuple[str, bool]:
        with anyio.fail_after(60):
            result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        return content.text, bool(result.is_error)


@asynccontextmanager
async def agent(folder: Path, *flags: str) -> AsyncGenerator[Agent]:
    command = [sys.executable, "-m", "upright.client.cli", "mcp", *flags]
    server = StdioServerParameters(command=command[0], args=command[1:], cwd=folder, env=environment_in(folder))
    async with Client(stdio_client(server)) as client:
        yield Agent(client)


async def test_an_agent_may_read_and_nothing_else_unless_asked(staying: Staying) -> None:
    async with agent(staying.folder) as ask:
        tools = (await ask.client.list_tools()).tools
        assert [tool.name for tool in tools] == READS
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert all(tool.description and f"`{tool.name}`" in DOCUMENT for tool in tools)
        assert "delete" in await ask.refused("delete", kind="resource", name="one")
    async with agent(staying.folder, "--allow-writes") as ask:
        tools = (await ask.client.list_tools()).tools
        assert [tool.name for tool in tools] == [*READS, *WRITES]
        destructive = [tool.name for tool in tools if tool.annotations and tool.annotations.destructive_hint]
        assert destructive == ["disable", "delete"]


AGES = re.compile(r"\d+s ago *")
"""They go on between two looks."""


async def test_an_agent_sees_what_the_command_line_shows(staying: Staying) -> None:
    async with agent(staying.folder) as ask:
        verdict = await ask("verdict")
        assert "verdict: healthy" in verdict
        assert str(staying.folder / "Tiltfile") in verdict
        assert str(staying.folder) in await ask("servers")
        assert "not_applicable" in await ask("get", kind="resource", name="one")
        assert "two" not in await ask("get", kind="resource", selector="front")
        assert json.loads(await ask("get", kind="resource", name="one", output="json"))["kind"] == "Resource"
        shown = await ask("describe", kind="resource", name="one")
        assert AGES.sub("", shown) == AGES.sub("", staying("describe", "resource", "one").stdout)
        assert "hello from one" in await ask("logs", resources=["one"], tail=10)
        assert "hello from one" not in await ask("logs", resources=["two"])
        assert "condition met" in await ask("wait", kind="uiresource", name="one", until="condition=Ready")
        assert "updateStatus" in await ask("explain", field="resource.status")
        assert "uiresources" in await ask("kinds")


async def test_what_goes_wrong_is_said_as_on_the_command_line(staying: Staying) -> None:
    async with agent(staying.folder) as ask:
        assert 'did you mean "resource"' in await ask.refused("get", kind="resuorce")
        assert '"nope" not found' in await ask.refused("get", kind="resource", name="nope")
        late = await ask.refused("wait", kind="cmd", name="x", until="create", timeout_seconds=0.1)
        assert "timed out" in late
        assert "not found" in await ask.refused("get", kind="resource", name="--output=yaml")
        assert "less than or equal to 10000" in await ask.refused("logs", tail=1_000_000)


async def test_a_server_that_is_not_there_is_said_and_found_when_it_comes(tmp_path: Path) -> None:
    async with agent(tmp_path) as ask:
        assert "no upright is running here" in await ask.refused("verdict")
        assert "none is running" in await ask("servers")
        (tmp_path / "Tiltfile").write_text("local_resource('bad', cmd='echo no good; exit 3')\n")
        command = [sys.executable, "-m", "upright.client.cli", "ci", "--stay", "--port=0"]
        async with await anyio.open_process(
            command, cwd=tmp_path, env=environment_in(tmp_path), stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            await process.stdout.receive()
            await ask("wait", kind="session", name="Tiltfile", until="jsonpath={.status.done}=true")
            verdict = await ask("verdict")
            assert "verdict: failed" in verdict
            assert "✗ bad: " in verdict
            assert "no good" in verdict
            process.terminate()
            with anyio.fail_after(20):
                await process.wait()


async def test_an_agent_that_may_write_changes_the_run(staying: Staying) -> None:
    async with agent(staying.folder, "--allow-writes") as ask:
        assert "Successfully triggered" in await ask("trigger", resources=["late"])
        await ask("wait", kind="resource", name="late", until="jsonpath={.status.updateStatus}=ok")
        assert "late" in await ask("logs", resources=["late"])
        await ask("disable", resources=["late"])
        state = "jsonpath={.status.disableStatus.state}"
        await ask("wait", kind="resource", name="late", until=f"{state}=Disabled")
        assert "disabled" in await ask.refused("trigger", resources=["late"])
        await ask("enable", resources=["late"])
        await ask("wait", kind="resource", name="late", until=f"{state}=Enabled")
        assert "agents" in await ask("apply", manifest=MANIFEST)
        assert "patched" in await ask("patch", kind="configmap", name="agents", patch={"data": {"b": "2"}})
        assert json.loads(await ask("get", kind="configmap", name="agents", output="json"))["data"] == {
            "a": "1",
            "b": "2",
        }
        assert "deleted" in await ask("delete", kind="configmap", name="agents")
        assert "not found" in await ask.refused("get", kind="configmap", name="agents")
        assert "nope" in await ask.refused("enable", resources=["nope"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_when_it_is_ended_what_was_asked_ends_too(staying: Staying, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "upright.client.cli", "mcp"]
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    until = {"kind": "cmd", "name": "never", "until": "create", "timeout_seconds": 3000}
    with subprocess.Popen(
        command,
        cwd=staying.folder,
        env=environment_in(staying.folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        say(served.stdin, {"id": 1, "method": "initialize", "params": about})
        served.stdout.readline()
        say(served.stdin, {"method": "notifications/initialized"})
        say(served.stdin, {"id": 2, "method": "tools/call", "params": {"name": "wait", "arguments": until}})
        say(served.stdin, {"id": 3, "method": "tools/call", "params": {"name": "servers", "arguments": {}}})
        assert '"id":3' in served.stdout.readline().replace(" ", "")
        (waiting,) = psutil.Process(served.pid).children()
        served.send_signal(number)
        served.wait(20)
    waiting.wait(20)


def say(stdin: IO[str], message: dict[str, object]) -> None:
    stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    stdin.flush()


def test_what_the_documentation_has_an_agent_keep_starts_it() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    (kept,) = json.loads(example)["mcpServers"].values()
    assert kept == {"command": "upright", "args": ["mcp"]}


def test_where_the_package_is_missing_it_is_said_how_to_get_it() -> None:
    program = (
        "import sys\nsys.modules['mcp'] = None\nfrom upright.client.cli.__main__ import main\nsys.exit(main(['mcp']))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "pip install 'upright[mcp]'" in ended.stderr
