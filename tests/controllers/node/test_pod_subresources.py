from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest

from upright.controllers.node.log_text import log_text
from upright.controllers.node.pod_access import LogOptions
from upright.controllers.node.pod_subresources import PodSubresources, log_options
from upright.controllers.world.engine.protocol import LogLine
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import BadRequest, NotFound
from upright.openapi.subresources import STDERR, STDIN, STDOUT, Ask, exit_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controllers.node.on_engine import RealCluster
    from upright.openapi.meta import Json


class Said:
    """A client's side of a conversation: says these things, keeps what it hears, and then waits for the end."""

    def __init__(self, *says: tuple[int, bytes]) -> None:
        self.says = list(says)
        self.heard: dict[int, bytes] = {}
        self.ended: Json = {}
        self.news = anyio.Event()

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        for one in self.says:
            yield one
        await anyio.sleep_forever()

    async def send(self, channel: int, data: bytes) -> None:
        self.heard[channel] = self.heard.get(channel, b"") + data
        self.news.set()

    async def end(self, status: Json) -> None:
        self.ended = status

    async def write(self, data: bytes) -> None:
        await self.send(STDOUT, data)


def ask(name: str = "web", namespace: str = "shop", **query: str | tuple[str, ...]) -> Ask:
    asked = {key: value if isinstance(value, tuple) else (value,) for key, value in query.items()}
    return Ask(Pod, name, "log", namespace, query=asked)


def test_the_query_of_logs_is_read() -> None:
    asked = ask(container="c", follow="true", tailLines="3", sinceTime="2026-01-02T03:04:05Z", timestamps="1")
    assert log_options(asked) == LogOptions(
        container="c",
        follow=True,
        timestamps=True,
        tail_lines=3,
        since_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    with pytest.raises(BadRequest):
        log_options(ask(tailLines="many"))


async def test_pieces_of_a_long_line_have_one_time() -> None:
    async def lines() -> AsyncIterator[LogLine]:
        yield LogLine("stdout", "T1", b"long ")
        yield LogLine("stderr", "T2", b"other\n")
        yield LogLine("stdout", "T3", b"line\n")

    text = b"".join([piece async for piece in log_text(lines(), timestamps=True)])
    assert text == b"T1 long T2 other\nline\n"


@pytest.mark.engine
@pytest.mark.slow
async def test_exec_carries_all_streams_and_the_exit_code(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", "sleep 1000")
    await space.ready("web")
    client = Said((STDIN, b"to and fro\n"), (STDIN, b""))
    served = PodSubresources(real.access)
    command = ("sh", "-c", "cat; echo oh >&2; exit 3")
    with anyio.fail_after(10):
        await served.exec(ask(namespace=space.name, command=command, stdin="true"), client)
    assert client.heard == {STDOUT: b"to and fro\n", STDERR: b"oh\n"}
    assert client.ended == exit_status(3)


@pytest.mark.engine
@pytest.mark.slow
async def test_ports_are_carried_and_begin_with_their_number(real: RealCluster) -> None:
    space = await real.namespace()
    probe = {"tcpSocket": {"port": 8080}}
    await space.pod("web", "exec nc -ll -p 8080 -e cat", container={"readinessProbe": probe})
    await space.ready("web")
    client = Said((0, b"echo\n"))
    async with anyio.create_task_group() as group:
        group.start_soon(PodSubresources(real.access).portforward, ask(namespace=space.name, ports="8080"), client)
        with anyio.fail_after(10):
            while client.heard.get(0) != b"\x90\x1fecho\n":
                client.news = anyio.Event()
                await client.news.wait()
        group.cancel_scope.cancel()
    assert client.heard[1] == b"\x90\x1f"


@pytest.mark.engine
@pytest.mark.slow
async def test_what_cannot_be_read_is_said_in_kubernetes_words(real: RealCluster) -> None:
    space = await real.namespace()
    one = {"name": "one", "image": "toolbox:1", "command": ["sleep", "1000"]}
    two = {"name": "two", "image": "localhost:1/no:1"}
    spec = {"containers": [one, two], "terminationGracePeriodSeconds": 0}
    await space.create(Pod, "web", spec=spec)
    await space.told("web", "Started")
    served = PodSubresources(real.access)
    for query, message in (
        ({}, "a container name must be specified for pod web, choose one of: [one two]"),
        ({"container": "x"}, "container x is not valid for pod web"),
        ({"container": "one", "previous": "1"}, 'previous terminated container "one" in pod "web" not found'),
    ):
        with pytest.raises(BadRequest) as caught:
            await served.log(ask(namespace=space.name, **query), Said())
        assert caught.value.message == message
    with pytest.raises(BadRequest, match=r'container "two" in pod "web" is waiting to start: '):
        await served.log(ask(namespace=space.name, container="two"), Said())
    with pytest.raises(NotFound):
        await served.log(ask("nobody", namespace=space.name), Said())
