"""Commands are run, probed, switched off, ended and, after a restart of the server, run again."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest

from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.client.log_folder import Selection
from upright.controllers import fingerprint
from upright.controllers.cmd import LOST, NOT_TRIGGERED, CmdController
from upright.controllers.cmd_triggers import Trigger
from upright.controllers.runtime.manager import Manager
from upright.controllers.world.environment import base_environment
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.scheme import Scheme
from upright.openapi.v1alpha1.cmd import Cmd, CmdSpec, CmdStatus
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.probe import ExecAction, HTTPGetAction, Probe, TCPSocketAction
from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource, StartOnSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from pathlib import Path

    from upright.client.logs import LogLine
    from upright.controllers.cmd_triggers import Triggers
    from upright.controllers.runtime.controller import Watch
    from upright.controllers.runtime.turn import Turn


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  reason: the outermost place, where the clock is handed in


@dataclass
class World:
    client: Client
    logs: Logs

    async def until(self, name: str, wanted: Callable[[CmdStatus], bool], since: str = "") -> CmdStatus:
        chosen = f"metadata.name={name}"
        with anyio.fail_after(10):
            async with self.client.watch(Cmd, resource_version=since, field_selector=chosen) as changes:
                async for change in changes:
                    if change.object is not None and change.type != "DELETED" and wanted(change.object.status):
                        return change.object.status
        raise AssertionError(name)

    async def ended(self, name: str) -> CmdStatus:
        return await self.until(name, lambda status: status.terminated is not None and bool(status.ran))

    async def running(self, name: str) -> CmdStatus:
        return await self.until(name, lambda status: status.running is not None)

    async def until_deleted(self, name: str) -> None:
        await self.client.delete(Cmd, name)
        with anyio.fail_after(10):
            async with self.client.watch(Cmd, field_selector=f"metadata.name={name}") as changes:
                async for change in changes:
                    if change.type == "DELETED":
                        return

    async def line(self, span: str, wanted: Callable[[LogLine], bool]) -> LogLine:
        with anyio.fail_after(10):
            async with self.logs.follow(Selection(span=span)) as batches:
                async for batch in batches:
                    for line in batch:
                        if wanted(line):
                            return line
        raise AssertionError(span)

    def log(self, span: str) -> list[str]:
        return [line.text for line in self.logs.read(Selection(span=span))]


@asynccontextmanager
async def world(folder: Path, triggers: Triggers | None = None) -> AsyncGenerator[World]:
    """A server with the Cmd controller over the state in a folder; leaving it stops both, as a restart does."""
    async with (
        Store.open(str(folder / "state.db"), durable=False) as store,
        Logs(folder / "logs", now) as logs,
        LocalProcesses() as processes,
    ):
        client = Client(InProcess(Registry(Scheme([Cmd, ConfigMap]), store, now)))
        environment = base_environment({"PATH": os.environ["PATH"], "COLUMNS": "99"}, host="localhost", port=10350)
        controller = CmdController(processes, logs, now, lambda: environment, triggers)
        async with anyio.create_task_group() as group:
            await group.start(Manager(client, now, [controller]).run)
            yield World(client, logs)
            group.cancel_scope.cancel()


def cmd(name: str, script: str, cause: str = "", **spec: object) -> Cmd:
    annotations = {fingerprint.RESOURCE: "web"} | ({fingerprint.CAUSE: cause} if cause else {})
    fields = {"args": ("sh", "-c", script), **spec}
    return Cmd(metadata=ObjectMeta(name=name, annotations=annotations), spec=CmdSpec.model_validate(fields))


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_a_command_is_run_and_its_end_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        made = await w.client.create(cmd("web:update", "echo hello; exit 0"))
        status = await w.ended("web:update")
        over = status.terminated
        assert over
        assert (over.exit_code, over.reason) == (0, "")
        assert over.started_at
        assert over.finished_at
        assert over.started_at <= over.finished_at
        assert status.ran == fingerprint.of_step(made)
        assert w.log("cmd:web:update") == ["Running cmd: echo hello; exit 0", "hello"]
        assert [line.resource for line in w.logs.read(Selection())] == ["web", "web"]


async def test_a_failing_command_says_its_exit_code(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "echo bad >&2; exit 7"))
        over = (await w.ended("x")).terminated
        assert over
        assert (over.exit_code, over.reason) == (7, "exit status 7")
        last = [*w.logs.read(Selection(span="cmd:x"))][-1]
        assert (last.level, last.text) == ("ERROR", "echo bad >&2; exit 7 exited with exit code 7")


async def test_a_command_that_cannot_start_says_why(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "", args=("no-such", "an arg")))
        over = (await w.ended("x")).terminated
        why = 'failed to start: exec: "no-such": executable file not found in $PATH'
        assert over
        assert (over.exit_code, over.reason) == (1, why)
        assert w.log("cmd:x") == ["Running cmd: no-such 'an arg'", f"no-such 'an arg' {why}"]


async def test_the_environment_is_tilts(tmp_path: Path) -> None:
    script = 'echo "$TILT_HOST:$TILT_PORT $LINES $COLUMNS $PYTHONUNBUFFERED $MINE $PWD"'
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", script, env=("MINE=a=b", "LINES=7"), dir=str(tmp_path)))
        await w.ended("x")
        assert w.log("cmd:x")[-1] == f"localhost:10350 7 99 1 a=b {tmp_path}"


async def test_a_server_without_a_probe_is_ready_while_it_runs(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "sleep 100"))
        status = await w.running("x")
        assert status.ready
        assert status.running
        assert status.running.started_at
        assert alive(status.running.pid)


@pytest.mark.slow
async def test_a_server_is_ready_when_its_probe_passes(tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    probe = Probe(exec=ExecAction(command=("test", "-e", str(flag))), period_seconds=1, failure_threshold=1)
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "sleep 100", readiness_probe=probe))
        assert not (await w.running("x")).ready
        flag.touch()
        assert (await w.until("x", lambda status: status.ready)).running
        flag.unlink()
        assert (await w.until("x", lambda status: not status.ready)).running


async def test_a_probes_answers_are_logged_when_they_turn(tmp_path: Path) -> None:
    probe = Probe(tcp_socket=TCPSocketAction(port=1), period_seconds=1, failure_threshold=1)
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "sleep 100", readiness_probe=probe))
        await w.running("x")
        found = await w.line("cmd:x", lambda line: line.level == "WARN")
        assert found.text == "[readiness probe: failure] dial tcp localhost:1: connect: connection refused"


async def test_a_server_is_asked_over_http(tmp_path: Path) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = int(listener.listeners[0].extra(anyio.abc.SocketAttribute.local_port))
        probe = Probe(http_get=HTTPGetAction(path="/up?x=1", port=port))

        async def answer(stream: anyio.abc.ByteStream) -> None:
            async with stream:
                asked = (await stream.receive()).decode()
                ok = asked.startswith("GET /up?x=1 HTTP/1.1\r\nHost: localhost:")
                await stream.send(b"HTTP/1.1 200 OK\r\n\r\n" if ok else b"HTTP/1.1 404 No\r\n\r\n")

        async with anyio.create_task_group() as group, world(tmp_path) as w:
            group.start_soon(listener.serve, answer)
            await w.client.create(cmd("x", "sleep 100", readiness_probe=probe))
            assert (await w.until("x", lambda status: status.ready)).running
            group.cancel_scope.cancel()


async def test_a_probe_that_cannot_be_is_said(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "true", readiness_probe=Probe(tcp_socket=TCPSocketAction(port=70000))))
        over = (await w.ended("x")).terminated
        assert over
        assert over.reason == "Invalid readiness probe: port number out of range: 70000"


async def test_a_new_spec_ends_the_old_command_and_runs_the_new(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "sleep 100"))
        first = (await w.running("x")).running
        seen = await w.client.get(Cmd, "x")
        await w.client.update(seen.model_copy(update={"spec": cmd("x", "echo second").spec}))
        status = await w.ended("x")
        assert first
        assert not alive(first.pid)
        assert status.terminated
        assert status.terminated.exit_code == 0
        assert w.log("cmd:x")[-1] == "second"


async def test_a_new_cause_runs_the_same_command_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "echo run", cause="1"))
        before = await w.ended("x")
        seen = await w.client.get(Cmd, "x")
        meta = seen.metadata.model_copy(update={"annotations": cmd("x", "", cause="2").metadata.annotations})
        await w.client.update(seen.model_copy(update={"metadata": meta}))
        await w.until("x", lambda status: status.terminated is not None and status.ran != before.ran)
        assert w.log("cmd:x").count("run") == 2


async def test_a_status_alone_runs_nothing_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "echo run"))
        await w.ended("x")
        seen = await w.client.get(Cmd, "x")
        meta = seen.metadata.model_copy(update={"labels": {"new": "label"}})
        await w.client.update(seen.model_copy(update={"metadata": meta}))
        await w.client.create(cmd("y", "echo other"))
        await w.ended("y")
        assert w.log("cmd:x").count("run") == 1


async def test_a_deleted_command_goes_when_its_process_is_gone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "trap 'sleep 0.1; echo bye; exit' TERM; echo up; sleep 100 2>/dev/null & wait"))
        pid = (await w.running("x")).running
        await w.line("cmd:x", lambda line: line.text == "up")
        await w.until_deleted("x")
        assert pid
        assert not alive(pid.pid)
        assert w.log("cmd:x")[-1] == "bye"


async def test_a_switch_ends_a_command_and_lets_it_run_again(tmp_path: Path) -> None:
    source = DisableSource(config_map=ConfigMapDisableSource(name="x-disable", key="isDisabled"))
    async with world(tmp_path) as w:
        await w.client.create(cmd("x", "sleep 100", disable_source=source))
        status = await w.until("x", lambda status: status.disable_status is not None)
        assert status.disable_status
        assert (status.disable_status.state, status.running) == ("", None)
        switch = await w.client.create(ConfigMap(metadata=ObjectMeta(name="x-disable"), data={"isDisabled": "false"}))
        running = (await w.running("x")).running
        await w.client.patch(switch, {"data": {"isDisabled": "true"}})
        off = await w.until(
            "x", lambda status: bool(status.disable_status and status.disable_status.state == "Disabled")
        )
        assert running
        assert not alive(running.pid)
        assert off.running is None
        assert off.disable_status
        assert off.disable_status.reason == 'ConfigMap/key "x-disable"/"isDisabled" is true'
        await w.client.patch(switch, {"data": {"isDisabled": "false"}})
        assert (await w.running("x")).ran


class Clicks:
    """A button that was clicked once or not at all."""

    def __init__(self) -> None:
        self.trigger: Trigger | None = None

    def watches(self) -> Iterable[Watch]:
        return ()

    def last(self, turn: Turn[Cmd]) -> Trigger | None:  # noqa: ARG002  reason: one button for all
        return self.trigger


async def test_a_command_with_a_start_button_waits_for_the_click_and_gets_its_inputs(tmp_path: Path) -> None:
    clicks = Clicks()
    async with world(tmp_path, clicks) as w:
        made = await w.client.create(cmd("x", 'echo "hi $NAME"', start_on=StartOnSpec(ui_buttons=("b",))))
        status = await w.until("x", lambda status: status.waiting is not None)
        assert status.waiting
        assert status.waiting.reason == NOT_TRIGGERED
        clicks.trigger = Trigger(now(), ("NAME=you",))
        await w.client.patch(made, {"metadata": {"labels": {"wake": "up"}}})
        await w.ended("x")
        assert w.log("cmd:x")[-1] == "hi you"


async def test_after_a_restart_what_was_finished_stays_and_what_ran_is_lost_and_runs_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.client.create(cmd("done", "echo once"))
        await w.client.create(cmd("failed", "echo once; exit 3"))
        await w.client.create(cmd("server", "sleep 100"))
        finished = [await w.ended("done"), await w.ended("failed")]
        before = await w.running("server")
        assert before.running
        since = (await w.client.get(Cmd, "server")).metadata.resource_version
    assert not alive(before.running.pid)
    async with world(tmp_path) as w:
        lost = await w.until("server", lambda status: status.terminated is not None, since)
        assert lost.terminated
        assert (lost.terminated.reason, lost.terminated.pid, lost.ran) == (LOST, before.running.pid, "")
        again = await w.until("server", lambda status: status.running is not None and status != before)
        assert again.running
        assert alive(again.running.pid)
        assert [(await w.client.get(Cmd, name)).status for name in ("done", "failed")] == finished
        assert w.log("cmd:done").count("once") == 1
        assert [line for line in w.log("cmd:server") if "lost" in line] == [f"{LOST}; running it again"]


async def test_many_commands_run_quickly(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(w.client.create, cmd(f"x{number}", "true"))
        for number in range(50):
            assert (await w.ended(f"x{number}")).terminated
