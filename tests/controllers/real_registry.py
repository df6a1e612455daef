"""Debian's docker-registry in the network of a container engine: with users, with TLS, on a disk of any size."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.leftovers import pause
from upright.controllers.node.network import Network

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

USER, PASSWORD = "me", "s3cret"


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that runs; ``repositories`` is where it keeps what is pushed."""

    address: str
    repositories: Path

    def tags(self, repository: str) -> set[str]:
        """Return the tags that it has of a repository."""
        return {one.name for one in (self.repositories / repository / "_manifests/tags").glob("*")}


@contextmanager
def docker_registry(
    folder: Path, namespace: str, *, host: str = "127.0.0.1", users: bool = False, tls: bool = False, port: int = 0
) -> Generator[Registry]:
    """Run a registry in a network namespace, where a private engine finds it."""
    if not (shutil.which("docker-registry") and shutil.which("htpasswd") and shutil.which("openssl")):
        pytest.skip("apt-get install docker-registry apache2-utils openssl")
    folder.mkdir(exist_ok=True)
    config = folder / "config.yml"
    address = f"{host}:{port or _free_port(namespace, host)}"
    config.write_text(json.dumps(_config(folder, address, users=users, tls=tls)))
    argv = ["nsenter", f"--net={namespace}"] if namespace else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*argv, "docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait(namespace, address)
        yield Registry(address, folder / "data/docker/registry/v2/repositories")
    finally:
        process.kill()
        process.wait()


def docker_config(folder: Path, address: str = "", user: str = f"{USER}:{PASSWORD}") -> dict[str, str]:
    """Return an environment in which somebody is logged in at the address, or nobody."""
    folder.mkdir(exist_ok=True)
    auths = {address: {"auth": base64.b64encode(user.encode()).decode()}} if address else {}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return {"DOCKER_CONFIG": str(folder), "PATH": os.environ["PATH"]}


def _config(folder: Path, address: str, *, users: bool, tls: bool) -> dict[str, object]:
    (folder / "data").mkdir(exist_ok=True)
    http: dict[str, object] = {"addr": address}
    made: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": http,
    }
    if users:
        lines = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True).stdout
        (folder / "users").write_bytes(lines)
        made["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "users")}}
    if tls:
        name, host = folder / "certificate", address.partition(":")[0]
        command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:{host}"
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
        subprocess.run([*command.split(), *files], check=True, capture_output=True)
        http["tls"] = {"certificate": f"{name}.crt", "key": f"{name}.key"}
    return made


def _free_port(namespace: str, host: str) -> int:
    with Network(namespace).entered(), socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(namespace: str, address: str) -> None:
    """Return when it answers."""
    host, _, port = address.partition(":")
    for _ in range(200):
        with Network(namespace).entered():
            probe = socket.socket()
        with probe:
            probe.settimeout(5)
            if probe.connect_ex((host, int(port))) == 0:
                return
        pause()
    raise AssertionError(f"docker-registry does not listen on {address}")
