"""Compose services on a fake engine: brought up once, watched, and their logs read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
from msgspec.structs import replace

from tests.controllers.fake_engine import INFO
from tests.controllers.rooms import now, room
from upright.client.log_folder import Selection
from upright.controllers.docker_compose_log_stream import DockerComposeLogStreamController
from upright.controllers.docker_compose_service import DockerComposeServiceController
from upright.controllers.fingerprint import CAUSE
from upright.controllers.published_ports import PublishedPorts
from upright.controllers.world.compose import ComposeFailed
from upright.controllers.world.engine.errors import NotFound
from upright.controllers.world.engine.protocol import Container, LogLine, PublishedPort
from upright.controllers.world.engine.reports import EngineEvent
from upright.openapi.meta import ObjectMeta, format_micro_time
from upright.openapi.v1alpha1.docker_compose_service import (
    DockerComposeProject,
    DockerComposeService,
    DockerComposeServiceSpec,
)
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus
from upright.openapi.v1alpha1.resource import TRIGGER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable
    from pathlib import Path

    from anyio.streams.memory import MemoryObjectSendStream

    from tests.controllers.rooms import Room
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.engine.protocol import EngineInfo
    from upright.controllers.world.logs import Logs


@dataclass
class Machine:
    """An engine and Compose in one: what is brought up runs, until a test says otherwise."""

    info: EngineInfo = INFO
    running: dict[str, Container] = field(default_factory=dict[str, Container])
    ups: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    removed: list[str] = field(default_factory=list[str])
    fails: str = ""
    replicas: int = 1
    said: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _listeners: list[MemoryObjectSendStream[EngineEvent]] = field(default_factory=list[Any])

    @property
    def engines(self) -> Machine:
        return self

    async def get(self) -> Machine:
        return self

    async def up(self, spec: DockerComposeServiceSpec, images: dict[str, str], log: object) -> int:
        del log
        self.ups.append((spec.service, images.get(spec.service, "")))
        if self.fails:
            raise ComposeFailed(self.fails)
        for number in range(1, self.replicas + 1):
            name = f"shop-{spec.service}-{number}"
            self.show(Container(id=name, name=name, image_id="i", state="running", started=now()))
        return self.replicas

    async def containers(self, spec: DockerComposeServiceSpec) -> list[Container]:
        return [one for name, one in sorted(self.running.items()) if f"-{spec.service}-" in name]

    def labels_of(self, spec: DockerComposeServiceSpec) -> dict[str, str]:
        return {"service": spec.service}

    def taken_over(self) -> None:
        """Nothing is removed here."""

    async def remove(self, spec: DockerComposeServiceSpec) -> None:
        for one in await self.containers(spec):
            del self.running[one.name]
            self.removed.append(one.name)

    def show(self, one: Container) -> None:
        """Have the container be as it is said, and tell."""
        self.running[one.name] = one
        for listener in self._listeners:
            listener.send_nowait(EngineEvent("start" if one.state == "running" else "die", one.id, 0))

    async def container(self, identity: str) -> Container:
        if identity not in self.running:
            raise NotFound("gone", status=404)
        return self.running[identity]

    @asynccontextmanager
    async def events(self, labels: object, actions: object = ()) -> AsyncGenerator[AsyncIterator[EngineEvent]]:
        del labels, actions
        send, receive = anyio.create_memory_object_stream[EngineEvent](100)
        self._listeners.append(send)
        try:
            with receive:
                yield receive
        finally:
            self._listeners.remove(send)
            send.close()

    @asynccontextmanager
    async def logs(self, container: str, **how: object) -> AsyncGenerator[AsyncIterator[LogLine]]:
        del how

        async def lines() -> AsyncGenerator[LogLine]:
            for number, text in enumerate(self.said.get(container, [])):
                yield LogLine("stdout", f"2026-11-23T06:00:00.{number:09d}Z", f"{text}\n".encode())
            async with self.events({}) as events:
                async for event in events:
                    if event.action == "die":
                        return

        yield lines()


def service(name: str = "web", *maps: str) -> DockerComposeService:
    project = DockerComposeProject(name="shop", config_paths=("/shop/compose.yml",))
    spec = DockerComposeServiceSpec(service=name, project=project, image_maps=maps)
    return DockerComposeService(metadata=ObjectMeta(name=name, annotations={"tilt.dev/resource": name}), spec=spec)


def controllers(machine: Machine, logs: Logs) -> Iterable[Controller[Any]]:
    ports = PublishedPorts(machine, lambda _: None)  # type: ignore[arg-type]  # the part of Engines that is used
    return [
        DockerComposeServiceController(machine, ports, logs, now),  # type: ignore[arg-type]  # as above
        DockerComposeLogStreamController(machine, logs, now),  # type: ignore[arg-type]  # as above
    ]


async def test_a_service_is_brought_up_and_its_containers_are_told(tmp_path: Path) -> None:
    machine = Machine(replicas=2)
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.put(service())
        found = await w.until(DockerComposeService, "web", lambda one: len(one.status.containers) == 2)
        assert (found.status.replicas, found.status.container_name) == (2, "shop-web-1")
        first = machine.running["shop-web-1"]
        machine.show(replace(first, health="healthy", published=(PublishedPort("0.0.0.0", 8080, 80),)))
        found = await w.until(DockerComposeService, "web", lambda one: one.status.port_bindings)
        assert found.status.container_state is not None
        assert found.status.container_state.health_status == "healthy"
        assert found.status.port_bindings[0].host_port == 8080
        machine.show(replace(first, state="exited", exit_code=7, finished=now()))
        found = await w.until(DockerComposeService, "web", lambda one: one.status.containers[0].state.exit_code == 7)
        assert not found.status.containers[0].state.running
    assert machine.ups == [("web", "")]


async def test_a_service_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    async with room(tmp_path, lambda logs: controllers(Machine(fails="no such network"), logs)) as w:
        await w.put(service())
        found = await w.until(DockerComposeService, "web", lambda one: one.status.apply_error)
        assert found.status.apply_error == "no such network"
        assert found.status.last_apply_finish_time is not None


async def test_a_service_waits_for_its_image_and_runs_it(tmp_path: Path) -> None:
    machine = Machine()
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.put(service("web", "shop"))
        await w.settled()
        assert machine.ups == []
        built = ImageMapStatus(image="registry/shop:1", image_from_local="shop:1", image_from_cluster="registry/shop:1")
        await w.put(ImageMap(metadata=ObjectMeta(name="shop"), spec=ImageMapSpec(selector="shop")), built)
        await w.until(DockerComposeService, "web", lambda one: one.status.containers)
    assert machine.ups == [("web", "shop:1")]


async def test_the_containers_are_made_anew_when_the_resource_was_triggered(tmp_path: Path) -> None:
    machine = Machine()
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.put(service())
        first = await w.until(DockerComposeService, "web", lambda one: one.status.containers)
        notes = {CAUSE: "again", TRIGGER: format_micro_time(now() + timedelta(hours=1))}
        await w.client.patch(first, {"metadata": {"annotations": notes}})
        before = first.status.applied_input_hash
        await w.until(DockerComposeService, "web", lambda one: one.status.applied_input_hash not in {"", before})
        assert w.log("dcup:web") == ["Triggered: its containers are made anew"]
    assert machine.ups == [("web", "")] * 2
    assert machine.removed == ["shop-web-1"]


async def test_after_a_restart_what_runs_is_left_running_and_what_is_gone_is_brought_up_again(tmp_path: Path) -> None:
    machine = Machine()
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        for name in ("web", "db"):
            await w.put(service(name))
            await w.until(DockerComposeService, name, lambda one: one.status.containers)
    del machine.running["shop-db-1"]
    machine.ups.clear()
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.until(DockerComposeService, "db", lambda _: "shop-db-1" in machine.running)
        await w.until(DockerComposeService, "web", lambda one: one.status.containers)
    assert machine.ups == [("db", "")]


async def test_a_service_that_goes_takes_its_containers_along(tmp_path: Path) -> None:
    machine = Machine()
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.put(service())
        await w.until(DockerComposeService, "web", lambda one: one.status.containers)
        await w.client.delete(DockerComposeService, "web")
        await w.until_gone(DockerComposeService, "web")
    assert machine.running == {}


async def logged(w: Room, wanted: list[str]) -> None:
    """Wait until these are all the lines of the service."""
    found: list[str] = []
    with anyio.fail_after(10):
        async with w.logs.follow(Selection(span="dc:web")) as batches:
            async for lines in batches:
                found += [line.text for line in lines]
                if len(found) >= len(wanted):
                    break
    assert found == wanted


async def test_each_line_of_each_run_is_logged_once(tmp_path: Path) -> None:
    machine = Machine(said={"shop-web-1": ["one", "two"]})
    async with room(tmp_path, lambda logs: controllers(machine, logs)) as w:
        await w.put(service())
        await w.until(DockerComposeService, "web", lambda one: one.status.containers)
        await logged(w, ["one", "two"])
        machine.said["shop-web-1"] += ["three"]
        first = machine.running["shop-web-1"]
        machine.show(replace(first, state="exited"))
        await w.settled()
        machine.show(replace(first, started=now(), restarts=1))
        await logged(w, ["one", "two", "three"])
