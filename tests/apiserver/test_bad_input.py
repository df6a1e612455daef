"""What nobody should send, over a real connection: each gets a Status with its reason, nothing hangs, nothing grows."""

from __future__ import annotations

import json
import resource
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from upright.apiserver.clock import utc_now
from upright.apiserver.limits import Limits
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import listen_on_loopback, port_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.apiserver.registry import Registry

CMDS = "/apis/tilt.dev/v1alpha1/cmds"
SMALL = Limits(body_bytes=64 * 1024, head_bytes=8 * 1024, url_bytes=2 * 1024, patience_seconds=0.2)


@asynccontextmanager
async def running(registry: Registry, folder: Path, limits: Limits) -> AsyncGenerator[tuple[int, str]]:
    plain = listen_on_loopback("localhost", 0)
    server = Server(registry, plain, Settings(folder, secure_port=None, limits=limits), now=utc_now)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        yield port_of(plain), server.tokens.admin
        group.cancel_scope.cancel()


async def said(port: int, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Send the pieces, read to the end of the answer; return its status and its document."""
    got = b""
    with anyio.fail_after(20):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            try:
                for piece in pieces:
                    await stream.send(piece)
            except anyio.BrokenResourceError:
                pass  # it has been refused already
            try:
                while True:
                    got += await stream.receive()
                    head, separator, body = got.partition(b"\r\n\r\n")
                    if separator and len(body) >= _length(head):
                        break
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def _length(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 1 << 60


def request(token: str, body: bytes, *, method: str = "POST", path: str = CMDS, **headers: str) -> bytes:
    given = {
        "host": "localhost",
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "content-length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _named(**metadata: object) -> bytes:
    return json.dumps({"metadata": {"name": "x", **metadata}, "spec": {"args": ["true"]}}).encode()


BODIES: tuple[tuple[str, bytes, str, int, str], ...] = (
    ("nothing", b"", "application/json", 400, "BadRequest"),
    ("half an object", b'{"metadata":', "application/json", 400, "BadRequest"),
    ("a list", b"[]", "application/json", 400, "BadRequest"),
    ("a number", b"1", "application/json", 400, "BadRequest"),
    ("null", b"null", "application/json", 400, "BadRequest"),
    ("NaN", b'{"metadata":{"name":"x"},"spec":{"args":[NaN]}}', "application/json", 400, "BadRequest"),
    ("Infinity", b'{"spec":Infinity}', "application/json", 400, "BadRequest"),
    ("not UTF-8", b'{"metadata":{"name":"\xff\xfe"}}', "application/json", 400, "BadRequest"),
    ("UTF-16", '{"metadata":{}}'.encode("utf-16"), "application/json", 400, "BadRequest"),
    ("a lone surrogate", b'{"metadata":{"name":"\\ud800"}}', "application/json", 400, "BadRequest"),
    ("lists in lists", b"[" * 20_000, "application/json", 400, "BadRequest"),
    ("objects in objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400, "BadRequest"),
    ("101 levels", b'{"a":' * 101 + b"1" + b"}" * 101, "application/json", 400, "BadRequest"),
    ("YAML in thirty thousand lists", b"[" * 30_000 + b"]" * 30_000, "application/yaml", 400, "BadRequest"),
    ("YAML in ten thousand maps", b" {a: " * 10_000 + b"}" * 10_000, "application/yaml", 400, "BadRequest"),
    ("YAML in two hundred steps", b"".join(b" " * n + b"a:\n" for n in range(200)), "application/yaml", 400, "BadRequest"),
    ("no name", b'{"spec":{"args":["x"]}}', "application/json", 422, "Invalid"),
    ("a number for a name", b'{"metadata":{"name":1}}', "application/json", 422, "Invalid"),
    ("a text for metadata", b'{"metadata":"x"}', "application/json", 422, "Invalid"),
    ("a huge whole number", b'{"metadata":{"name":"x","generation":1' + b"0" * 400 + b"}}", "application/json", 400, "BadRequest"),
    ("a bad label", _named(labels={"a b": "c"}), "application/json", 422, "Invalid"),
    ("a long label", _named(labels={"a": "b" * 64}), "application/json", 422, "Invalid"),
    ("a thousand bad labels", _named(labels={f"a b{n}": "" for n in range(1000)}), "application/json", 422, "Invalid"),
    ("a name with a slash", _named(name="a/b"), "application/json", 422, "Invalid"),
    ("no YAML", b"a: [", "application/yaml", 400, "BadRequest"),
    ("YAML of YAML of YAML", b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "application/yaml", 400, "BadRequest"),
    ("YAML with a program", b"!!python/object/apply:os.system [true]", "application/yaml", 400, "BadRequest"),
    ("a form", b"a=b", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"),
    ("a type that is none", b"{}", "x", 415, "UnsupportedMediaType"),
    ("protobuf that is none", b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf", 415, "UnsupportedMediaType"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "media", "status", "reason"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
async def test_a_body_that_cannot_be_is_refused_with_its_reason(
    registry: Registry, tmp_path: Path, body: bytes, media: str, status: int, reason: str
) -> None:
    async with running(registry, tmp_path, SMALL) as (port, token):
        code, answer = await said(port, request(token, body, content_type=media))
        assert (code, answer["kind"], answer["reason"]) == (status, "Status", reason)
        assert answer["message"]
        assert (await said(port, request(token, _named())))[0] == 201, "and it goes on"


@pytest.mark.parametrize(
    ("method", "place", "media", "around"),
    [
        ("PUT", "/x", "application/json", "%s"),
        ("PATCH", "/x", "application/merge-patch+json", "%s"),
        ("PATCH", "/x/status", "application/merge-patch+json", "%s"),
        ("PATCH", "/x", "application/json-patch+json", '[{"op":"test","path":"/spec","value":%s}]'),
        ("PATCH", "/x?fieldManager=me", "application/apply-patch+yaml", "%s"),
        ("PATCH", "/x?fieldManager=me", "application/apply-patch+yaml", "# YAML\n%s"),
        ("DELETE", "/x", "application/json", "%s"),
    ],
)
async def test_whatever_is_done_with_it_a_deep_body_is_refused(
    registry: Registry, tmp_path: Path, method: str, place: str, media: str, around: str
) -> None:
    async with running(registry, tmp_path, SMALL) as (port, token):
        assert (await said(port, request(token, _named())))[0] == 201
        body = around.replace("%s", '{"a":' * 500 + "1" + "}" * 500).encode()
        code, answer = await said(port, request(token, body, method=method, path=CMDS + place, content_type=media))
        assert (code, answer["reason"]) == (400, "BadRequest")
        assert "nested too deeply" in answer["message"]


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=x", "limit=1e3", "limit=99999999999999999999", "timeoutSeconds=-1&watch=1", "continue=%00",
     "labelSelector=%3D", "fieldSelector=a", "resourceVersion=-1", "resourceVersion=x", "labelSelector=" + "(" * 500],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_refused(registry: Registry, tmp_path: Path, query: str) -> None:
    async with running(registry, tmp_path, SMALL) as (port, token):
        code, answer = await said(port, request(token, b"", method="GET", path=f"{CMDS}?{query}", content_type=""))
        assert (code, answer["reason"]) == (400, "BadRequest")


async def test_what_is_too_large_is_refused_by_its_part(registry: Registry, tmp_path: Path) -> None:
    async with running(registry, tmp_path, SMALL) as (port, token):
        large = b'{"a":"' + b"x" * SMALL.body_bytes + b'"}'
        for given, code, reason in (
            ((request(token, large),), 413, "RequestEntityTooLarge"),
            ((request(token, b"", method="GET", path=f"{CMDS}?{'a' * 3000}"),), 414, "RequestURITooLong"),
            ((request(token, b"", method="GET", x_large="a" * 9000),), 431, "RequestHeaderFieldsTooLarge"),
            ((b"GET / HTTP/1.1\r\nx-endless: ", *[b"a" * 1000] * 20), 431, "RequestHeaderFieldsTooLarge"),
            ((request(token, b"", content_length="", transfer_encoding="chunked"), *[b"4000\r\n" + b"x" * 0x4000 + b"\r\n"] * 5), 413, "RequestEntityTooLarge"),
        ):  # fmt: skip
            status, answer = await said(port, *given)
            assert (status, answer["kind"], answer["reason"]) == (code, "Status", reason)


async def test_fifty_megabytes_are_refused_and_cost_no_memory(registry: Registry, tmp_path: Path) -> None:
    piece = b"x" * 1_000_000
    async with running(registry, tmp_path, Limits()) as (port, token):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(3):
            status, answer = await said(port, request(token, b"", content_length="50000000"), *[piece] * 50)
            assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")
            chunk = b"f4240\r\n" + piece + b"\r\n"
            chunked = request(token, b"", content_length="", transfer_encoding="chunked")
            status, answer = await said(port, chunked, *[chunk] * 50)
            assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize("part", [b"", b"GE", b"GET / HTTP/1.1\r\nhost: local", b"POST / HTTP/1.1\r\n"])
async def test_a_head_that_does_not_come_is_waited_for_so_long(registry: Registry, tmp_path: Path, part: bytes) -> None:
    async with running(registry, tmp_path, SMALL) as (port, _):
        code, answer = await said(port, part) if part else await said(port)
        assert (code, answer["reason"]) == (408, "RequestTimeout")


async def test_a_body_that_does_not_come_is_waited_for_so_long(registry: Registry, tmp_path: Path) -> None:
    async with running(registry, tmp_path, SMALL) as (port, token):
        with anyio.fail_after(20):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(request(token, b"{", content_length="1000"))
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await stream.receive()
        assert (await said(port, request(token, _named())))[0] == 201


async def test_a_watch_outlasts_the_time_that_a_request_may_take(registry: Registry, tmp_path: Path) -> None:
    async with (
        running(registry, tmp_path, SMALL) as (port, token),
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        with anyio.fail_after(20):
            path = f"{CMDS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=0"
            await stream.send(request(token, b"", method="GET", path=path, content_type=""))
            got = b""
            while b"BOOKMARK" not in got:
                got += await stream.receive()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        (
            b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-key: x\r\nsec-websocket-version: 12\r\n\r\n"
        ),
    ],
    ids=["TLS", "a word", "a version", "a length", "a chunk", "no WebSocket key", "an old WebSocket"],
)
async def test_what_is_not_http_is_refused_with_a_status(registry: Registry, tmp_path: Path, sent: bytes) -> None:
    async with running(registry, tmp_path, SMALL) as (port, _):
        code, answer = await said(port, sent)
        assert (code, answer["kind"], answer["reason"]) == (400, "Status", "BadRequest")
