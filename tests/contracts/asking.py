"""Two servers to put the same calls to: ours, in this process, and the one of a kubeconfig."""

from __future__ import annotations

import base64
import ssl
import tempfile
from contextlib import asynccontextmanager
from functools import partial
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import yaml

from tests.apiserver.app.conftest import TOKENS, Caller
from tests.contracts.comparing import Answered
from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard
from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.node.scale import register_scale
from upright.openapi import apps_v1, batch_v1, core_v1, discovery_v1
from upright.openapi.scheme import discover
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from tests.contracts.comparing import Ask
    from tests.contracts.requests import Call


@asynccontextmanager
async def our_server(folder: Path) -> AsyncGenerator[Ask]:
    """Return how to ask our server, with the kinds of the embedded cluster and no controllers."""
    async with Store.open(str(folder / "oracle.db"), durable=False) as store:
        registry = Registry(discover(core_v1, apps_v1, batch_v1, discovery_v1), store, utc_now)
        subresources = Subresources()
        register_scale(subresources, Client(InProcess(registry)))
        front = Front(registry, Guard(TOKENS), subresources, now=utc_now, version="1.36.2")
        caller = Caller(front, subresources)

        async def ask(call: Call, body: bytes) -> Answered:
            answer = await caller.ask(call.method, call.path, body, content_type=call.content_type, accept=call.accept)
            warnings = tuple(value.decode() for name, value in answer.headers if name == b"warning")
            return Answered(answer.status, answer.body, warnings)

        yield ask


def real_server(kubeconfig: Path) -> Ask:
    """Return how to ask the server of a kubeconfig with a client certificate."""
    access: Any = yaml.safe_load(kubeconfig.read_text())
    cluster, user = access["clusters"][0]["cluster"], access["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as pem:
        pem.write(b"".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
        pem.flush()
        context.load_cert_chain(pem.name)
    host, _, port = cluster["server"].removeprefix("https://").partition(":")

    def answer(call: Call, body: bytes) -> Answered:
        connection = HTTPSConnection(host, int(port), context=context, timeout=30)
        try:
            headers = {"Accept": call.accept, "User-Agent": "oracle"}
            if body or call.method in {"POST", "PUT", "PATCH"}:
                headers["Content-Type"] = call.content_type
            connection.request(call.method, call.path, body or None, headers)
            got = connection.getresponse()
            return Answered(got.status, got.read(), tuple(_warnings(got.getheaders())))
        finally:
            connection.close()

    async def ask(call: Call, body: bytes) -> Answered:
        return await anyio.to_thread.run_sync(partial(answer, call, body))

    return ask


def _warnings(headers: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in headers:
        if name.lower() == "warning":
            yield value
