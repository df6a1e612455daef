"""What a client does over HTTP only: logs and exec; and apply, with the fields that were set."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.inprocess import InProcess
from upright.client.client import Client
from upright.client.over_http import OverHttp
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import Conflict, InternalError, MethodNotAllowed, NotFound
from upright.openapi.meta import ObjectMeta
from upright.openapi.subresources import STDERR, STDIN, STDOUT, exit_status
from upright.openapi.v1alpha1.config_map import ConfigMap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.client.conftest import Far
    from upright.apiserver.registry import Registry
    from upright.openapi.subresources import Ask, Channels, Sink


class Container:
    """Stands for a pod's container: it answers as a small shell would."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    async def exec(self, ask: Ask, channels: Channels) -> None:
        self.asked.append(ask)
        words = ask.query["command"]
        match words[0]:
            case "cat":
                async for channel, data in channels:
                    if channel == STDIN and not data:
                        break
                    await channels.send(STDOUT, data)
                code = 0
            case "fail":
                await channels.send(STDOUT, b"half\n")
                await channels.send(STDERR, b"it went wrong\n")
                code = 3
            case "head":
                code = 0
            case _:
                raise InternalError("error executing command in container: no such program")
        await channels.end(exit_status(code))

    async def log(self, ask: Ask, sink: Sink) -> None:
        self.asked.append(ask)
        await sink.write(b"2026-01-02T03:04:05.123456789Z first\n2026-01-02T03:04:06Z se")
        await sink.write(b"cond \n")


@pytest.fixture
def container(far: Far) -> Container:
    made = Container()
    far.subresources.talks("pods", "exec", made.exec)
    far.subresources.writes("pods", "log", made.log)
    return made


@pytest.fixture
async def client(far: Far) -> AsyncIterator[Client]:
    async with OverHttp.open(far.access, patience=0.5) as transport:
        made = Client(transport)
        await made.create(
            Pod.model_validate(
                {
                    "metadata": {"name": "web", "namespace": "default"},
                    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                }
            )
        )
        yield made


async def test_a_program_runs_in_a_pod_to_its_end(client: Client, container: Container) -> None:
    failed = await client.exec("web", ["fail", "a b", "c"], container="web")
    assert (failed.exit_code, failed.stdout, failed.stderr) == (3, b"half\n", b"it went wrong\n")
    assert failed.text == "half\n"
    (ask,) = container.asked
    assert (ask.query["command"], ask.one("container"), ask.namespace) == (("fail", "a b", "c"), "web", "default")
    assert "stdin" not in ask.query


async def test_a_programs_input_reaches_it_whole_and_ends(client: Client, container: Container) -> None:
    text = bytes(range(256)) * 1000
    done = await client.exec("web", ["cat"], stdin=text)
    assert (done.exit_code, done.stdout) == (0, text)


async def test_a_program_need_not_read_its_input(client: Client, container: Container) -> None:
    assert (await client.exec("web", ["head"], stdin=b"x" * (1 << 20))).exit_code == 0


async def test_what_cannot_be_run_is_said(client: Client, container: Container) -> None:
    with pytest.raises(InternalError, match="no such program"):
        await client.exec("web", ["nonesuch"])
    with pytest.raises(NotFound, match='pods "none" not found'):
        await client.exec("none", ["true"])


async def test_lines_of_a_pods_log_have_their_times(client: Client, container: Container) -> None:
    async with client.logs(
        Pod, "web", namespace="default", follow=True, tail=5, container="web", since=timedelta(minutes=1)
    ) as lines:
        read = [(line.text, line.time.second, line.span) async for line in lines]
    assert read == [("first", 5, "pod:web:web"), ("second ", 6, "pod:web:web")]
    (ask,) = container.asked
    asked = {name: ask.one(name) for name in ("follow", "tailLines", "container", "sinceSeconds", "timestamps")}
    assert asked == {
        "follow": "true",
        "tailLines": "5",
        "container": "web",
        "sinceSeconds": "60",
        "timestamps": "true",
    }
    with pytest.raises(NotFound):
        async with client.logs(Pod, "none", namespace="default"):
            pytest.fail("there is no such log")


async def test_a_client_in_the_servers_process_says_that_it_has_no_logs(registry: Registry) -> None:
    with pytest.raises(MethodNotAllowed, match="over HTTP"):
        Client(InProcess(registry)).logs(Pod, "web")


async def test_apply_has_what_was_set_and_leaves_the_rest_alone(client: Client) -> None:
    mine = await client.apply(ConfigMap(metadata=ObjectMeta(name="m"), data={"a": "1"}))
    theirs = ConfigMap(metadata=ObjectMeta(name="m"), data={"b": "2"})
    both = await client.apply(theirs, field_manager="another")
    assert both.data == {"a": "1", "b": "2"}
    other = ConfigMap(metadata=ObjectMeta(name="m"), data={"a": "3"})
    with pytest.raises(Conflict, match="upright-client"):
        await client.apply(other, field_manager="another")
    assert (await client.apply(other, field_manager="another", force=True)).data == {"a": "3"}
    again = await client.get(ConfigMap, "m")
    assert (await client.apply(again, force=True)).metadata.uid == mine.metadata.uid
