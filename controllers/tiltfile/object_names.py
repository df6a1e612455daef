"""Names of the objects that a Tiltfile makes: Tilt's rules for what may be in one, and how long it may be."""

from __future__ import annotations

import re

MAX_NAME = 253  # characters
_INVALID = re.compile(r"[/%]")


def sanitized(name: str) -> str:
    """Return the name as one segment of a path: ``/`` and ``%`` become ``_``, what is too long ends in a hash."""
    clean = name.replace(".", "_") if name in {".", ".."} else _INVALID.sub("_", name)
    if len(clean) <= MAX_NAME:
        return clean
    return f"{clean[: MAX_NAME - 9]}-{_fnv32a(name):08x}"


def disable_switch(resource: str) -> str:
    """Return the name of the ConfigMap that switches the resource off."""
    return sanitized(f"{resource}-disable")


def _fnv32a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
