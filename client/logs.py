"""A line of a log, and how it stands in a file: ``2026-11-23T06:04:28.123456Z INFO - text``."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Level = Literal["DEBUG", "VERBOSE", "INFO", "WARN", "ERROR"]

TIME_BYTES = 27  # 2026-11-23T06:04:28.123456Z
_NO_FIELDS = "-"
_ANCHOR = "!"
_ANCHORED = frozenset({"WARN", "ERROR"})


class LogLine(NamedTuple):
    """One line, without its line feed.

    ``span`` is what wrote it (``cmd:web``, ``build:3``), ``resource`` what that belongs to ("": nobody's).
    ``fields`` are Tilt's (``buildEvent``, ``progressID``); ``anchor``: a warning or an error begins with this line.
    """

    time: datetime
    resource: str
    span: str
    level: str
    text: str
    fields: Mapping[str, str] = MappingProxyType({})
    anchor: bool = False


def encode(moment: datetime, level: str, text: str, fields: Mapping[str, str] | None = None) -> bytes:
    """Return a message of one or more lines as it stands in a file; ``moment`` is in UTC."""
    stamp = f"{moment.isoformat(timespec='microseconds')[: TIME_BYTES - 1]}Z"
    noted = json.dumps(fields, separators=(",", ":")).replace(" ", "\\u0020") if fields else _NO_FIELDS
    body = text.replace("\r\n", "\n").removesuffix("\n")
    rest = f"\n{stamp} {level} {noted} "
    first = f"{stamp} {level}{_ANCHOR} {noted} " if level in _ANCHORED else rest[1:]
    return f"{first}{body.replace(chr(10), rest)}\n".encode("utf-8", "replace")


def decode(line: bytes, resource: str, span: str) -> LogLine | None:
    """Read one line of a file; None if it is not one (torn by a power cut, say)."""
    try:
        stamp, level, noted, text = line.decode("utf-8", "replace").split(" ", 3)
        moment = datetime.fromisoformat(stamp)
        fields = {} if noted == _NO_FIELDS else json.loads(noted)
    except ValueError:
        return None
    anchor = level.endswith(_ANCHOR)
    return LogLine(moment, resource, span, level.removesuffix(_ANCHOR), text, fields, anchor)
