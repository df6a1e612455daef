"""A port of this machine leads to a pod's, over real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.abc import SocketAttribute

from tests.controllers.fake_kubernetes import FakeKubernetes
from tests.controllers.rooms import Room, now, room
from upright.controllers.cluster import ClusterController
from upright.controllers.clusters import Clusters
from upright.controllers.fingerprint import RESOURCE
from upright.controllers.port_forward import PortForwardController
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster, ClusterConnection, ClusterSpec, KubernetesConnection
from upright.openapi.v1alpha1.port_forward import Forward, PortForward, PortForwardSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from anyio.abc import SocketStream

    from upright.openapi.v1alpha1.port_forward import ForwardStatus

CLUSTER = Cluster(
    metadata=ObjectMeta(name="default"),
    spec=ClusterSpec(connection=ClusterConnection(kubernetes=KubernetesConnection(context="fake"))),
)


@dataclass
class World:
    room: Room
    kubernetes: FakeKubernetes

    async def listens(self, name: str = "web") -> ForwardStatus:
        found = await self.room.until(
            PortForward, name, lambda one: any(status.addresses for status in one.status.forward_statuses)
        )
        return found.status.forward_statuses[0]


@asynccontextmanager
async def world(folder: Path, kubernetes: FakeKubernetes | None = None) -> AsyncGenerator[World]:
    """A cluster with a pod ``web-1`` that says on port 80, in capitals, what it hears."""
    fake, clusters = kubernetes or FakeKubernetes(), Clusters()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        fake.ports["web-1", 80] = ("127.0.0.1", int(listener.extra(SocketAttribute.local_port)))
        group.start_soon(listener.serve, _shout)
        async with room(
            folder,
            lambda logs: [
                ClusterController(fake.opened, clusters, logs, now),
                PortForwardController(clusters, logs, now, "127.0.0.1"),
            ],
        ) as opened:
            if kubernetes is None:
                await opened.put(CLUSTER)
            yield World(opened, fake)
        group.cancel_scope.cancel()


async def _shout(stream: SocketStream) -> None:
    async with stream:
        heard = b""
        async for piece in stream:
            heard += piece
        await stream.send(heard.upper())


def forward(port: int = 0, to: int = 80, name: str = "web", host: str = "") -> PortForward:
    spec = PortForwardSpec(
        pod_name="web-1",
        namespace="default",
        cluster="default",
        forwards=(Forward(local_port=port, container_port=to, host=host),),
    )
    return PortForward(metadata=ObjectMeta(name=name, annotations={RESOURCE: "web"}), spec=spec)


async def ask(port: int, text: bytes = b"hello") -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(text)
        await stream.send_eof()
        answer = b""
        with anyio.fail_after(5):
            async for piece in stream:
                answer += piece
        return answer


async def test_what_connects_is_led_to_the_pod_and_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(forward())
        status = await w.listens()
        assert (status.container_port, status.addresses) == (80, ("127.0.0.1",))
        assert status.started_at
        assert await ask(status.local_port) == b"HELLO"
        assert await ask(status.local_port, b"x" * 300_000) == b"X" * 300_000


async def test_many_can_connect_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(forward())
        port = (await w.listens()).local_port
        async with await anyio.connect_tcp("127.0.0.1", port) as idle:
            await idle.send(b"wait")
            assert await ask(port) == b"HELLO"


async def test_that_nothing_answers_in_the_pod_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(forward(to=81))
        port = (await w.listens()).local_port
        with pytest.raises((AssertionError, OSError, anyio.BrokenResourceError)):
            assert await ask(port) != b""
        await w.room.settled()
        (told,) = w.room.log("portforward:web")
        assert told.startswith("Error port-forwarding (0 -> 81): ")


async def test_a_port_that_is_taken_is_told_and_taken_when_it_is_free(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as other:
            port = int(other.extra(SocketAttribute.local_port))
            await w.room.put(forward(port))
            found = await w.room.until(
                PortForward, "web", lambda one: any(status.error for status in one.status.forward_statuses)
            )
            (status,) = found.status.forward_statuses
            assert status.error == f"cannot listen on 127.0.0.1:{port}: Address already in use"
        assert (await w.listens()).local_port == port
        assert await ask(port) == b"HELLO"


async def test_the_port_is_free_when_the_forward_is_gone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(forward())
        port = (await w.listens()).local_port
        await w.room.client.delete(PortForward, "web")
        await w.room.settled()
        async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port):
            pass


async def test_both_addresses_of_localhost_are_free_when_the_forward_moves_on(tmp_path: Path) -> None:
    async with await anyio.create_tcp_listener(local_host="localhost") as free:
        if len(free.listeners) < 2:
            pytest.skip("localhost has one address here")
        port = int(free.extra(SocketAttribute.local_port))
    async with world(tmp_path) as w:
        for name in ("one", "two", "three"):
            await w.room.put(forward(port, name=name, host="localhost"))
            await w.listens(name)
            await w.room.client.delete(PortForward, name)
            await w.room.settled()
            async with await anyio.create_tcp_listener(local_host="localhost", local_port=port):
                pass


async def test_another_server_listens_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(forward())
        first = await w.listens()
    async with world(tmp_path, w.kubernetes) as again:
        found = await again.room.until(
            PortForward, "web", lambda one: any(s.started_at != first.started_at for s in one.status.forward_statuses)
        )
        assert await ask(found.status.forward_statuses[0].local_port) == b"HELLO"
