from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from upright.controllers.node.endpoints import Backend
from upright.controllers.node.network import Network
from upright.controllers.node.service_proxy import ServiceProxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.abc import SocketStream

SERVICE = ("127.0.0.77", 18080)


@asynccontextmanager
async def pod(name: str) -> AsyncGenerator[Backend]:
    """Stand for a pod: says its name, then repeats what it hears until the caller is through."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await stream.send(name.encode())
            async for data in stream:
                await stream.send(data)
            await stream.send(b"bye")

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield Backend("127.0.0.1", port)
        group.cancel_scope.cancel()


@asynccontextmanager
async def proxy() -> AsyncGenerator[ServiceProxy]:
    made = ServiceProxy(Network())
    async with anyio.create_task_group() as group:
        await group.start(made.run)
        yield made
        group.cancel_scope.cancel()


async def said() -> bytes:
    async with await anyio.connect_tcp(*SERVICE) as stream:
        return await stream.receive()


async def test_each_ready_pod_is_led_to_in_turn() -> None:
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(pod(name)) for name in ("one", "two")]
        service = await stack.enter_async_context(proxy())
        service.publish("web", {SERVICE: (one, two)})
        assert [await said() for _ in range(4)] == [b"one", b"two", b"one", b"two"]


async def test_without_a_ready_pod_the_connection_is_refused() -> None:
    async with pod("one") as one, proxy() as service:
        service.publish("web", {SERVICE: ()})
        with pytest.raises(OSError, match=r"refused|failed"):
            await said()
        service.publish("web", {SERVICE: (one,)})
        assert await said() == b"one"
        service.publish("web", {SERVICE: ()})
        with pytest.raises(OSError, match=r"refused|failed"):
            await said()


async def test_a_withdrawn_service_can_be_published_again_at_once() -> None:
    async with pod("one") as one, proxy() as service:
        for _ in range(3):
            service.publish("web", {SERVICE: (one,)})
            assert await said() == b"one"
            service.withdraw("web")


async def test_a_pod_that_does_not_answer_is_passed_over() -> None:
    async with pod("one") as one, proxy() as service:
        service.publish("web", {SERVICE: (Backend("127.0.0.1", 1), one)})
        assert [await said() for _ in range(2)] == [b"one", b"one"]


async def test_much_data_goes_both_ways_and_a_half_closed_connection_is_answered() -> None:
    sent = bytes(range(256)) * 40_000
    got = bytearray()
    async with pod("one") as one, proxy() as service:
        service.publish("web", {SERVICE: (one,)})
        async with await anyio.connect_tcp(*SERVICE) as stream, anyio.create_task_group() as group:

            async def send() -> None:
                await stream.send(sent)
                await stream.send_eof()

            group.start_soon(send)
            async for data in stream:
                got += data
    assert bytes(got) == b"one" + sent + b"bye"
