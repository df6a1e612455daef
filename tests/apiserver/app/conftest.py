"""The HTTP face called in process: a scope goes in, messages come out, no sockets and no framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import orjson
import pytest

from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard, Tokens
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.apiserver.registry import Registry

NOW = datetime(2026, 1, 2, 3, 4, 10, tzinfo=UTC)
TOKENS = Tokens("reader-token", "admin-token")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401  reason: a decoded document
        return orjson.loads(self.body)

    def header(self, name: str) -> str:
        return next((value.decode() for key, value in self.headers if key.decode() == name), "")


@dataclass
class Call:
    """One request to the app, whose answer may be read while it is still going on."""

    front: Front
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    scheme: str = "http"
    client: str = "127.0.0.1"
    buffer: int = 1000
    aborted: bool = False
    more: bool = False

    def __post_init__(self) -> None:
        self._hung_up = anyio.Event()
        self._asked = False
        self._sent, self._messages = anyio.create_memory_object_stream[Any](self.buffer)
        self._rest = b""

    async def run(self) -> None:
        """Let the app answer."""
        path, _, query = self.path.partition("?")
        held = {"host": "localhost:10350", **self.headers}
        scope = {
            "type": "http",
            "method": self.method,
            "scheme": self.scheme,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(key.encode(), value.encode("latin-1")) for key, value in held.items()],
            "server": ("127.0.0.1", 10350),
            "client": (self.client, 1),
            "extensions": {"upright.abort": self._abort},
        }
        try:
            with self._sent:
                await self.front(scope, self._receive, self._send)
        finally:
            if self._hung_up.is_set():
                self._messages.close()

    async def _send(self, message: Any) -> None:  # noqa: ANN401  reason: as ASGI has it
        if not self._hung_up.is_set():
            await self._sent.send(message)

    def _abort(self) -> None:
        self.aborted = True
        self._hung_up.set()

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": self.more}
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    def hang_up(self) -> None:
        """Be gone."""
        self._hung_up.set()

    async def answer(self) -> Answer:
        """Return the whole answer, once it has ended."""
        with self._messages:
            start = await self._messages.receive()
            body = b"".join([message["body"] async for message in self._messages])
        return Answer(start["status"], start["headers"], body)

    async def begun(self) -> Answer:
        """Return the head of the answer."""
        start = await self._messages.receive()
        return Answer(start["status"], start["headers"], b"")

    async def line(self) -> str:
        """Return the next line of the answer that has begun; nothing at its end."""
        while b"\n" not in self._rest:
            try:
                self._rest += (await self._messages.receive())["body"]
            except (anyio.EndOfStream, anyio.ClosedResourceError):
                self._messages.close()
                return ""
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    async def event(self) -> Any:  # noqa: ANN401  reason: a decoded document
        """Return the next line, decoded."""
        return orjson.loads(await self.line())


@dataclass
class Caller:
    """Makes calls, as admin unless told otherwise."""

    front: Front
    subresources: Subresources
    buffer: int = 1000

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        scheme: str = "http",
        token: str = "admin-token",
        **headers: str,
    ) -> Call:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if token:
            named.setdefault("authorization", f"Bearer {token}")
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return Call(self.front, method, path, data, named, scheme, buffer=self.buffer)

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str = "admin-token", **headers: str
    ) -> Answer:
        call = self.call(method, path, body, token=token, **headers)
        with anyio.fail_after(10):
            await call.run()
        return await call.answer()


@pytest.fixture
def caller(registry: Registry) -> Caller:
    subresources = Subresources()
    front = Front(registry, Guard(TOKENS), subresources, now=lambda: NOW, version="1.2.3")
    return Caller(front, subresources)


@pytest.fixture
def session() -> Callable[..., dict[str, Any]]:
    def make(name: str = "one", **metadata: object) -> dict[str, Any]:
        return {
            "apiVersion": "tilt.dev/v1alpha1",
            "kind": "Session",
            "metadata": {"name": name, **metadata},
            "spec": {"tiltfilePath": "/p/Tiltfile"},
        }

    return make
