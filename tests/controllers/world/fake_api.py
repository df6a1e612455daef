"""An HTTPS server that says who called it: with which header, which client certificate, through which name."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

NOW = datetime.fromtimestamp(1_790_000_000, UTC)
"""What the clock of these tests says; the certificates hold by the machine's."""
_FAR = timedelta(days=20_000)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """A CA, and what it signs."""

    name: str = "ca"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> str:
        known = x509.BasicConstraints(ca=True, path_length=0)
        return self._signed(self.name, self.key, NOW + _FAR, [(known, True)])

    def certified(self, name: str, *hosts: str, until: datetime = NOW + _FAR) -> tuple[str, str]:
        """Return a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in hosts
        ]
        certificate = self._signed(name, key, until, [(x509.SubjectAlternativeName(names), False)] if names else [])
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate, pem.decode()

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, until: datetime, more: list[tuple[Any, bool]]) -> str:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - _FAR)
            .not_valid_after(until)
        )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class FakeApi:
    """``takes`` are the Authorization headers that are let in (none: all); ``heard`` are the headers of each call."""

    port: int = 0
    takes: set[str] = field(default_factory=set[str])
    heard: list[dict[str, list[str]]] = field(default_factory=list[dict[str, list[str]]])
    certificates: list[str] = field(default_factory=list[str])
    pages: dict[str, Any] = field(default_factory=dict[str, Any])
    forms: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append({name: request.headers.getall(name) for name in set(request.headers)})
        peer = request.get_extra_info("peercert")
        self.certificates.append(peer["subject"][0][0][1] if peer else "")
        if request.method == "POST":
            self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        if request.path in self.pages:
            return web.json_response(self.pages[request.path])
        if self.takes and request.headers.get("Authorization") not in self.takes:
            status = {"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}
            return web.json_response(status, status=401)
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.36.2"})
        if request.path == "/api/v1/nodes":
            return web.json_response({"items": [{"metadata": {"labels": {"kubernetes.io/arch": "arm64"}}}]})
        return web.json_response({"kind": "Status", "code": 404, "reason": "NotFound"}, status=404)


@asynccontextmanager
async def fake_api(
    folder: Path, authority: Authority, *hosts: str, asks: Authority | None = None, until: datetime = NOW + _FAR
) -> AsyncGenerator[FakeApi]:
    """Serve on a port of this machine; ``asks`` is the CA of the client certificates that it wants."""
    chain = folder / f"{authority.name}-server.pem"
    chain.write_text("".join(authority.certified("server", *(hosts or ("127.0.0.1",)), until=until)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    if asks is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=asks.pem)
    api = FakeApi()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        api.port = runner.addresses[0][1]
        yield api
    finally:
        await runner.cleanup()


def kubeconfig(folder: Path, port: int, authority: Authority | None, user: object, **cluster: object) -> Path:
    """Write a kubeconfig that leads to the port."""
    trust = {"certificate-authority-data": encoded(authority.pem)} if authority is not None else {}
    path = folder / "config"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "there",
                "contexts": [{"name": "there", "context": {"cluster": "there", "user": "me"}}],
                "clusters": [{"name": "there", "cluster": {"server": f"https://127.0.0.1:{port}", **trust, **cluster}}],
                "users": [{"name": "me", "user": user}],
            }
        )
    )
    return path


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
