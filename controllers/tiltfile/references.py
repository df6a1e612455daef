"""Names of images: ``registry/path:tag@digest``, read and written as Docker does."""

from __future__ import annotations

import re

from msgspec import Struct

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_ID = re.compile(r"[a-f0-9]{64}")
_DOCKER = "docker.io"


class Reference(Struct, frozen=True):
    """An image's name, with its defaults filled in: ``nginx`` is ``docker.io/library/nginx``."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as people write it."""
        if self.domain != _DOCKER:
            return self.name
        bare = self.path.removeprefix("library/")
        return bare if "/" not in bare else self.path

    @property
    def familiar(self) -> str:
        """The whole reference as people write it."""
        return self.familiar_name + self._version

    def __str__(self) -> str:
        return self.name + self._version

    @property
    def _version(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Return the reference; raises ValueError in Docker's words."""
    if _ID.fullmatch(text):
        raise ValueError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    domain, rest = _split_domain(text)
    rest, _, digest = rest.partition("@")
    path, colon, tag = rest.partition(":")
    if path.lower() != path:
        raise ValueError(f"invalid reference format: repository name ({path}) must be lowercase")
    valid = (
        _DOMAIN.fullmatch(domain)
        and _PATH.fullmatch(path)
        and (not colon or _TAG.fullmatch(tag))
        and ("@" not in text or _DIGEST.fullmatch(digest))
    )
    if not valid:
        raise ValueError("invalid reference format")
    return Reference(domain, path, tag, digest)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    is_domain = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    domain, rest = (first, rest) if is_domain else (_DOCKER, text)
    if domain == "index.docker.io":
        domain = _DOCKER
    if domain == _DOCKER and "/" not in rest:
        rest = f"library/{rest}"
    return domain, rest


class Selector(Struct, frozen=True):
    """Which references mean an image: those of its name, or with ``exact`` only the same reference."""

    reference: Reference
    exact: bool

    def matches(self, other: Reference) -> bool:
        if self.exact:
            return str(self.reference) == str(other)
        return self.reference.name == other.name
