"""HTTP to a Kubernetes API server: JSON calls, streams and WebSockets, with the credentials of a kubeconfig."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal

import anyio
import orjson

from upright.client.credentials import SecretsFailed
from upright.client.heard_warnings import hear_headers
from upright.controllers.world.kube_library import library
from upright.controllers.world.kube_patience import retry_after
from upright.controllers.world.kube_tls import KubeTls
from upright.openapi.errors import APIError, ServiceUnavailable, Unauthorized, from_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
    from pathlib import Path

    import aiohttp
    from kubernetes_asyncio.client import ApiClient

    from upright.client.credentials import Secrets
    from upright.controllers.world.kube_user import KubeUser
    from upright.openapi.meta import Json

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
CALL_SECONDS = 60.0
CONNECT_SECONDS = 10.0
JSON = "application/json"
_NOBODY = "nobody"
_EXPIRED, _WRONG_NAMES = 10, frozenset({62, 64})
"""OpenSSL's numbers."""


class KubeConnection:
    """An API server. Errors are those of ``upright.openapi.errors``; what cannot be reached is ServiceUnavailable.

    ``date`` is the Date header of its last answer.
    """

    def __init__(self, client: ApiClient, user: KubeUser, tls: KubeTls) -> None:
        self._client = client
        self._user = user
        self._tls = tls
        self.server = str(client.configuration.host)
        self.date: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: Json, folder: Path, user: Callable[[Json, Json], KubeUser]
    ) -> AsyncGenerator[KubeConnection]:
        """Take the credentials of a kubeconfig of one context (running a plugin for them if need be), and be ready to call.

        ``folder`` is for what must be a file for a moment; ``user`` makes one of the entries of user and cluster.
        """
        cluster = config["clusters"][0]["cluster"]
        entry = config["users"][0]["user"] if config["users"] else {}
        used = library()
        configuration = used.configuration()
        configuration.connection_pool_maxsize = 0  # no limit: each watch and followed log holds a connection
        configuration.disable_strict_ssl_verification = True  # as Go: many a cluster's certificate says too little
        try:
            await used.load(_of_cluster_alone(config), configuration, folder / "kube-credentials")
            client = used.client(configuration)
            tls = KubeTls(folder, configuration.ssl_ca_cert, verify=configuration.verify_ssl)
        except Exception as error:
            raise ServiceUnavailable(f"the cluster of the kubeconfig cannot be used: {_words(error)}") from error
        try:
            connection = cls(client, user(entry, cluster), tls)
            await connection.usable(str(cluster.get("proxy-url") or ""))
            yield connection
        finally:
            with anyio.CancelScope(shield=True):
                await client.close()

    async def usable(self, proxy: str) -> None:
        """Raise ServiceUnavailable unless there are credentials, and a way, to call with."""
        if proxy and not proxy.startswith(("http://", "https://")):
            raise ServiceUnavailable(f"the proxy-url {proxy!r} of the kubeconfig is none of HTTP: use one with http://")
        await self._secrets()

    def why_refused(self) -> str:
        """Return why the server may not know us, as far as that can be told from here; empty if it cannot."""
        return self._user.why_refused()

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
            secrets = await self._secrets()
            try:
                headers = self._headers(media, secrets)
                async with self._send(method, path, query, timeout, data=data, headers=headers) as response:
                    found: Json = orjson.loads(await response.read())
                    self.date = response.headers.get("Date")
                    hear_headers(response.headers.getall("Warning", ()))
                    return found
            except Unauthorized:
                if attempt:
                    raise
                await self._renew(secrets)
        raise AssertionError("unreachable")

    async def check(self, path: str, seconds: float) -> None:
        """Have an answer, whatever it says; raises what is no success."""
        headers = self._headers(JSON, await self._secrets())
        async with self._send("GET", path, None, _timeout(total=seconds), headers=headers):
            return

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
                response = await self._opened(stack, path, query, _timeout(silence=silence_seconds))
            yield response.content

    async def _opened(
        self,
        stack: AsyncExitStack,
        path: str,
        query: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  reason: several limits of aiohttp's, not one
    ) -> aiohttp.ClientResponse:
        secrets = await self._secrets()
        try:
            sent = self._send("GET", path, query, timeout, headers=self._headers(JSON, secrets))
            return await stack.enter_async_context(sent)
        except Unauthorized:
            await self._renew(secrets)
        sent = self._send("GET", path, query, timeout, headers=self._headers(JSON, await self._secrets()))
        return await stack.enter_async_context(sent)

    @asynccontextmanager
    async def websocket(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket that speaks Kubernetes' channels."""
        headers = self._headers(JSON, await self._secrets())
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
                ssl=self._tls.context,
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
        headers: list[tuple[str, str]],
        data: bytes | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        session = self._client.rest_client.pool_manager
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
                ssl=self._tls.context,
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.read(), retry_after(response.headers))
                yield response

    def _headers(self, media: str, secrets: Secrets) -> list[tuple[str, str]]:
        headers = [("Accept", JSON), ("Content-Type", media), ("User-Agent", "upright")]
        if secrets.authorization:
            headers.append(("Authorization", secrets.authorization))
        for name, values in self._user.headers.items():
            headers += [(name, one) for one in ((values,) if isinstance(values, str) else values)]
        return headers

    async def _secrets(self) -> Secrets:
        try:
            secrets = await self._user.secrets()
            self._tls.hold(secrets)
        except SecretsFailed as error:
            raise ServiceUnavailable(f"there are no credentials for {self.server}: {error}") from error
        except (ssl.SSLError, OSError) as error:
            told = f"the client certificate and key for {self.server} cannot be used: {_cause(error)}"
            raise ServiceUnavailable(told) from error
        return secrets

    async def _renew(self, refused: Secrets) -> None:
        """Get new credentials, if there are any: tokens of plugins and files end. That there are none the server has said."""
        with suppress(SecretsFailed):
            await self._user.renew(refused)

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


def _of_cluster_alone(config: Json) -> Json:
    """Return the kubeconfig with a user who has no credentials: those we get ourselves."""
    contexts = [{**one, "context": {**one["context"], "user": _NOBODY}} for one in config["contexts"]]
    return {**config, "contexts": contexts, "users": [{"name": _NOBODY, "user": {}}]}


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
        return _mistrust(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _cause(error.os_error)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return "it took too long"
    return _cause(error)


def _mistrust(error: Exception) -> str:
    """Return why the server's certificate is not trusted, and what to do about it."""
    code = getattr(error, "verify_code", 0)
    told = " ".join(str(getattr(error, "verify_message", "") or error).split())
    what = "see certificate-authority of the cluster in the kubeconfig"
    if code in _WRONG_NAMES:
        what = "see tls-server-name of the cluster in the kubeconfig"
    if code == _EXPIRED:
        what = "the cluster needs a new one"
    return f"its certificate is not trusted: {told} ({what})"


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
