"""The one place where HTTP is spoken with a container engine."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import aiodocker
import aiohttp
import anyio
from yarl import URL

from upright.controllers.world.engine.errors import EngineError, EngineGone
from upright.controllers.world.engine.words import message_of, named

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

NEWEST_API = (1, 47)
"""The newest version of the API that this code was written against; older engines get their own."""

_FOREVER = aiohttp.ClientTimeout(total=None, sock_read=None)
_MAX_LINE_BYTES = 16 << 20


class Connection:
    """Requests to an engine, at an address as DOCKER_HOST would have it, or of a docker context. Use it as a context."""

    def __init__(self, address: str, docker_context: str = "") -> None:
        if address.startswith("fd://") or (address and "://" not in address):
            raise ValueError(f"{address!r} is no address: unix:///path, tcp://host:port or ssh://host is")
        self.docker = aiodocker.Docker(url=address or None, context=docker_context or None)
        self.address = address or self.docker._connection_info  # noqa: SLF001  reason: nothing else tells a context's address  # pyright: ignore[reportPrivateUsage]
        self.docker.connector._limit = 0  # noqa: SLF001  reason: no setter; each log that is followed holds a connection, 100 are not enough  # pyright: ignore[reportPrivateUsage]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.docker.close()

    async def introduced(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Agree on an API version, and return what the engine says of itself (``/version``) and of its machine (``/info``)."""
        about: dict[str, Any] = {}
        machine: dict[str, Any] = {}

        async def ask() -> None:
            machine.update(await self._asked("info"))

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                about.update(await self.negotiate())
        except ExceptionGroup as errors:  # of several the first says it
            raise errors.exceptions[0] from None
        return about, machine

    async def negotiate(self) -> dict[str, Any]:
        """Agree on an API version, and return what the engine says of itself (``/version``)."""
        answer = await self._asked("version")
        theirs = tuple(int(part) for part in str(answer["ApiVersion"]).split(".")[:2])
        self.docker.api_version = "v{}.{}".format(*min(theirs, NEWEST_API))
        return answer

    async def _asked(self, path: str) -> dict[str, Any]:
        """Return an answer that is the same in all versions of the API."""
        async with self._request("GET", URL(f"{self.docker.docker_host}/{path}")) as response:
            answer: dict[str, Any] = await _decoded(response)
            return answer

    async def call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: object = None
    ) -> Any:  # noqa: ANN401  reason: decoded JSON
        """Make a request and return the decoded answer, None if there is none."""
        async with self.stream(method, path, params=params, body=body) as response:
            return await _decoded(response)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Make a request and hand out the open answer. Bytes and byte iterators are sent as a tar, other bodies as JSON."""
        sent = dict(headers or {})
        if isinstance(body, bytes) or hasattr(body, "__aiter__"):
            sent["Content-Type"] = "application/x-tar"
        else:
            sent["Content-Type"] = "application/json"
            body = None if body is None else json.dumps(body).encode()
        url = URL(f"{self.docker.docker_host}/{self.docker.api_version}/{path}")
        async with self._request(method, url, params=_query(params or {}), data=body, headers=sent) as response:
            yield response

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        url: URL,
        *,
        params: Sequence[tuple[str, str]] = (),
        data: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        with gone():
            response = await self.docker.session.request(
                method, url, params=params, data=data, headers=headers, timeout=_FOREVER
            )
        async with response:
            if response.status >= 400:
                with gone():
                    content = await response.read()
                raise named(response.status, message_of(content, response.status))
            yield response


async def messages(response: aiohttp.ClientResponse) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the JSON messages of an answer, one a line, as they come."""
    async for line in lines(response):
        if line.strip():
            yield json.loads(line)


async def lines(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """Yield the lines of an answer as they come, without their line feed. Raises EngineGone when it breaks off."""
    pending = bytearray()
    while chunk := await read_some(response):
        pending += chunk
        if b"\n" in chunk:
            *complete, rest = pending.split(b"\n")
            pending = rest
            for line in complete:
                yield bytes(line)
        if len(pending) > _MAX_LINE_BYTES:
            raise EngineError("the container engine sends a line without an end")
    if pending:
        yield bytes(pending)


async def read_some(response: aiohttp.ClientResponse) -> bytes:
    """Return what has come of an answer, empty at its end. Raises EngineGone when it breaks off."""
    with gone():
        return await response.content.readany()


@contextmanager
def gone() -> Generator[None, None, None]:
    """Turn what a lost connection raises into EngineGone."""
    try:
        yield
    except (aiohttp.ClientError, OSError, aiodocker.DockerError) as error:
        raise EngineGone(f"the container engine does not answer: {error}") from error


async def _decoded(response: aiohttp.ClientResponse) -> Any:  # noqa: ANN401  reason: decoded JSON
    with gone():
        content = await response.read()
    if not content or "json" not in response.content_type:
        return None
    return json.loads(content)


def _query(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write the parameters as the API reads them: a tuple is repeated, lists and mappings are JSON, what is empty is left out."""
    written: list[tuple[str, str]] = []
    for name, value in params.items():
        if isinstance(value, bool | int):
            written.append((name, str(int(value))))
        elif isinstance(value, str):
            written += [(name, value)] if value else []
        elif isinstance(value, tuple):
            written += [(name, str(one)) for one in value]
        elif value:
            written.append((name, json.dumps(value)))
    return written
