"""How much a request may be, and how long it may take to come."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Sizes in bytes. A request must have come whole ``patience_seconds`` after its first byte, or the connection is cut.

    ``metadata_bytes`` is how long an object's labels may be in all, and likewise its annotations.
    """

    body_bytes: int = 20 * 1024 * 1024
    head_bytes: int = 64 * 1024
    url_bytes: int = 16 * 1024
    metadata_bytes: int = 256 * 1024
    patience_seconds: float = 60


DEFAULT_LIMITS = Limits()
