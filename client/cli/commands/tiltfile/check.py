"""Say whether a Tiltfile is right, and what it would build and deploy, and where."""

from __future__ import annotations

from importlib import import_module

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.options import TiltfileOptions

_ENTRY_POINT = "upright.tiltfile"


def command() -> Command:
    """Return what help says."""
    return Command(
        "tiltfile check",
        "Says whether the Tiltfile is right, and what it would build and deploy, and where; it needs no cluster and no\n"
        "engine.\n\n"
        "Exit codes: 0 the Tiltfile is right, 2 its arguments are wrong, 5 it is wrong.",
        "upright tiltfile check [flags] [-- TILTFILE ARGUMENTS …]",
        "upright tiltfile check\nupright tiltfile check -f deploy/Tiltfile --cluster=embedded",
        (
            Flag("file", "the Tiltfile", "PATH", short="f", default="Tiltfile"),
            Flag(
                "cluster",
                "where it would deploy: auto, embedded, or a kubeconfig context",
                "WHERE",
                default="auto",
                variables=("UPRIGHT_CLUSTER",),
            ),
            Flag("namespace", "namespace of objects that name none", "NAMESPACE", variables=("UPRIGHT_NAMESPACE",)),
            Flag(
                "output",
                "how: text, or json with the errors and their places",
                "FORMAT",
                short="o",
                default="text",
                choices=("text", "json"),
            ),
        ),
    )


def run(arguments: list[str]) -> int:
    """Check it."""
    given = parse(command(), arguments, environment())
    options = TiltfileOptions(
        file=given.text("file"),
        args=tuple(given.arguments),
        cluster=given.text("cluster"),
        namespace=given.text("namespace"),
        output=given.text("output"),
        verbose=given.on("verbose") or given.on("debug"),
    )
    return int(import_module(_ENTRY_POINT).check(options))
