"""Credentials of an OpenID Connect provider (``auth-provider: oidc``): the ID token, refreshed when it is over."""

from __future__ import annotations

import base64
import binascii
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import orjson

from upright.client.credentials import Secrets, SecretsFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from upright.openapi.meta import Json

CALL_SECONDS = 20.0
SKEW = timedelta(seconds=10)


class Oidc:
    """``refreshed`` is told the tokens before and the tokens now, by their names in the kubeconfig: they may hold once."""

    def __init__(
        self, config: Json, clock: Callable[[], datetime], refreshed: Callable[[Json, Json], None] | None = None
    ) -> None:
        self._config: dict[str, Any] = dict(config)
        self._clock = clock
        self._refreshed = refreshed

    async def secrets(self) -> Secrets:
        """Return the token that is there while it holds, else a new one."""
        token = str(self._config.get("id-token") or "")
        until = expiry(token)
        if not token or (until is not None and until - SKEW <= self._clock()):
            await self._refresh()
            token = str(self._config["id-token"])
            until = expiry(token)
        return Secrets(authorization=f"Bearer {token}", until=until)

    def forget(self) -> None:
        """Take the token for one that is over: the server does not know it."""
        if self._config.get("refresh-token"):
            self._config["id-token"] = ""

    async def _refresh(self) -> None:
        before = {name: self._config.get(name) for name in ("id-token", "refresh-token")}
        issuer = str(self._config.get("idp-issuer-url") or "").rstrip("/")
        if not self._config.get("refresh-token"):
            raise SecretsFailed(f"the ID token of {issuer} is over, and there is no refresh token: log in again")
        import aiohttp  # noqa: PLC0415  reason: heavy, only where used

        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        try:
            async with aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._trust()), timeout=timeout, trust_env=True
            ) as session:
                found = await self._asked(session, issuer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            told = " ".join(str(error).split()) or type(error).__name__
            raise SecretsFailed(f"the ID token of {issuer} is over, and asking for a new one failed: {told}") from error
        self._config["id-token"] = found["id_token"]
        self._config["refresh-token"] = found.get("refresh_token") or self._config["refresh-token"]
        if self._refreshed is not None:
            self._refreshed(before, {name: self._config[name] for name in before})

    async def _asked(self, session: aiohttp.ClientSession, issuer: str) -> Json:
        async with session.get(f"{issuer}/.well-known/openid-configuration", raise_for_status=True) as response:
            endpoint = str((await response.json(content_type=None))["token_endpoint"])
        who, secret = str(self._config.get("client-id") or ""), str(self._config.get("client-secret") or "")
        form = {"grant_type": "refresh_token", "refresh_token": self._config["refresh-token"], "client_id": who}
        pair = base64.b64encode(f"{quote_plus(who)}:{quote_plus(secret)}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"} if secret else {}
        async with session.post(endpoint, data=form, headers=headers) as response:
            found = await response.json(content_type=None)
        if not isinstance(found, dict) or not found.get("id_token"):
            why = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
            raise ValueError(f"{why or f'it answered {response.status} without an id_token'}; log in again")
        return found

    def _trust(self) -> ssl.SSLContext:
        data, file = self._config.get("idp-certificate-authority-data"), self._config.get("idp-certificate-authority")
        pem = base64.b64decode(str(data)).decode() if data else None
        return ssl.create_default_context(cafile=str(file) if file and not pem else None, cadata=pem)


def expiry(token: str) -> datetime | None:
    """Return until when a JWT holds; None if it does not say."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    seconds = claims.get("exp") if isinstance(claims, dict) else None
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, (int, float)) else None
