"""What a server says beside its answer (a field it does not know, a version that will go): kept for who asks to hear it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_HEARD: ContextVar[list[str] | None] = ContextVar("heard_warnings", default=None)
_HEADER = re.compile(r'\b299 \S+ "((?:[^"\\]|\\.)*)"')


@contextmanager
def hearing() -> Generator[list[str]]:
    """Collect the warnings of all calls that are made within, in this task, each once."""
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def hear(texts: Iterable[str]) -> None:
    """Hand warnings to who is hearing, if somebody is; for transports."""
    heard = _HEARD.get()
    if heard is not None:
        heard.extend(text for text in texts if text not in heard)


def hear_headers(values: Iterable[str]) -> None:
    """Hand on the warnings in Warning headers, as RFC 7234 quotes them."""
    hear(re.sub(r"\\(.)", r"\1", found) for value in values for found in _HEADER.findall(value))
