"""The user of a kubeconfig's context: what is sent with each call, renewed before it is over and when it is not known."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.client.credential_plugin import Plugin
from upright.client.credentials import Secrets, SecretsFailed, SecretsSource
from upright.controllers.world.kube_oidc import Oidc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.openapi.meta import Json

SKEW = timedelta(seconds=10)
FILE_SECONDS = 60.0
"""How long the token of a file is taken for the one that is in it."""
_REMOVED = {
    "gcp": "gke-gcloud-auth-plugin (`gcloud container clusters get-credentials` writes it into the kubeconfig)",
    "azure": "kubelogin (`kubelogin convert-kubeconfig` writes it into the kubeconfig)",
}


class KubeUser:
    """``user`` and ``cluster`` are entries of a kubeconfig whose paths are whole."""

    def __init__(
        self,
        user: Json,
        cluster: Json,
        clock: Callable[[], datetime],
        environ: Mapping[str, str],
        refreshed: Callable[[Json, Json], None] | None = None,
    ) -> None:
        self._user = user
        self._clock = clock
        self._lock = anyio.Lock()
        self._secrets: Secrets | None = None
        self._source = _source(user, cluster, clock, environ, refreshed)
        self._impersonated = impersonation(user)

    async def secrets(self) -> Secrets:
        """Return what holds now. Raises SecretsFailed."""
        async with self._lock:
            now = self._clock()
            if self._secrets is None or (self._secrets.until is not None and self._secrets.until - SKEW <= now):
                self._secrets = await self._source.secrets()
            return self._secrets

    async def renew(self, refused: Secrets) -> None:
        """Get others than those that the server did not take."""
        async with self._lock:
            if self._secrets == refused:
                if isinstance(self._source, Oidc):
                    self._source.forget()
                self._secrets = await self._source.secrets()

    @property
    def headers(self) -> Mapping[str, str | tuple[str, ...]]:
        """Who we want to be taken for."""
        return self._impersonated

    def why_refused(self) -> str:
        """Return why the server may not know us, as far as that can be told from here; empty if it cannot."""
        pem = _pem(self._user, "client-certificate")
        if not pem:
            return ""
        from cryptography import x509  # noqa: PLC0415  reason: heavy, only where something went wrong

        try:
            until = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
        except ValueError:
            return "the client certificate of the kubeconfig is none"
        if until <= self._clock():
            return f"the client certificate of the kubeconfig is over since {until:%Y-%m-%d %H:%M} UTC"
        return ""


class _Fixed:
    """A token, or a name and a password, and a certificate of the kubeconfig itself."""

    def __init__(self, user: Json) -> None:
        self._user = user

    async def secrets(self) -> Secrets:
        user, header = self._user, ""
        if user.get("token"):
            header = f"Bearer {user['token']}"
        elif user.get("username") or user.get("password"):
            pair = f"{user.get('username') or ''}:{user.get('password') or ''}"
            header = f"Basic {base64.b64encode(pair.encode()).decode()}"
        certificate, key = _pem(user, "client-certificate"), _pem(user, "client-key")
        return Secrets(header, certificate, key)


class _TokenFile:
    """A token that somebody writes to a file, and writes anew before it is over, as in a pod."""

    def __init__(self, user: Json, clock: Callable[[], datetime]) -> None:
        self._user = user
        self._clock = clock

    async def secrets(self) -> Secrets:
        fixed = await _Fixed(self._user).secrets()
        path = anyio.Path(str(self._user["tokenFile"]))
        try:
            token = (await path.read_text(encoding="ascii")).strip()
        except (OSError, UnicodeDecodeError) as error:
            if fixed.authorization:
                return fixed
            raise SecretsFailed(f"the token of the kubeconfig cannot be read: {error}") from error
        until = self._clock() + timedelta(seconds=FILE_SECONDS)
        return Secrets(f"Bearer {token}", fixed.certificate, fixed.key, until)


def _source(
    user: Json,
    cluster: Json,
    clock: Callable[[], datetime],
    environ: Mapping[str, str],
    refreshed: Callable[[Json, Json], None] | None,
) -> SecretsSource:
    """Return where the user's secrets come from; a token in the kubeconfig outweighs programs and providers."""
    provider: Json = user.get("auth-provider") or {}
    if user.get("tokenFile"):
        return _TokenFile(user, clock)
    if user.get("token") or user.get("username"):
        return _Fixed(user)
    if isinstance(user.get("exec"), dict):
        return Plugin(user["exec"], cluster, environ)
    if provider.get("name") == "oidc":
        return Oidc(provider.get("config") or {}, clock, refreshed)
    if provider:
        name = str(provider.get("name"))
        instead = _REMOVED.get(name, "a plugin (exec)")
        return _Refused(f"the auth-provider {name!r} is one that Kubernetes knows no more: use {instead}")
    return _Fixed(user)


class _Refused:
    def __init__(self, why: str) -> None:
        self._why = why

    async def secrets(self) -> Secrets:
        raise SecretsFailed(self._why)


def impersonation(user: Json) -> dict[str, str | tuple[str, ...]]:
    """Return the headers for ``as`` and what belongs to it."""
    if not user.get("as"):
        return {}
    found: dict[str, str | tuple[str, ...]] = {"Impersonate-User": str(user["as"])}
    if user.get("as-uid"):
        found["Impersonate-Uid"] = str(user["as-uid"])
    if user.get("as-groups"):
        found["Impersonate-Group"] = tuple(map(str, user["as-groups"]))
    for name, values in (user.get("as-user-extra") or {}).items():
        found[f"Impersonate-Extra-{name}"] = tuple(map(str, values))
    return found


def _pem(user: Json, name: str) -> str:
    """Return the PEM of the user's certificate or key; raises SecretsFailed."""
    try:
        if data := user.get(f"{name}-data"):
            return base64.b64decode("".join(str(data).split()), validate=True).decode("ascii")
        if file := user.get(name):
            return Path(str(file)).read_text("ascii")
    except (OSError, ValueError) as error:
        raise SecretsFailed(f"{name} of the kubeconfig cannot be read: {error}") from error
    return ""
