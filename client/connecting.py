"""How a program finds a server of ours, and connects to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from upright.client import kubeconfig
from upright.client.cli import discovery
from upright.client.cli.troubles import CannotTell
from upright.client.credentials import SecretsFailed
from upright.client.kubeconfig import Access
from upright.client.over_http import OverHttp
from upright.openapi.errors import ServiceUnavailable, Unauthorized

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from upright.client.client import Client
    from upright.client.contexts import Way

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@asynccontextmanager
async def connected(
    made: type[Client], access: Access, *, patience: float, session: str = ""
) -> AsyncGenerator[Client]:
    """Hold a connection; nothing is sent before the first call."""
    async with OverHttp.open(access, patience=patience, agent="upright-client") as transport:
        yield made(transport, partition=session)


@asynccontextmanager
async def connected_by(made: type[Client], way: Way, *, patience: float) -> AsyncGenerator[Client]:
    """Hold a connection by a kubeconfig, whose plugin is asked once: who stays longer than its token holds connects again."""
    access = way.access
    if way.plugin is not None:
        try:
            secrets = await way.plugin.secrets()
        except SecretsFailed as error:
            raise Unauthorized(str(error)) from error
        token = secrets.authorization.removeprefix("Bearer ")
        own = (access.certificate, access.key)
        certificate, key = (secrets.certificate, secrets.key) if secrets.certificate else own
        access = access._replace(token=token, certificate=certificate, key=key)
    async with connected(made, access, patience=patience) as client:
        yield client


def access_to(url: str, token: str, authority: str) -> Access:
    """Return how to reach the server of a URL, or the one that runs here. Raises ServiceUnavailable, Unauthorized."""
    if not url:
        return _published(_here())
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError(f'"{url}" is no address of a server: it is like http://localhost:10350 or https://HOST:PORT')
    if token:
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise Unauthorized(f"a token is not sent to {address.hostname} in the clear: say https")
        return Access(url, authority, token)
    for server in discovery.running():
        if server.port == address.port and address.hostname in {server.host, *_LOOPBACK}:
            return _published(server)
    raise Unauthorized(f"nothing that this user runs answers at {url}: say its token")


def _here() -> discovery.Server:
    try:
        return discovery.choose(discovery.running(), Path.cwd())
    except CannotTell as error:
        said = str(error).replace("where it is with --port", "its URL").replace("--port or UPRIGHT_PORT", "its URL")
        raise ServiceUnavailable(said) from error


def _published(server: discovery.Server) -> Access:
    try:
        return kubeconfig.read(Path(server.kubeconfig))
    except (OSError, ValueError) as error:
        raise ServiceUnavailable(f"the token of the server at {server.url} cannot be read: {error}") from error
