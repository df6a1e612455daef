"""The client's road to a server in another process: HTTPS with a token, as its kubeconfig says."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import anyio
import orjson

from upright.client.channels import PROTOCOLS, WebSocketConversation
from upright.client.transport import WatchEvent
from upright.client.trust import trusted
from upright.openapi.errors import InternalError, ServiceUnavailable, from_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from upright.client.kubeconfig import Access
    from upright.client.transport import Request
    from upright.openapi.meta import Json

PATIENCE_SECONDS = 60.0
"""So long a call waits for a server that is being started again."""
PAUSE_SECONDS = 0.25
CALL_SECONDS = 60.0
LONGEST_LINE_BYTES = 64 * 1024 * 1024

_METHODS = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
_PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_JSON = "application/json"


class OverHttp:
    """A Transport over HTTPS.

    A call that finds nobody listening waits for the server; one that is cut off midway raises ServiceUnavailable, for
    nobody knows whether it was done.
    """

    def __init__(self, session: aiohttp.ClientSession, server: str, patience: float) -> None:
        self._session = session
        self._server = server.rstrip("/")
        self._patience = patience

    @classmethod
    @asynccontextmanager
    async def open(
        cls, access: Access, *, patience: float = PATIENCE_SECONDS, agent: str = "upright"
    ) -> AsyncGenerator[OverHttp]:
        """Connect as the kubeconfig says; nothing is sent before the first call."""
        tls = trusted(access) if access.server.startswith("https") else False
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        headers = {"User-Agent": agent, "Accept": _JSON}
        headers |= {"Authorization": f"Bearer {access.token}"} if access.token else {}
        # anyio's own deadline, for aiohttp's needs a task of asyncio's around every call
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=timeout, read_bufsize=1 << 18
        ) as session:
            yield cls(session, access.server, patience)

    async def call(self, request: Request) -> Json:
        """Return the answer's JSON. Raises the errors of ``upright.openapi.errors``."""
        method = _METHODS[request.verb]
        body, headers = _body(request)
        until = anyio.current_time() + self._patience
        while True:
            try:
                with anyio.fail_after(CALL_SECONDS):
                    return await self._once(method, self._url(request), body, headers)
            except aiohttp.ClientConnectorCertificateError as error:  # which no waiting mends
                message = f"the API server at {self._server} is not trusted: {error.certificate_error}"
                raise ServiceUnavailable(message) from error
            except aiohttp.ClientConnectorError as error:
                if anyio.current_time() >= until:
                    raise ServiceUnavailable(f"the API server at {self._server} cannot be reached: {error}") from error
            except (aiohttp.ClientError, OSError) as error:
                if method != "GET" or anyio.current_time() >= until:
                    message = f"the API server at {self._server} went away before it answered: {error!r}"
                    raise ServiceUnavailable(message) from error
            await anyio.sleep(PAUSE_SECONDS)

    async def _once(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Json:
        async with self._session.request(method, url, data=body, headers=headers) as answer:
            return _decoded(answer.status, await answer.read())

    @asynccontextmanager
    async def watch(self, request: Request) -> AsyncGenerator[AsyncIterator[WatchEvent]]:
        """Open a watch; the iterator ends when the server closes it, and raises Gone when the past is forgotten."""
        try:
            async with self._session.get(self._url(request)) as answer:
                if answer.status != 200:
                    _decoded(answer.status, await answer.read())
                async with aclosing(_events(answer.content)) as events:
                    yield events
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnavailable(f"the watch of the API server at {self._server} broke: {error!r}") from error

    @asynccontextmanager
    async def lines(self, request: Request) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Open a text that may go on."""
        try:
            async with self._session.get(self._url(request), headers={"Accept": "text/plain, */*"}) as answer:
                if answer.status != 200:
                    _decoded(answer.status, await answer.read())
                async with aclosing(_lines(answer.content)) as lines:
                    yield lines
        except aiohttp.ClientError as error:
            raise ServiceUnavailable(f"the text of the API server at {self._server} broke off: {error!r}") from error

    @asynccontextmanager
    async def channels(self, request: Request) -> AsyncGenerator[WebSocketConversation]:
        """Open a WebSocket with Kubernetes' channels."""
        try:
            async with self._session.ws_connect(self._url(request), protocols=PROTOCOLS, max_msg_size=0) as socket:
                yield WebSocketConversation(socket)
        except aiohttp.WSServerHandshakeError as error:
            message = f"the API server refused to {request.subresource}: {error.status} {error.message}"
            raise from_status({"code": error.status, "message": message}) from error
        except aiohttp.ClientError as error:
            raise ServiceUnavailable(f"the API server at {self._server} cannot be talked to: {error!r}") from error

    def _url(self, request: Request) -> str:
        about = request.kind.definition
        parts = ["sessions", request.partition] if request.partition else []
        parts += ["apis", about.group, about.version] if about.group else ["api", about.version]
        parts += ["namespaces", request.namespace] if request.namespace and about.namespaced else []
        name = "" if request.verb == "create" else request.name
        parts += [about.plural, *(part for part in (name, request.subresource) if part)]
        asked = (*_query(request).items(), *request.query)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked)
        return f"{self._server}/{'/'.join(quote(part, safe='') for part in parts)}{'?' if query else ''}{query}"


def _query(request: Request) -> dict[str, str]:
    asked = {
        "labelSelector": request.label_selector,
        "fieldSelector": request.field_selector,
        "resourceVersion": request.resource_version,
        "continue": request.continue_,
        "fieldManager": request.field_manager,
        "limit": str(request.limit or ""),
        "timeoutSeconds": str(int(request.timeout_seconds)) if request.timeout_seconds else "",
        "force": "true" if request.force else "",
        "dryRun": "All" if request.dry_run else "",
        "watch": "1" if request.verb == "watch" else "",
        "allowWatchBookmarks": "1" if request.verb == "watch" else "",
    }
    return {name: value for name, value in asked.items() if value}


def _body(request: Request) -> tuple[bytes | None, dict[str, str]]:
    if request.verb in {"delete", "deletecollection"}:
        options: Json = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if request.propagation:
            options["propagationPolicy"] = request.propagation
        if request.grace_seconds is not None:
            options["gracePeriodSeconds"] = request.grace_seconds
        if request.uid:
            options["preconditions"] = {"uid": request.uid}
        return orjson.dumps(options), {"Content-Type": _JSON}
    if request.body is None:
        return None, {}
    media = _PATCHES[request.patch_type] if request.verb == "patch" else _JSON
    return orjson.dumps(request.body), {"Content-Type": media}


def _decoded(status: int, raw: bytes) -> Json:
    try:
        found: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InternalError(f"the answer ({status}) is not JSON: {raw[:200]!r}") from error
    if status >= 400:
        raise from_status(found if isinstance(found, dict) else {"code": status, "message": str(found)})
    answer: Json = found
    return answer


async def _events(content: aiohttp.StreamReader) -> AsyncGenerator[WatchEvent]:
    async for line in _lines(content):
        if line:
            event = orjson.loads(line)
            if event["type"] == "ERROR":
                raise from_status(event["object"])
            yield WatchEvent(event["type"], event["object"])


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes]:
    """Yield the lines that are whole; a last one without its line feed was torn, or is a text's end."""
    rest = bytearray()
    try:
        async for chunk in content.iter_any():
            rest += chunk
            if len(rest) > LONGEST_LINE_BYTES:
                raise InternalError("a line of the answer is larger than any object may be")
            if b"\n" not in chunk:
                continue
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                yield line
    except (aiohttp.ClientError, OSError) as error:
        raise ServiceUnavailable(f"the answer broke off: {error!r}") from error
