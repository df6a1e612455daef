"""A server for a team: tokens that last, writes that are noted, HTTPS beyond loopback, Sessions with their own objects."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from upright.apiserver.auth import Level
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import UnsafeBind, listen_on_loopback
from upright.apiserver.tokens import RESOURCE, TokenBook
from upright.client import kubeconfig
from upright.openapi.errors import AlreadyExists, BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.apiserver.registry import Registry

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
BODY = {"metadata": {"name": "one"}, "spec": {"tiltfilePath": "/p/Tiltfile"}}
CMD = {"metadata": {"name": "c"}, "spec": {"args": ["true"]}}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def shared(registry: Registry, settings: Settings, clock: Clock) -> AsyncGenerator[Server]:
    book = TokenBook(registry.store, clock)
    server = Server(registry, listen_on_loopback("localhost", 0), settings, now=clock, book=book)
    async with anyio.create_task_group() as group:
        await group.start(server.serve)
        await server.secured()
        try:
            yield server
        finally:
            group.cancel_scope.cancel()


def asked(server: Server, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
    access = kubeconfig.read(server.kubeconfig)
    port = int(access.server.rpartition(":")[2])
    tls = ssl.create_default_context(cadata=access.authority)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=10)
    headers = {"Authorization": f"Bearer {access.token if token is None else token}", "User-Agent": "tester"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


async def ask(server: Server, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
    return await anyio.to_thread.run_sync(partial(asked, server, method, path, body, token))


async def test_tokens_are_made_listed_and_revoked_by_the_api(registry: Registry, tmp_path: Path) -> None:
    async with shared(registry, Settings(tmp_path, sessions_apart=True), Clock()) as server:
        code, reader = await ask(server, "POST", "/api/tokens", {"name": "viewer", "scope": "reader"})
        assert code == 201
        code, admin = await ask(server, "POST", "/api/tokens", {"name": "ci", "scope": "admin", "expiresAfter": "1h"})
        assert (await ask(server, "POST", SESSIONS, BODY, reader["token"]))[0] == 403
        assert (await ask(server, "GET", SESSIONS, token=reader["token"]))[0] == 200
        assert (await ask(server, "GET", "/api/tokens", token=reader["token"]))[0] == 403
        assert (await ask(server, "POST", SESSIONS, BODY, admin["token"]))[0] == 201
        _, told = await ask(server, "GET", "/api/tokens")
        assert [(one["name"], one["scope"]) for one in told["items"]][:2] == [
            ("ci", "admin"),
            ("kubeconfig-" + told["items"][1]["name"][11:], "admin"),
        ]
        assert "hash" not in json.dumps(told)
        assert (await ask(server, "DELETE", "/api/tokens/viewer"))[0] == 200
        assert (await ask(server, "GET", SESSIONS, token=reader["token"]))[0] == 401
        assert (await ask(server, "DELETE", "/api/tokens/viewer"))[0] == 404
        assert (await ask(server, "PUT", "/api/tokens"))[0] == 405
        assert (await ask(server, "GET", "/api/tokensandmore"))[0] == 404


async def test_no_secret_is_stored(registry: Registry) -> None:
    secret = await TokenBook(registry.store, Clock()).create("a", "admin")
    (stored,) = registry.store.list(RESOURCE)[0]
    assert secret.encode() not in stored.data
    assert registry.scheme.by_plural("upright", "v1", "tokens") is None


async def test_a_token_ends_with_its_time_and_outlives_the_server(registry: Registry) -> None:
    clock = Clock()
    secret = await TokenBook(registry.store, clock).create("a", "reader", timedelta(hours=1))
    book = TokenBook(registry.store, clock)
    assert (book.level(secret), book.name(secret)) == (Level.READER, "a")
    clock.now += timedelta(hours=1)
    assert (book.level(secret), book.name(secret)) == (Level.NOBODY, "")


async def test_another_server_of_the_same_database_heeds_a_revocation(registry: Registry) -> None:
    one, other = TokenBook(registry.store, Clock()), TokenBook(registry.store, Clock())
    async with anyio.create_task_group() as group:
        group.start_soon(other.follow)
        await anyio.lowlevel.checkpoint()
        secret = await one.create("a", "admin")
        await anyio.wait_all_tasks_blocked()
        assert other.level(secret) is Level.ADMIN
        await one.revoke("a")
        await anyio.wait_all_tasks_blocked()
        assert other.level(secret) is Level.NOBODY
        group.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("name", "scope", "wrong"), [("", "admin", "name"), ("A b", "admin", "name"), ("a", "root", "scope")]
)
async def test_a_token_that_makes_no_sense_is_refused(registry: Registry, name: str, scope: str, wrong: str) -> None:
    with pytest.raises(BadRequest, match=wrong):
        await TokenBook(registry.store, Clock()).create(name, scope)


async def test_names_of_tokens_are_told_apart(registry: Registry) -> None:
    book = TokenBook(registry.store, Clock())
    await book.create("a", "admin")
    with pytest.raises(AlreadyExists):
        await book.create("a", "reader")
    with pytest.raises(NotFound):
        await book.revoke("b")


async def test_the_kubeconfig_stays_good_over_a_restart_and_is_for_its_owner_only(
    registry: Registry, tmp_path: Path
) -> None:
    tokens: list[str] = []
    for _ in range(2):
        async with shared(registry, Settings(tmp_path), Clock()) as server:
            tokens.append(kubeconfig.read(server.kubeconfig).token)
            assert server.kubeconfig.stat().st_mode & 0o777 == 0o600
            assert (await ask(server, "GET", SESSIONS))[0] == 200
    assert tokens[0] == tokens[1]


async def test_every_write_is_noted_with_who_what_and_from_where(registry: Registry, tmp_path: Path) -> None:
    log = tmp_path / "audit" / "log.jsonl"
    settings = Settings(tmp_path, audit_log=log)
    async with shared(registry, settings, Clock()) as server:
        _, reader = await ask(server, "POST", "/api/tokens", {"name": "viewer", "scope": "reader"})
        await ask(server, "GET", SESSIONS)
        await ask(server, "POST", f"{SESSIONS}?fieldManager=me", BODY)
        await ask(server, "DELETE", f"{SESSIONS}/one", token=reader["token"])
        await ask(server, "DELETE", f"{SESSIONS}/one", token="wrong")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/api/tokens", 201),
        ("POST", f"{SESSIONS}?fieldManager=me", 201),
        ("DELETE", f"{SESSIONS}/one", 403),
        ("DELETE", f"{SESSIONS}/one", 401),
    ]
    assert [line["who"][:11] for line in lines] == ["kubeconfig-", "kubeconfig-", "viewer", ""]
    assert lines[0]["from"].startswith("127.0.0.1:")
    assert (lines[0]["time"], lines[0]["agent"]) == ("2026-01-01T00:00:00.000000Z", "tester")
    assert log.stat().st_mode & 0o777 == 0o600
    assert reader["token"] not in log.read_text()


async def test_a_session_is_found_at_the_root_and_its_objects_are_its_own(registry: Registry, tmp_path: Path) -> None:
    async with shared(registry, Settings(tmp_path, sessions_apart=True), Clock()) as server:
        for name in ("one", "two"):
            session = {**BODY, "metadata": {"name": name}}
            assert (await ask(server, "POST", SESSIONS, session))[0] == 201
            assert (await ask(server, "POST", f"/sessions/{name}/apis/tilt.dev/v1alpha1/cmds", CMD))[0] == 201
        assert (await ask(server, "POST", SESSIONS, BODY))[0] == 409
        _, made = await ask(server, "POST", SESSIONS, {**BODY, "metadata": {"generateName": "run-"}})
        names = [one["metadata"]["name"] for one in (await ask(server, "GET", SESSIONS))[1]["items"]]
        assert names == sorted(["one", made["metadata"]["name"], "two"])
        assert (await ask(server, "GET", f"{SESSIONS}/one"))[1] == (
            await ask(server, "GET", f"/sessions/one{SESSIONS}/one")
        )[1]
        assert (await ask(server, "GET", "/apis/tilt.dev/v1alpha1/cmds"))[1]["items"] == []
        assert (await ask(server, "POST", f"/sessions/one{SESSIONS}", {**BODY, "metadata": {"name": "x"}}))[0] == 400
        assert (await ask(server, "DELETE", f"{SESSIONS}/one"))[0] == 200
        assert (await ask(server, "DELETE", SESSIONS))[0] == 200
        assert (await ask(server, "GET", SESSIONS))[1]["items"] == []


async def test_beyond_loopback_there_is_https_only_and_only_under_its_names(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UnsafeBind, match=r"--secure-host 0\.0\.0\.0"):
        listen_on_loopback("0.0.0.0", 0)
    settings = Settings(tmp_path, secure_host="0.0.0.0", hosts=("farm.test",))
    async with shared(registry, settings, Clock()) as server:
        access = kubeconfig.read(server.kubeconfig)
        assert access.server.startswith("https://farm.test:")
        assert (await ask(server, "GET", SESSIONS))[0] == 200
        assert (await ask(server, "GET", SESSIONS, token=""))[0] == 401
        port = int(access.server.rpartition(":")[2])
        assert await anyio.to_thread.run_sync(_as_stranger, access, port, "farm.test") == 200
        assert await anyio.to_thread.run_sync(_as_stranger, access, port, "evil.test") == 403
        assert not (await anyio.to_thread.run_sync(_in_plain_text, port)).startswith(b"HTTP/1.1 200")


def _in_plain_text(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"GET /apis HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return plain.recv(100)
        except ConnectionError:
            return b""


def _as_stranger(access: kubeconfig.Access, port: int, host: str) -> int:
    tls = ssl.create_default_context(cadata=access.authority)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls, timeout=10)
    connection.request("GET", SESSIONS, headers={"Host": f"{host}:{port}", "Authorization": f"Bearer {access.token}"})
    status = connection.getresponse().status
    connection.close()
    return status
