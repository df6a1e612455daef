"""Lines of a log in the form that Tilt's clients read: spans, segments, and which part of the whole they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.client.logs import LogLine
    from upright.openapi.meta import Json

_MICROSECONDS_LENGTH = 26
NOTHING: Json = {"fromCheckpoint": -1, "toCheckpoint": -1}
"""What is sent where there is nothing new."""


def log_list(lines: Iterable[LogLine], begin: int = 0) -> Json:
    """Return the LogList of these lines; ``begin`` is how many the client has been sent before."""
    spans: Json = {}
    segments: list[Json] = []
    for line in lines:
        if line.span not in spans:
            spans[line.span] = {"manifestName": line.resource} if line.resource else {}
        segments.append(_segment(line))
    if not segments:
        return dict(NOTHING)
    return {"spans": spans, "segments": segments, "fromCheckpoint": begin, "toCheckpoint": begin + len(segments)}


def _segment(line: LogLine) -> Json:
    made: Json = {
        "spanId": line.span,
        "time": f"{line.time.isoformat(timespec='microseconds')[:_MICROSECONDS_LENGTH]}Z",
        "text": f"{line.text}\n",
        "level": line.level,
    }
    if line.anchor:
        made["anchor"] = True
    if line.fields:
        made["fields"] = dict(line.fields)
    return made
