"""Credentials of a program that the kubeconfig names (``exec``): run as kubectl runs it, and read as it answers."""

from __future__ import annotations

import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import orjson

from upright.client.credentials import Secrets, SecretsFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import Process

    from upright.openapi.meta import Json

PLUGIN_SECONDS = 60.0
SAID_LETTERS = 500
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_SETTINGS = "client.authentication.k8s.io/exec"
"""The extension of a cluster's entry that is meant for plugins."""


class Plugin:
    """The program of a user's entry; ``cluster`` is the entry of the cluster that it is to log in to."""

    def __init__(self, said: Json, cluster: Json, environ: Mapping[str, str]) -> None:
        self._said = said
        self._cluster = cluster
        self._environ = environ
        self._command = str(said.get("command") or "")

    async def secrets(self) -> Secrets:
        """Run it. Raises SecretsFailed, which says what to do."""
        version = str(self._said.get("apiVersion") or "")
        if version not in _VERSIONS:
            raise SecretsFailed(
                f"the plugin {self._command!r} speaks {version or 'no version'}: {_VERSIONS[0]} is known"
            )
        if self._said.get("interactiveMode") == "Always" and not sys.stdin.isatty():
            raise SecretsFailed(f"the plugin {self._command!r} asks questions, and there is no terminal to answer at")
        out, err = bytearray(), bytearray()
        code = -1
        with anyio.move_on_after(PLUGIN_SECONDS) as limit:
            code = await self._run(out, err, version)
        told = self._told(err)
        if limit.cancelled_caught:
            raise SecretsFailed(f"the plugin {self._command!r} did not answer within {PLUGIN_SECONDS:g} s{told}")
        if code:
            raise SecretsFailed(f"the plugin {self._command!r} ended with exit code {code}{told}")
        return self._read(bytes(out), version)

    async def _run(self, out: bytearray, err: bytearray, version: str) -> int:
        pairs = {str(one["name"]): str(one["value"]) for one in self._said.get("env") or ()}
        asked = orjson.dumps(self._question(version)).decode()
        environ = {**self._environ, **pairs, "KUBERNETES_EXEC_INFO": asked}
        line = [self._command, *(str(one) for one in self._said.get("args") or ())]
        asks = self._said.get("interactiveMode") == "Always"
        try:
            process = await anyio.open_process(
                line, stdin=None if asks else DEVNULL, env=environ, start_new_session=not asks
            )
        except OSError as error:
            hint = str(self._said.get("installHint") or "").strip()
            why = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be run: {error.strerror}"
            raise SecretsFailed(
                f"the plugin {self._command!r} {why}. {hint or 'Install it, or have it in PATH'}"
            ) from error
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_collect, process.stdout, out)
                group.start_soon(_collect, process.stderr, err)
            return await process.wait()
        finally:
            _end(process)
            with anyio.CancelScope(shield=True):
                await process.aclose()

    def _question(self, version: str) -> Json:
        spec: dict[str, Any] = {"interactive": self._said.get("interactiveMode") == "Always"}
        if self._said.get("provideClusterInfo"):
            spec["cluster"] = _about(self._cluster)
        return {"kind": "ExecCredential", "apiVersion": version, "spec": spec}

    def _told(self, err: bytearray) -> str:
        text = " ".join(err.decode("utf-8", "replace").split())
        hint = str(self._said.get("installHint") or "").strip() if not text else ""
        return f": {text[-SAID_LETTERS:]}" if text else f". {hint}" if hint else ""

    def _read(self, data: bytes, version: str) -> Secrets:
        try:
            found = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise SecretsFailed(f"the plugin {self._command!r} did not answer in JSON: {error}") from error
        status = found.get("status") if isinstance(found, dict) else None
        if not isinstance(status, dict) or found.get("apiVersion") != version:
            raise SecretsFailed(f"the plugin {self._command!r} did not answer with an ExecCredential of {version}")
        token = str(status.get("token") or "")
        certificate, key = str(status.get("clientCertificateData") or ""), str(status.get("clientKeyData") or "")
        if bool(certificate) != bool(key) or not (token or certificate):
            raise SecretsFailed(
                f"the plugin {self._command!r} answered with neither a token nor a certificate and its key"
            )
        return Secrets(
            authorization=f"Bearer {token}" if token else "",
            certificate=certificate,
            key=key,
            until=_time(status.get("expirationTimestamp")),
        )


async def _collect(stream: Any, into: bytearray) -> None:  # noqa: ANN401  reason: a stream of bytes, or None
    async for data in stream:
        into += data


def _end(process: Process) -> None:
    """End the process and what it started, if any of that still runs."""
    with suppress(ProcessLookupError, PermissionError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        elif process.returncode is None:
            process.kill()


def _about(cluster: Json) -> Json:
    """Return the cluster as a plugin is told of it."""
    names = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    about: dict[str, Any] = {name: cluster[name] for name in names if cluster.get(name)}
    if cluster.get("certificate-authority") and "certificate-authority-data" not in about:
        import base64  # noqa: PLC0415  reason: rarely needed

        about["certificate-authority-data"] = base64.b64encode(
            Path(cluster["certificate-authority"]).read_bytes()
        ).decode()
    settings = [one["extension"] for one in cluster.get("extensions") or () if one.get("name") == _SETTINGS]
    return about | ({"config": settings[0]} if settings else {})


def _time(said: object) -> datetime | None:
    if not said:
        return None
    try:
        return datetime.fromisoformat(str(said))
    except ValueError as error:
        raise SecretsFailed(f"the plugin's expirationTimestamp is no time: {said}") from error
