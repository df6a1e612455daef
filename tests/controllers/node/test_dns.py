from __future__ import annotations

import asyncio
import socket

import anyio
import pytest

from upright.controllers.node.dns import NameServer, Zone, resolvers, search_domains
from upright.controllers.node.dns_message import NAME_ERROR, Malformed, answer, ask, read_question
from upright.controllers.node.network import Network


def test_a_question_is_read() -> None:
    question = read_question(ask(7, "Web.shop.svc.cluster.local"))
    assert (question.id, question.name, question.type) == (7, "web.shop.svc.cluster.local", 1)


@pytest.mark.parametrize("message", [b"", b"abc", ask(1, "a")[:-3], answer(read_question(ask(1, "a")), ())])
def test_what_is_no_question_is_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        read_question(message)


def test_an_answer_repeats_the_question_and_has_the_addresses() -> None:
    got = answer(read_question(ask(7, "web")), ["10.0.0.1", "10.0.0.2"])
    assert got[:2] == b"\0\7"
    assert got[6:8] == b"\0\2"
    assert got.endswith(b"\x0a\0\0\2")


def test_names_of_the_zone() -> None:
    zone = Zone()
    zone.publish("web", "shop", ["10.0.0.1"], "u")
    zone.publish("idle", "shop", [], "u")
    assert zone.addresses("web.shop.svc.cluster.local") == ("10.0.0.1",)
    assert zone.addresses("idle.shop.svc.cluster.local") == ()
    assert zone.addresses("shop.svc.cluster.local") == ()
    assert zone.addresses("web.other.svc.cluster.local") is None
    assert not zone.holds("example.com")
    zone.withdraw("web", "shop", "other")
    assert zone.addresses("web.shop.svc.cluster.local") == ("10.0.0.1",)
    zone.withdraw("web", "shop", "u")
    assert zone.addresses("web.shop.svc.cluster.local") is None


def test_short_names_are_searched_in_the_pods_namespace_first() -> None:
    assert search_domains("shop") == ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"]


def test_resolvers_are_read_without_ipv6() -> None:
    assert resolvers("# x\nnameserver 10.0.0.1\nnameserver ::1\nsearch a\nnameserver\n") == ["10.0.0.1"]


async def test_the_server_answers_for_the_cluster() -> None:
    zone = Zone()
    zone.publish("web", "shop", ["10.0.0.1"], "u")
    known = unknown = b""
    async with anyio.create_task_group() as group:
        await group.start(NameServer(Network(), "127.0.0.53", zone, port=10053).run)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(("127.0.0.53", 10053))
            await loop.sock_sendall(client, b"no question")
            await loop.sock_sendall(client, ask(1, "web.shop.svc.cluster.local"))
            known = await loop.sock_recv(client, 512)
            await loop.sock_sendall(client, ask(2, "no.shop.svc.cluster.local"))
            unknown = await loop.sock_recv(client, 512)
        group.cancel_scope.cancel()
    assert known.endswith(b"\x0a\0\0\1")
    assert unknown[3] & 15 == NAME_ERROR
