"""Print what a Tiltfile comes to, as Tilt's command of this name does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.options import TiltfileOptions
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from datetime import timedelta

_ENTRY_POINT = "upright.tiltfile"


def command() -> Command:
    """Return what help says."""
    return Command(
        "alpha tiltfile-result",
        "Executes a Tiltfile and prints what it comes to: resources, images, settings, files it depends on.\n\n"
        "Exit codes: 0 the Tiltfile is right, 5 it is wrong. What it logs goes to stderr.",
        "upright alpha tiltfile-result [flags] [-- TILTFILE ARGUMENTS …]",
        "upright alpha tiltfile-result -f deploy/Tiltfile\nupright alpha tiltfile-result -b --dur-threshold 10ms",
        (
            Flag("file", "the Tiltfile", "PATH", short="f", default="Tiltfile"),
            Flag("context", "the kubeconfig context to deploy to", "CONTEXT", variables=("UPRIGHT_CONTEXT",)),
            Flag("builtin-timings", "print how long each call took instead", short="b"),
            Flag("dur-threshold", "of calls that took at least this long", "DURATION", default="0s"),
        ),
    )


def run(arguments: list[str]) -> int:
    """Print the result."""
    given = parse(command(), arguments, environment())
    from upright.openapi.meta import parse_duration  # noqa: PLC0415  reason: an evaluation imports it in any case

    try:
        least = cast("timedelta", parse_duration(given.text("dur-threshold")))  # reason: that is what it makes of text
    except ValueError as error:
        raise WrongUsage(f"--dur-threshold: {error}") from error
    options = TiltfileOptions(
        file=given.text("file"),
        args=tuple(given.arguments),
        subcommand="tiltfile-result",
        cluster=given.text("context") or "auto",
        verbose=given.on("verbose") or given.on("debug"),
        timings=least if given.on("builtin-timings") else None,
    )
    return int(import_module(_ENTRY_POINT).result(options))
