"""Serves what is read off the kinds: discovery, OpenAPI, and the version; each rendered once, when first asked for."""

from __future__ import annotations

import hashlib
import platform
from functools import partial
from typing import TYPE_CHECKING

import anyio.to_thread
import orjson

from upright.apiserver.app.exchange import JSON
from upright.apiserver.app.forms import wanted
from upright.openapi.documents import discovery
from upright.openapi.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.apiserver.app.exchange import Exchange
    from upright.apiserver.app.forms import Form
    from upright.openapi.documents.discovery import Aggregated
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

KUBERNETES_VERSION = ("1", "36")
"""The Kubernetes whose manners are kept; kubectl warns where it differs from its own by more than one."""

_OPENAPI = "openapi/"
_AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_FOR_EVER = (b"cache-control", b"public, immutable, max-age=31536000")


class Documents:
    """The documents of one scheme; ``version`` is the program's own."""

    def __init__(self, scheme: Scheme, version: str) -> None:
        self._scheme = scheme
        self._version = version
        self._rendered: dict[str, bytes] = {}
        self._plain: dict[str, Callable[[], Json]] = {
            "version": self._about,
            "api": lambda: discovery.api_versions(scheme),
            "apis": lambda: discovery.api_group_list(scheme),
        }
        for group, versions in discovery.group_versions(scheme).items():
            if group:
                self._plain[f"apis/{group}"] = partial(discovery.api_group, scheme, group)
            for one in versions:
                where = f"apis/{group}/{one}" if group else f"api/{one}"
                self._plain[where] = partial(discovery.api_resource_list, scheme, group, one)

    async def serve(self, exchange: Exchange, path: str) -> None:
        """Answer for a path without its slashes at the ends. Raises NotFound."""
        if path in {"api", "apis"}:
            form = wanted(exchange.header(b"accept"))
            if form.shape == "discovery":
                await self._aggregated(exchange, path, form)
                return
        if path in self._plain:
            await exchange.answer(self._once(path, self._plain[path]), headers=((b"vary", b"Accept"),))
        elif path.startswith(_OPENAPI):
            await self._openapi(exchange, path.removeprefix(_OPENAPI))
        else:
            raise NotFound("the server could not find the requested resource")

    async def _aggregated(self, exchange: Exchange, path: str, form: Form) -> None:
        version: Aggregated = "v2" if form.version == "v2" else "v2beta1"
        made = partial(discovery.aggregated, self._scheme, core=path == "api", version=version)
        body = self._once(f"{path} {version}", made)
        headers = ((b"etag", _etag(body)), (b"vary", b"Accept"))
        await _cached(exchange, body, _AGGREGATED_TYPE.format(version).encode(), headers)

    async def _openapi(self, exchange: Exchange, place: str) -> None:
        """Serve one OpenAPI document. It takes a moment to render, so a thread does that, once."""
        if place == "v2":
            wanted(exchange.header(b"accept"))
        name = _OPENAPI + place
        if name not in self._rendered:
            self._rendered[name] = await anyio.to_thread.run_sync(self._openapi_document, place)
        body = self._rendered[name]
        tag = _etag(body)
        hashed = exchange.one("hash") == tag.decode().strip('"')
        await _cached(exchange, body, JSON, ((b"etag", tag), *((_FOR_EVER,) if hashed else ())))

    def _openapi_document(self, place: str) -> bytes:
        from upright.openapi.documents import openapi_v2, openapi_v3  # noqa: PLC0415  reason: not before the first answer

        if place == "v2":
            return orjson.dumps(openapi_v2.document(self._scheme))
        documents = openapi_v3.documents(self._scheme)
        if place == "v3":
            hashes = {known: _digest(self._once(f"{_OPENAPI}v3/{known}", make)) for known, make in documents.items()}
            return orjson.dumps(openapi_v3.index(hashes))
        make = documents.get(place.removeprefix("v3/"))
        if make is None:
            raise NotFound(f"there is no OpenAPI document {place[:100]}: /openapi/v3 lists them")
        return orjson.dumps(make())

    def _once(self, name: str, make: Callable[[], Json]) -> bytes:
        if name not in self._rendered:
            self._rendered[name] = orjson.dumps(make())
        return self._rendered[name]

    def _about(self) -> Json:
        major, minor = KUBERNETES_VERSION
        return {
            "major": major,
            "minor": minor,
            "gitVersion": f"v{major}.{minor}.0+upright-{self._version}",
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": f"{platform.python_implementation()} {platform.python_version()}",
            "compiler": platform.python_implementation().lower(),
            "platform": "linux/amd64" if platform.machine() == "x86_64" else f"linux/{platform.machine()}",
        }


async def _cached(
    exchange: Exchange, body: bytes, content_type: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """Answer 304 to a client that has this very document."""
    known = exchange.headers.get(b"if-none-match", b"")
    if known and known in {value for name, value in headers if name == b"etag"}:
        await exchange.answer(b"", 304, content_type, headers)
    else:
        await exchange.answer(body, 200, content_type, headers)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest().upper()


def _etag(body: bytes) -> bytes:
    return f'"{_digest(body)}"'.encode()
