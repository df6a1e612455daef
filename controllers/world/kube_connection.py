"""HTTP to a Kubernetes API server: JSON calls, streams and WebSockets, with the credentials of a kubeconfig."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import anyio
import orjson

from upright.client.heard_warnings import hear_headers
from upright.controllers.world.kube_library import library
from upright.controllers.world.kube_patience import retry_after
from upright.openapi.errors import APIError, ServiceUnavailable, Unauthorized, from_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from pathlib import Path

    import aiohttp
    from kubernetes_asyncio.client import ApiClient

    from upright.openapi.meta import Json

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
CALL_SECONDS = 60.0
CONNECT_SECONDS = 10.0
JSON = "application/json"


class KubeConnection:
    """An API server. Errors are those of ``upright.openapi.errors``; what cannot be reached is ServiceUnavailable."""

    def __init__(self, client: ApiClient, loader: Any) -> None:  # noqa: ANN401  reason: the library's loader is untyped
        self._client = client
        self._loader = loader
        self._renewing = anyio.Lock()
        self.server = str(client.configuration.host)

    @classmethod
    @asynccontextmanager
    async def open(cls, config_file: Path) -> AsyncGenerator[KubeConnection]:
        """Read the credentials (running a plugin for them if need be), and be ready to call."""
        used = library()
        used.forget_lost_files()
        configuration = used.configuration()
        configuration.connection_pool_maxsize = 0  # no limit: each watch and followed log holds a connection
        try:
            loader = await used.load_kube_config(
                str(config_file),
                client_configuration=configuration,
                persist_config=False,
                temp_file_path=str(config_file.parent / "kube-credentials"),
            )
            client = used.client(configuration)
        except Exception as error:
            raise ServiceUnavailable(f"the credentials of the kubeconfig cannot be used: {_words(error)}") from error
        try:
            yield cls(client, loader)
        finally:
            with anyio.CancelScope(shield=True):
                await client.close()

    async def call(
        self,
        method: Method,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        *,
        media: str = JSON,
        seconds: float = CALL_SECONDS,
    ) -> Json:
        """Return the answer's JSON."""
        timeout = _timeout(total=seconds)
        data = orjson.dumps(body) if body is not None else None
        for attempt in range(2):
            try:
                async with self._send(method, path, query, timeout, data=data, media=media) as response:
                    found: Json = orjson.loads(await response.read())
                    hear_headers(response.headers.getall("Warning", ()))
                    return found
            except Unauthorized:
                if attempt:
                    raise
                await self._renew()
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        silence_seconds: float | None,
        opening_seconds: float | None = None,
    ) -> AsyncGenerator[aiohttp.StreamReader]:
        """Open an answer that goes on; reading it raises ServiceUnavailable when nothing came for that long.

        ``opening_seconds``: until when it must begin, for answers that begin before there is anything to tell.
        """
        async with AsyncExitStack() as stack:
            with self._named(), anyio.fail_after(opening_seconds):
                sent = self._send("GET", path, query, _timeout(silence=silence_seconds))
                response = await stack.enter_async_context(sent)
            yield response.content

    @asynccontextmanager
    async def websocket(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket that speaks Kubernetes' channels."""
        headers = await self._headers(JSON)
        session = self._client.rest_client.pool_manager
        url = f"{self.server}{path}"
        with self._named():
            async with session.ws_connect(
                url,
                params=dict(query),
                headers=headers,
                protocols=("v4.channel.k8s.io",),
                proxy=self._client.configuration.proxy,
                server_hostname=self._client.configuration.tls_server_name,
                heartbeat=30,
                max_msg_size=0,
            ) as opened:
                yield opened

    @asynccontextmanager
    async def _send(
        self,
        method: Method,
        path: str,
        query: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  reason: several limits of aiohttp's, not one
        *,
        data: bytes | None = None,
        media: str = JSON,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        session = self._client.rest_client.pool_manager
        headers = await self._headers(media)
        configuration = self._client.configuration
        with self._named():
            async with session.request(
                method,
                f"{self.server}{path}",
                params=dict(query or {}),
                data=data,
                headers=headers,
                timeout=timeout,
                proxy=configuration.proxy,
                server_hostname=configuration.tls_server_name,
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.read(), retry_after(response.headers))
                yield response

    async def _headers(self, media: str) -> dict[str, str]:
        settings: dict[str, Any] = await self._client.configuration.auth_settings()
        headers = {"Accept": JSON, "Content-Type": media, "User-Agent": "upright"}
        token = settings.get("BearerToken")
        return headers | ({token["key"]: token["value"]} if token else {})

    async def _renew(self) -> None:
        """Get new credentials: tokens of plugins and files end."""
        async with self._renewing:
            self._loader.__dict__.pop("exec_plugin_expiry", None)
            library().forget_lost_files()
            with suppress(Exception):
                await self._loader.load_and_set(self._client.configuration)

    def _named(self) -> _Named:
        return _Named(self.server)


class _Named:
    """Turns what the HTTP library raises into ServiceUnavailable, in words."""

    def __init__(self, server: str) -> None:
        self._server = server

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, APIError):
            return
        import aiohttp  # noqa: PLC0415  reason: heavy, only where used

        if isinstance(error, aiohttp.WSServerHandshakeError):
            raise _refusal(error.status, b"") from error
        if isinstance(error, (aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, OSError)):
            raise ServiceUnavailable(f"{self._server} does not answer: {_words(error)}") from error


def _timeout(*, total: float | None = None, silence: float | None = None) -> aiohttp.ClientTimeout:
    import aiohttp  # noqa: PLC0415  reason: heavy, only where used

    return aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_SECONDS, sock_read=silence)


def _refusal(status: int, data: bytes, seconds: int = 0) -> APIError:
    """Return what the server says; ``seconds`` is when it may be asked again, where it says so beside its answer."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and body.get("kind") == "Status":
        error = from_status({"code": status, **body})
        if seconds:
            error.details.setdefault("retryAfterSeconds", seconds)
        return error
    text = " ".join(data[:500].decode("utf-8", "replace").split())
    details = {"retryAfterSeconds": seconds} if seconds else {}
    told = text or f"the cluster answered with HTTP status {status}"
    return from_status({"code": status, "message": told, "details": details})


def _words(error: BaseException) -> str:
    import aiohttp  # noqa: PLC0415  reason: heavy, only where used

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _cause(error.os_error)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return "it took too long"
    return _cause(error)


def _cause(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    strerror = getattr(error, "strerror", None)
    return " ".join(str(strerror or error).split()) or type(error).__name__


def lines(buffer: bytearray, data: bytes) -> Iterator[bytes]:
    """Add data to the buffer, and take the whole lines out of it."""
    buffer += data
    *whole, rest = buffer.split(b"\n")
    buffer[:] = rest
    for line in whole:
        if line:
            yield bytes(line)
