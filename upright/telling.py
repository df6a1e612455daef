"""What a run prints while it goes: its log as it comes, or each resource's in one piece when there is something to say of it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from upright.client.cli.log_lines import LogPrinter
from upright.client.cli.log_stream import print_logs
from upright.client.cli.log_styles import no_prefix, printer_of
from upright.client.log_filter import LogFilter
from upright.client.log_folder import LogFolder, Selection
from upright.client.report.github import group
from upright.client.report.gitlab import section
from upright.client.report.summary import took
from upright.openapi.v1alpha1.resource import TILTFILE, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from upright.client.cli.live_terminal import LiveTerminal
    from upright.client.cli.options import CiOptions
    from upright.client.logs import LogLine
    from upright.controllers.runtime.informer import Informer
    from upright.controllers.world.logs import Logs
    from upright.live import Live
    from upright.openapi.report import Report

STREAMED = frozenset({"all", "plain", "json"})
_NEVER = datetime.min.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_GREEN, _PLAIN = "\x1b[32m", "\x1b[0m"


def wanted(options: CiOptions) -> LogFilter:
    """Return which lines the options ask for."""
    level = {"warn": "WARN", "error": "ERROR"}.get(options.log_level)
    return LogFilter(
        frozenset(options.log_resources),
        level,  # type: ignore[arg-type]  # two of the levels
        options.log_source,
        "DEBUG" if options.debug else "VERBOSE" if options.verbose else "INFO",
    )


class Teller:
    """Prints in the way that ``--log`` asks for. Nothing is kept in memory: what is not printed yet stands in the logs.

    ``stream`` runs until the logs are finished, ``fold`` until it is cancelled; ``rest`` is called when all has ended.
    """

    def __init__(self, options: CiOptions, folder: Path) -> None:
        self._options = options
        self._filter = wanted(options)
        self._folder = LogFolder(folder)
        self._told: dict[str, datetime] = {}
        self._settled: dict[str, Resource] = {}
        self._news = anyio.Event()
        self._live: Live | None = None
        self._terminal: LiveTerminal | None = None

    async def stream(self, logs: Logs) -> None:
        """Print lines as they come, if that is asked for; a reader that goes away ends the printing, not the run."""
        if self._options.log not in STREAMED:
            return
        printer = printer_of(self._options.log, self._filter, colour=self._options.color)
        async with logs.follow(Selection()) as lines:
            try:
                await print_logs(lines, printer, self._terminal or sys.stdout.buffer)
            except BrokenPipeError:
                return

    def begin(self) -> None:
        """Take the terminal, before anything is printed."""
        if self._options.live:
            from upright.live import terminal  # noqa: PLC0415  reason: only on a terminal

            self._terminal = terminal()

    async def live(self) -> None:
        """Show how the resources are doing, until cancelled."""
        if self._live is not None:
            await self._live.run()

    def listen(self, resources: Informer[Resource], url: str) -> None:
        """Hear of the resources, before the controllers start; ``url`` is where the dashboard is."""
        if self._terminal is not None:
            from upright.live import Live  # noqa: PLC0415  reason: as above

            self._live = Live(self._terminal, resources, url, colour=self._options.color)
        if self._options.log not in STREAMED:
            resources.subscribe(self._heard)

    def _heard(self, old: Resource | None, new: Resource | None) -> None:
        del old
        if new is not None and new.name not in self._settled and _is_ready(new):
            self._settled[new.name] = new
            self._news.set()

    async def fold(self, logs: Logs) -> None:
        """Say of each resource that it is ready, when it is."""
        if self._options.log in STREAMED:
            return
        said: set[str] = set()
        greeting = list(logs.read(Selection(span="upright")))
        self._told[""] = max((line.time for line in greeting), default=_NEVER) + _TICK
        await self._write(self._text(greeting))
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            for name, resource in list(self._settled.items()):
                if name not in said:
                    said.add(name)
                    logs.flush()
                    await self._write(self._ready(resource))

    async def _write(self, text: str) -> None:
        if text:
            await anyio.to_thread.run_sync(self._say, text)

    def _say(self, text: str) -> None:
        if self._terminal is None:
            say(text)
            return
        try:
            self._terminal.write(text.encode("utf-8", "replace"))
        except OSError:
            silence()

    def _ready(self, resource: Resource) -> str:
        if self._options.log == "failures":
            return (
                "" if resource.name == TILTFILE else f"{self._tick()} {resource.name} {_took(resource)}".rstrip() + "\n"
            )
        lines = self._unsaid(resource.name)
        return self._fold(f"{resource.name} {_took(resource)}".rstrip(), lines)

    def _tick(self) -> str:
        return f"{_GREEN}✓{_PLAIN}" if self._options.color else "✓"

    def rest(self, report: Report) -> str:
        """Return what is still to be printed: of what failed all, of the others (where all is asked for) what came since."""
        if self._options.log in STREAMED:
            return ""
        well = report.verdict.state == "healthy"
        stuck = {"failed"} if well or report.verdict.state == "failed" else {"failed", "pending"}
        bad = {card.resource for card in report.failures} | {one.name for one in report.resources if one.state in stuck}
        names = [one.name for one in report.resources]
        parts: list[str] = []
        if self._options.log != "failures" or (not well and not bad):
            parts += [self._fold(name or "upright", self._unsaid(name)) for name in ("", *names) if name not in bad]
        parts += [self._whole(name) for name in names if name in bad]
        return "".join(parts)

    def _whole(self, name: str) -> str:
        """Return all that a resource said, unfolded and between two lines with its name."""
        text = self._text(self._folder.read(Selection(resource=name)))
        return f"\n──── log of {name}\n{text}──── end of the log of {name}\n" if text else ""

    def _unsaid(self, name: str) -> list[LogLine]:
        """Return what the resource said since it was asked for last."""
        since = self._told.get(name)
        lines = list(self._folder.read(Selection(resource=name, since=since)))
        if lines:
            self._told[name] = lines[-1].time + _TICK
        return lines

    def _fold(self, title: str, lines: Sequence[LogLine]) -> str:
        text = self._text(lines)
        if not text:
            return ""
        if self._options.log == "gitlab":
            return section(title, text, lines[0].time, lines[-1].time)
        return group(title, text)

    def _text(self, lines: Iterable[LogLine]) -> str:
        return LogPrinter(self._filter, colour=self._options.color, prefix=no_prefix).text(lines)


def say(text: str) -> None:
    """Print; that nobody reads any more (``| head``) does not change the verdict."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Have what is printed from now on go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_ready(resource: Resource) -> bool:
    return any(one.type == "Ready" and one.status == "True" for one in resource.status.conditions)


def _took(resource: Resource) -> str:
    status = resource.status
    ready = next((one.last_transition_time for one in status.conditions if one.type == "Ready"), None)
    begun = min((one.start_time for one in status.build_history if one.start_time), default=None)
    return took((ready - begun).total_seconds()) if ready is not None and begun is not None else ""
