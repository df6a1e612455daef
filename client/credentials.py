"""What an API server knows us by: a header, a client certificate, and until when that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class SecretsFailed(Exception):
    """There are no credentials; the message says why, and what to do."""


class Secrets(NamedTuple):
    """``authorization`` is the header's value, ``certificate`` and ``key`` are PEM; empty is none. ``until``: None is for ever."""

    authorization: str = ""
    certificate: str = ""
    key: str = ""
    until: datetime | None = None

    def __repr__(self) -> str:
        """Tell none of them."""
        return f"Secrets(until {self.until})"


class SecretsSource(Protocol):
    """Where they come from."""

    async def secrets(self) -> Secrets:
        """Get them anew. Raises SecretsFailed."""
        ...
