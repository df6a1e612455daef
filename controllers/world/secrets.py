"""Secret values that must not be seen: in no log, status text or report."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_BYTES = 5
"""Shorter values are words that occur by themselves; Tilt's limit."""

_SHORTEST_LINE = 16  # of a value with several lines, which may be printed line by line


class Secrets:
    """The values that are known to be secret, each with the name that is shown in its place."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    @property
    def known(self) -> bool:
        """Whether there is any."""
        return bool(self._shown)

    def add(self, name: str, key: str, value: bytes) -> None:
        """Have the value replaced by ``[redacted secret name:key]`` wherever it occurs: as it is, and encoded."""
        if len(value) < SHORTEST_BYTES:
            return
        shown = f"[redacted secret {name}:{key}]"
        for form in _forms(value):
            self._shown.setdefault(form, shown)

    def scrub(self, text: str) -> str:
        """Return the text without any of the values; one pass, so that what is put in is not scrubbed again."""
        found = [form for form in list(self._shown) if form in text]  # a copy: a Tiltfile's thread adds to it
        if not found:
            return text
        found.sort(key=len, reverse=True)  # the longer form is the whole secret
        pattern = re.compile("|".join(map(re.escape, found)))
        return pattern.sub(lambda match: self._shown[match[0]], text)


def _forms(value: bytes) -> Iterator[str]:
    for encoded in (base64.b64encode(value).decode(), base64.urlsafe_b64encode(value).decode()):
        yield encoded
        bare = encoded.rstrip("=")
        if len(bare) >= SHORTEST_BYTES:
            yield bare
    try:
        plain = value.decode()
    except UnicodeDecodeError:
        return
    yield from _printed(plain)
    if "\n" in plain:
        for line in plain.splitlines():
            if len(line.strip()) >= _SHORTEST_LINE:
                yield from _printed(line.strip())


def _printed(plain: str) -> Iterator[str]:
    yield plain
    if plain.endswith("\n") and len(plain) > SHORTEST_BYTES:
        yield from _printed(plain.rstrip("\n"))
    yield quote(plain)
    yield quote(plain, safe="")
    yield quote_plus(plain)
    for ascii_only in (True, False):
        yield json.dumps(plain, ensure_ascii=ascii_only)[1:-1]
