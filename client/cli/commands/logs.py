"""Print the logs of a run, of some resources or of all."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import quote, urlencode

from upright.client.cli import discovery
from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.clock import utc_now
from upright.client.cli.colours import coloured
from upright.client.cli.connection import Connection
from upright.client.cli.durations import seconds
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.log_styles import TiltJsonPrinter, printer_of
from upright.client.cli.past_runs import PastRun, named, newest_of
from upright.client.cli.resources import require, resources
from upright.client.cli.troubles import CannotTell, WrongUsage, closest
from upright.client.log_filter import LogFilter
from upright.client.log_folder import LogFolder, Selection
from upright.client.logs import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given
    from upright.client.cli.log_styles import Printer
    from upright.client.log_filter import Source
    from upright.client.logs import Level

_SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
_OWN = "Tiltfile"
"""The Session of a run that has a server of its own."""
_BATCH_LINES = 500
_LEVELS: dict[str, Level] = {"warn": "WARN", "warning": "WARN", "error": "ERROR"}


def command() -> Command:
    """Return what help says."""
    return Command(
        "logs",
        "Prints the logs of a running server: those of the resources that are named, else of all.\n\n"
        "Where no server runs, those of the newest run of this directory's Tiltfile that has ended; --run has older ones.",
        "upright logs [RESOURCE …] [flags]",
        "upright logs                           # everything so far\n"
        "upright logs web -f                    # web's, and go on as it logs\n"
        "upright logs web db --since 5m --tail 100\n"
        "upright logs --level=error\n"
        "upright logs '(Tiltfile)'\n"
        "upright logs --json | jq -r 'select(.source == \"build\").message'\n"
        "upright logs --run 20261123-093012-a1b2c3 smoke",
        (
            Flag("follow", "go on as more is logged, until the run ends", short="f"),
            Flag("since", "only what is not older than this, as in 5m or 1h30m", "DURATION"),
            Flag("tail", "only the last lines, so many; -1: all", "LINES", default="-1"),
            Flag(
                "source",
                "only lines from: all, build, runtime",
                "SOURCE",
                default="all",
                choices=("all", "build", "runtime"),
            ),
            Flag("level", "only lines of this level: warn or error", "LEVEL"),
            Flag("resource", "only lines of this resource; may be repeated", "NAME", many=True),
            Flag("json", "an object a line: time, resource, level, message, spanID, progressID, buildEvent, source"),
            Flag("session", "of this Session, where a server has several", "NAME"),
            Flag("run", "of a run that has ended: its name, or its folder", "RUN"),
            *SERVER_FLAGS,
        ),
    )


class _Asked(NamedTuple):
    wanted: LogFilter
    since: float | None
    tail: int | None
    follow: bool


def run(arguments: list[str]) -> int:
    """Print them."""
    given = parse(command(), arguments, environment())
    asked = _asked(given)
    printer = _printer(given, asked.wanted)
    if given.text("run"):
        _print(_past(named(given.text("run")), asked), printer)
        return 0
    if not given.given("port") and not discovery.running():
        ended = newest_of(Path.cwd())
        if ended is None:
            raise CannotTell(
                f"no upright is running here, and no run of this directory is kept: {discovery.HOW_TO_START}"
            )
        sys.stderr.write(
            f"No upright is running: this is the log of {ended.tiltfile}'s run {ended.path.name}, which has ended.\n"
        )
        _print(_past(ended, asked), printer)
        return 0
    connection = Connection(server(given))
    try:
        session = _session(given, connection)
        if asked.wanted.resources:
            require(sorted(asked.wanted.resources), resources(connection, session if session != _OWN else ""))
        _print(_live(connection, session, asked), printer)
    finally:
        connection.close()
    return 0


def _asked(given: Given) -> _Asked:
    names = (name for word in given.arguments for name in word.split(","))
    named_ones = frozenset(name for name in (*names, *given.many("resource")) if name)
    least: Level = "DEBUG" if given.on("debug") else "VERBOSE" if given.on("verbose") else "INFO"
    source = cast("Source", given.text("source"))  # reason: one of its choices
    wanted = LogFilter(named_ones, _LEVELS.get(given.text("level").lower()), source, least)
    since = seconds(given, "since") if given.text("since") else None
    tail = None if given.text("tail") == "-1" else given.number("tail")
    return _Asked(wanted, since, tail, given.on("follow"))


def _printer(given: Given, wanted: LogFilter) -> Printer:
    if given.on("json"):
        return TiltJsonPrinter(wanted)
    return printer_of("all", wanted, colour=coloured(given.text("color"), environment(), terminal=sys.stdout.isatty()))


def _print(lines: Iterable[list[LogLine]], printer: Printer) -> None:
    for batch in lines:
        if text := printer.text(batch):
            sys.stdout.buffer.write(text.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()


def _session(given: Given, connection: Connection) -> str:
    """Return the Session that is meant: the one that is named, the run's own, the only one. Raises WrongUsage."""
    items: list[Json] = connection.get("/apis/session", free=True).get("items") or []
    names, asked = [str(body["metadata"]["name"]) for body in items], given.text("session")
    if asked and asked not in names:
        there = f": there are {', '.join(names)}" if names else ": there is none yet"
        raise WrongUsage(f'there is no session "{asked}"{closest(asked, names) or there}')
    if asked or _OWN in names or len(names) < 2:
        return asked or (names[0] if len(names) == 1 else _OWN)
    raise WrongUsage(f"say which session, with --session: {', '.join(names)}")


def _live(connection: Connection, session: str, asked: _Asked) -> Iterator[list[LogLine]]:
    """Yield the lines that the server has, one by one where they come as they are logged."""
    wanted = asked.wanted
    query: dict[str, object] = {"format": "json", "source": wanted.source, "least": wanted.least}
    query["resource"] = sorted(wanted.resources)
    if wanted.level:
        query["level"] = wanted.level.lower()
    if asked.since is not None:
        query["sinceTime"] = (utc_now() - timedelta(seconds=asked.since)).isoformat()
    if asked.tail is not None:
        query["tailLines"] = asked.tail
    if asked.follow:
        query["follow"] = "true"
    lines = map(_line, connection.lines(f"{_SESSIONS}/{quote(session, safe='')}/log?{urlencode(query, doseq=True)}"))
    return _batches(lines, 1 if asked.follow else _BATCH_LINES)


def _line(raw: bytes) -> LogLine:
    said = json.loads(raw)
    moment = datetime.fromisoformat(said["time"])
    return LogLine(
        moment, said["resource"], said["span"], said["level"], said["text"], said.get("fields") or {}, "anchor" in said
    )


def _past(ended: PastRun, asked: _Asked) -> Iterator[list[LogLine]]:
    """Yield the lines that a run has left. Raises WrongUsage for a resource that has left none."""
    folder = LogFolder(ended.logs)
    require(sorted(asked.wanted.resources), sorted({span.resource for span in folder.spans() if span.resource}))
    since = utc_now() - timedelta(seconds=asked.since) if asked.since is not None else None
    one = next(iter(asked.wanted.resources)) if len(asked.wanted.resources) == 1 else None
    lines = filter(asked.wanted.takes, folder.read(Selection(one, since=since)))
    if asked.tail is not None:
        from collections import deque  # noqa: PLC0415  reason: only where it is asked for

        return iter([list(deque(lines, maxlen=asked.tail))])
    return _batches(lines, _BATCH_LINES)


def _batches(lines: Iterator[LogLine], size: int) -> Iterator[list[LogLine]]:
    while batch := list(islice(lines, size)):
        yield batch
