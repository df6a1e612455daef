"""Decide a recorded run again."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import cast

from upright.client.cli.asked import environment
from upright.client.cli.colours import coloured
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.limit_values import limits_of
from upright.client.cli.options import ReplayForm, ReplayOptions
from upright.client.cli.troubles import WrongUsage
from upright.client.report.files import obstacle

_ENTRY_POINT = "upright.replay"


def command() -> Command:
    """Return what help says."""
    return Command(
        "replay",
        "Decides a recorded run again, from what was seen then: the verdict and the report are the same, byte for byte.\n\n"
        "Every run leaves its record in its folder (upright ci says where its logs are: beside them); upright ci\n"
        "--record FILE writes one more. The exit code is the run's. With --set, what was seen is judged by other limits.\n"
        "Where the record ends before there is a verdict, the exit code is 3.",
        "upright replay FILE [flags]",
        "upright replay run.record\n"
        "upright replay run.record --until 12.5s             # how things stood 12.5 s after the start\n"
        "upright replay run.record --set crash_budget=1      # what another limit would have made of it\n"
        "upright replay run.record --report again.json       # the report of the run, again",
        (
            Flag("until", "show the state then: a time from the start (12.5s, 1m) or a date (RFC 3339)", "TIME"),
            Flag("set", "judge by this limit instead, as in crash_budget=5; may be repeated", "NAME=VALUE", many=True),
            Flag(
                "speed", "tell what changes, so many times as fast as it was (1: as it was); else all at once", "FACTOR"
            ),
            Flag("report", "write the report to this file, as JSON", "FILE"),
            Flag("junit", "write the targets as JUnit's XML to this file", "FILE"),
            Flag("output", "print this: text or json", "FORM", "o", default="text", choices=("text", "json")),
        ),
    )


def run(arguments: list[str]) -> int:
    """Decide again, and return the exit code of the run."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) != 1:
        raise WrongUsage("replay takes one file: what upright ci --record FILE wrote")
    for flag in ("report", "junit"):
        if given.text(flag) and (why := obstacle(given.text(flag))):
            raise WrongUsage(f"--{flag}={given.text(flag)}: {why}")
    options = ReplayOptions(
        file=given.arguments[0],
        limits=limits_of(given.many("set")),
        until=given.text("until"),
        speed=_speed(given.text("speed")),
        report=given.text("report"),
        junit=given.text("junit"),
        output=cast("ReplayForm", given.text("output")),  # reason: one of its choices
        color=coloured(given.text("color"), environment(), terminal=sys.stdout.isatty()),
    )
    return int(import_module(_ENTRY_POINT).replay(options))


def _speed(text: str) -> float:
    """Return how many times as fast as it was; 0 for as fast as can be."""
    if not text:
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 < speed < float("inf"):
        raise WrongUsage(f"--speed={text}: a number above 0 is wanted, as in 1 or 10")
    return speed
