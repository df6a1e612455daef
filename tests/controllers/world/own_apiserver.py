"""A real kube-apiserver of the test's own, with its etcd, that can be killed and started again: from $UPRIGHT_TEST_KUBE_BIN."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import urllib.request
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.controllers.world.fake_api import Authority, kubeconfig

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

TOKEN = "let-me-in"
READY_SECONDS = 60


@dataclass
class OwnApiserver:
    """``port`` stays the same over restarts."""

    folder: Path
    programs: Path
    port: int
    etcd_port: int
    authority: Authority = field(default_factory=Authority)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, "subprocess.Popen[bytes]"])

    @property
    def kubeconfig(self) -> Path:
        return kubeconfig(self.folder, self.port, self.authority, {"token": TOKEN})

    def prepare(self) -> None:
        """Write what the server is started with."""
        certificate, key = self.authority.certified("apiserver", "127.0.0.1")
        (self.folder / "server.crt").write_text(certificate)
        (self.folder / "server.key").write_text(key)
        (self.folder / "ca.crt").write_text(self.authority.pem)
        (self.folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
        account = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = account.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        (self.folder / "sa.key").write_bytes(pem)

    def start_etcd(self) -> None:
        peer = free_port()
        url, peers = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{peer}"
        arguments = [f"--listen-client-urls={url}", f"--advertise-client-urls={url}", f"--listen-peer-urls={peers}"]
        arguments += [f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=default={peers}"]
        self._start("etcd", [*arguments, f"--data-dir={self.folder}/etcd", "--unsafe-no-fsync"])

    def start(self) -> None:
        """Start the server; it is ready when ``ready`` returns."""
        at = self.folder
        self._start(
            "kube-apiserver",
            [
                f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
                f"--secure-port={self.port}",
                "--bind-address=127.0.0.1",
                f"--tls-cert-file={at}/server.crt",
                f"--tls-private-key-file={at}/server.key",
                f"--token-auth-file={at}/tokens.csv",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={at}/sa.key",
                f"--service-account-signing-key-file={at}/sa.key",
                "--disable-admission-plugins=ServiceAccount",
                "--service-cluster-ip-range=10.99.0.0/24",
                f"--cert-dir={at}/certs",
                "--shutdown-delay-duration=0s",
            ],
        )

    def kill(self) -> None:
        """Kill the server as a machine does that loses its power; etcd stays."""
        process = self._running.pop("kube-apiserver")
        process.kill()
        process.wait()

    async def ready(self) -> None:
        """Wait until the server serves."""
        with anyio.fail_after(READY_SECONDS):
            while not await anyio.to_thread.run_sync(self._is_ready):
                await anyio.to_thread.run_sync(threading.Event().wait, 0.2)

    def stop(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        import ssl  # noqa: PLC0415  reason: only here

        context = ssl.create_default_context(cadata=self.authority.pem)
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/readyz")
        request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            with urllib.request.urlopen(request, context=context, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _start(self, name: str, arguments: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen([self.programs / name, *arguments], stdout=log, stderr=log)


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@asynccontextmanager
async def own_apiserver(folder: Path) -> AsyncGenerator[OwnApiserver]:
    """Run one until the context is left; skips the test where there is no program for it."""
    programs = os.environ.get("UPRIGHT_TEST_KUBE_BIN", "")
    if not programs:
        pytest.skip("no UPRIGHT_TEST_KUBE_BIN, a folder with kube-apiserver and etcd")
    server = OwnApiserver(folder, Path(programs), free_port(), free_port())
    try:
        server.prepare()
        server.start_etcd()
        server.start()
        await server.ready()
        yield server
    finally:
        server.stop()
