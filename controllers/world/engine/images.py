"""Images through the Docker Engine API."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from upright.controllers.world.engine.connection import messages
from upright.controllers.world.engine.errors import EngineError
from upright.controllers.world.engine.protocol import Image, Progress
from upright.controllers.world.engine.words import named, pull_error, push_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import aiohttp

    from upright.controllers.world.engine.connection import Connection
    from upright.controllers.world.engine.protocol import EngineInfo, Labels, RegistryAuth

_LOCALHOST = re.compile(r"(localhost|127\.[\d.]+|\[::1\])(:\d+)?/")
_PODMAN_PULL = "../v4.0.0/libpod/images/pull"
_NO_TAG = "<none>:<none>"


class Images:
    """See ``Engine``: what concerns images, builds aside."""

    def __init__(self, connection: Connection, info: EngineInfo) -> None:
        self._connection = connection
        self._info = info

    async def image(self, reference: str) -> Image:
        return _image(await self._connection.call("GET", f"images/{_path(reference)}/json"))

    async def tag(self, image: str, reference: str) -> None:
        repository, tag = split_reference(reference)
        params = {"repo": repository, "tag": tag}
        await self._connection.call("POST", f"images/{_path(image)}/tag", params=params)

    async def pull(
        self,
        reference: str,
        *,
        auth: RegistryAuth | None = None,
        platform: str = "",
        tell: Callable[[Progress], object] | None = None,
    ) -> Image:
        repository, tag = split_reference(reference)
        path, params = "images/create", {"fromImage": repository, "tag": tag, "platform": platform}
        if self._without_tls(reference):
            path, params = _PODMAN_PULL, {"reference": reference, "tlsVerify": "false"}
        try:
            async with self._connection.stream("POST", path, params=params, headers=_auth_header(auth)) as response:
                await _follow(response, tell)
            return await self.image(reference)
        except EngineError as error:
            raise pull_error(error, reference) from error

    async def push(
        self, reference: str, *, auth: RegistryAuth | None = None, tell: Callable[[Progress], object] | None = None
    ) -> str:
        repository, tag = split_reference(reference)
        params = {"tag": tag} | ({"tlsVerify": "false"} if self._without_tls(reference) else {})
        try:
            async with self._connection.stream(
                "POST", f"images/{_path(repository)}/push", params=params, headers=_auth_header(auth)
            ) as response:
                return await _follow(response, tell)
        except EngineError as error:
            raise push_error(error, reference) from error

    async def remote_digest(self, reference: str, *, auth: RegistryAuth | None = None) -> str:
        path = f"distribution/{_path(reference)}/json"
        async with self._connection.stream("GET", path, headers=_auth_header(auth)) as response:
            async for message in messages(response):
                return str((message.get("Descriptor") or {}).get("digest") or "")
        return ""

    async def images(self, labels: Labels) -> list[Image]:
        found = await self._connection.call("GET", "images/json", params={"filters": label_filter(labels)})
        return [_listed_image(one) for one in found]

    async def remove_image(self, reference: str, *, force: bool = False) -> None:
        await self._connection.call("DELETE", f"images/{_path(reference)}", params={"force": force})

    async def prune_images(self) -> None:
        """Remove what no name and no other image needs."""
        await self._connection.call("POST", "images/prune", params={"filters": {"dangling": ["true"]}})

    def _without_tls(self, reference: str) -> bool:
        """Whether podman must be told what dockerd knows by itself: a registry on localhost may do without TLS."""
        return self._info.product == "podman" and _LOCALHOST.match(reference) is not None


def split_reference(reference: str) -> tuple[str, str]:
    """Return repository and tag (``latest`` if there is none), or repository and digest."""
    repository, at, digest = reference.partition("@")
    if at:
        return repository, digest
    head, colon, tag = reference.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (reference, "latest")


def label_filter(labels: Labels) -> dict[str, list[str]]:
    """Return the API's filter for things that have all these labels."""
    return {"label": [f"{name}={value}" if value else name for name, value in labels.items()]} if labels else {}


def moment(text: str) -> datetime | None:
    """Return the engine's time to the microsecond, None where it writes year 1 for never."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text)


def pairs(entries: Iterable[str] | None) -> dict[str, str]:
    """Return ``NAME=value`` entries as a mapping."""
    return {name: value for name, _, value in (entry.partition("=") for entry in entries or ())}


async def _follow(response: aiohttp.ClientResponse, tell: Callable[[Progress], object] | None) -> str:
    """Read a pull or push to its end, and return the digest that was pushed."""
    digest = ""
    async for message in messages(response):
        if error := message.get("error") or (message.get("errorDetail") or {}).get("message"):
            raise named(response.status, str(error))
        digest = (message.get("aux") or {}).get("Digest", digest)
        words = str(message.get("status") or message.get("stream") or "").strip()
        if tell is not None and words:
            detail = message.get("progressDetail") or {}
            tell(Progress(message.get("id") or "", words, detail.get("current") or 0, detail.get("total") or 0))
    return digest


def _image(body: Mapping[str, Any]) -> Image:
    config: Mapping[str, Any] = body.get("Config") or {}
    return Image(
        id=full_id(body["Id"]),
        tags=tuple(body.get("RepoTags") or ()),
        digests=tuple(body.get("RepoDigests") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        env=pairs(config.get("Env")),
        user=config.get("User") or "",
        working_dir=config.get("WorkingDir") or "",
        ports=tuple(config.get("ExposedPorts") or ()),
        volumes=tuple(config.get("Volumes") or ()),
        labels=config.get("Labels") or {},
        stop_signal=config.get("StopSignal") or "",
        arch=body.get("Architecture") or "",
        os=body.get("Os") or "",
        size=body.get("Size") or 0,
        created=moment(body.get("Created") or ""),
    )


def _listed_image(body: Mapping[str, Any]) -> Image:
    return Image(
        id=full_id(body["Id"]),
        tags=tuple(tag for tag in body.get("RepoTags") or () if tag != _NO_TAG),
        digests=tuple(body.get("RepoDigests") or ()),
        labels=body.get("Labels") or {},
        size=body.get("Size") or 0,
        created=datetime.fromtimestamp(body["Created"], UTC),
    )


def full_id(image_id: str) -> str:
    """Return the id with its algorithm, which podman leaves out in places."""
    return image_id if image_id.startswith("sha256:") else f"sha256:{image_id}"


def _path(reference: str) -> str:
    return quote(reference, safe="/:@")


def _auth_header(auth: RegistryAuth | None) -> dict[str, str]:
    """Return who we are; podman and dockerd want a header to push, if only an empty one."""
    content: dict[str, str] = {}
    if auth is not None:
        content = {"serveraddress": auth.server}
        if auth.identity_token:
            content["identitytoken"] = auth.identity_token
        else:
            content |= {"username": auth.username, "password": auth.password}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(content).encode()).decode()}
