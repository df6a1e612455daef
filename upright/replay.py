"""Plays a record: says what the run came to, or how things stood at some time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import anyio

from upright.client.cli.cards import card_lines
from upright.client.report.files import write_whole
from upright.client.report.gathered import report_of
from upright.client.report.summary import summary_lines
from upright.controllers.record.record_file import NotARecord, read
from upright.controllers.record.replay import Replay
from upright.controllers.record.standing import standing, standing_lines
from upright.openapi.meta import format_micro_time, parse_duration, parse_time

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from upright.client.cli.options import ReplayOptions
    from upright.openapi.report import Report
    from upright.openapi.v1alpha1.limits import Limits

EXIT_FAILED, EXIT_USAGE, EXIT_UNKNOWN = 1, 2, 3


def replay(options: ReplayOptions) -> int:
    """Play the record, print what it comes to, and return the run's exit code."""
    try:
        played = _opened(Path(options.file), options.limits, options.until)
        anyio.run(_play, played, options.speed)
        made = report_again(played)
        _write(options, made)
    except OSError as error:
        return _refuse(f"{error.filename or options.file} cannot be read or written: {error.strerror}")
    except (NotARecord, ValueError) as error:
        return _refuse(str(error))
    if options.until:
        _say_standing(played, options)
        return 0
    if options.limits is None and played.report is not None and made.to_wire() != played.report:
        sys.stderr.write(
            f"Error: this version of upright comes to another report than {played.about.get('version')}, which made the record\n"
        )
        return EXIT_UNKNOWN
    return _said(played, made, options)


def play(file: Path, settings: Limits | None = None, until: str = "") -> Replay:
    """Return the record, played. Raises NotARecord, OSError, ValueError (a time that is none)."""
    played = _opened(file, settings, until)
    played.play()
    return played


def report_again(played: Replay) -> Report:
    """Return the report that the replay comes to."""
    return report_of(
        played.session, played.resources, version=played.about.get("version", ""), logs=played.about.get("logs", "")
    )


def report_text(report: Report) -> str:
    """Return the report as ``--report`` writes it."""
    return json.dumps(report.to_wire(), indent=2, ensure_ascii=False) + "\n"


def _opened(file: Path, settings: Limits | None, until: str) -> Replay:
    entries = read(file)
    played = Replay(entries, settings)
    return Replay(entries, settings, _moment(until, played.started)) if until else played


async def _play(played: Replay, speed: float) -> None:
    """Play as fast as can be, or so many times as fast as it was; then what changes is told as it does."""
    if not speed:
        played.play()
        return
    began, started, before = anyio.current_time(), played.started, dict[str, str]()
    for at in played.steps():
        if started is not None:
            await anyio.sleep_until(began + (at - started).total_seconds() / speed)
        for line in standing_lines(standing(played))[1:]:
            name, told = line.split(maxsplit=1)[0], " ".join(line.split())
            if before.get(name) != told:
                before[name] = told
                sys.stdout.write(f"{_seconds(played):9.3f}s {line}\n")
        sys.stdout.flush()


def _write(options: ReplayOptions, made: Report) -> None:
    if options.report:
        write_whole(options.report, report_text(made))
    if options.junit:
        from upright.client.report.junit import junit_xml  # noqa: PLC0415  reason: only where used

        write_whole(options.junit, junit_xml(made))


def _refuse(reason: str) -> int:
    sys.stderr.write(f"Error: {reason}\n")
    return EXIT_USAGE


def _moment(text: str, started: datetime | None) -> datetime:
    if started is None:
        message = "the record ends before anything was seen"
        raise NotARecord(message)
    moment = _read_moment(text, started)
    if moment < started:
        message = f"--until={text}: the run began at {format_micro_time(started)}"
        raise ValueError(message)
    return moment


def _read_moment(text: str, started: datetime) -> datetime:
    try:
        return started + cast("timedelta", parse_duration(text.removeprefix("+")))  # reason: what it makes of text
    except ValueError:
        pass
    try:
        return parse_time(text)
    except ValueError as error:
        message = f"--until={text}: neither a time from the start, as in 12.5s, nor a date, as in 2026-11-23T10:00:00Z"
        raise ValueError(message) from error


def _said(played: Replay, report: Report, options: ReplayOptions) -> int:
    done = played.session.status.done
    if options.output == "json":
        sys.stdout.write(report_text(report))
    elif done:
        sys.stdout.write(_words(report, colour=options.color))
    else:
        _say_standing(played, options)
    if not done:
        limits = " by these limits" if options.limits is not None else ""
        sys.stderr.write(f"Error: the record ends {_seconds(played):.3f}s after the start, before a verdict{limits}\n")
        return EXIT_UNKNOWN
    if report.verdict.state == "healthy":
        return 0
    sys.stderr.write(f"Error: {report.verdict.reason}\n")
    return report.verdict.exit_code if report.verdict.exit_code is not None else EXIT_FAILED


def _words(report: Report, *, colour: bool) -> str:
    text = summary_lines(report, colour=colour)
    if report.verdict.state == "healthy":
        return f"{text}SUCCESS. All workloads are healthy.\n"
    return text + "".join(card_lines(card.to_wire(), colour=colour) for card in report.failures)


def _seconds(played: Replay) -> float:
    now, started = played.now, played.started
    return (now - started).total_seconds() if now is not None and started is not None else 0.0


def _say_standing(played: Replay, options: ReplayOptions) -> None:
    """Say how things stand: a row a resource, then what has failed by then."""
    status, rows = played.session.status, standing(played)
    word = status.verdict.state if status.done else "pending"
    cards = [card.to_wire() for one in played.resources for card in one.status.failures]
    if options.output == "json":
        told = {"seconds": round(_seconds(played), 6), "verdict": word, "resources": rows, "failures": cards}
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    sys.stdout.write(f"{_seconds(played):.3f}s after the start: {word}\n\n")
    sys.stdout.write("".join(f"{line}\n" for line in standing_lines(rows)))
    sys.stdout.write("".join(card_lines(card, colour=options.color) for card in cards))
