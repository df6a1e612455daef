"""Show a snapshot, Tilt's or ours, in a browser."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import Trouble, WrongUsage

_ENTRY_POINT = "upright.apiserver.viewer"
_STDIN = "-"


def command() -> Command:
    """Return what help says."""
    return Command(
        "snapshot view",
        "Serves a snapshot, Tilt's or ours, as a page on this machine until it is interrupted: the resources as they were\n"
        "then, and their logs. On a terminal it opens the page in the browser.",
        "upright snapshot view FILE",
        "upright snapshot view run.json\nupright snapshot create | upright snapshot view -",
        (
            Flag("port", "port to serve it on; 0 takes a free one", "PORT", default="0"),
            Flag("host", "loopback name to listen on", "HOST", default="localhost"),
            Flag("no-open", "do not open the browser"),
        ),
    )


def run(arguments: list[str]) -> int:
    """Serve it."""
    given = parse(command(), arguments, environment())
    if len(given.arguments) != 1:
        raise WrongUsage("say which snapshot: upright snapshot view FILE (- is stdin)")
    (name,) = given.arguments
    try:
        raw = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    except OSError as error:
        raise Trouble(f"the snapshot cannot be read: {error}") from error
    opens = sys.stdout.isatty() and not given.on("no-open")

    def told(url: str) -> None:
        sys.stdout.write(f"Serving snapshot at {url}\n")
        if sys.stdout.isatty():
            sys.stdout.write("Ctrl-C ends it.\n")
        sys.stdout.flush()
        if opens:
            import_module("webbrowser").open(url)

    viewer = import_module(_ENTRY_POINT)
    try:
        viewer.view(raw, given.text("host"), given.number("port", 0, 65535), told)
    except ValueError as error:
        raise Trouble(f"{name}: {error}") from error
    except (viewer.PortTaken, viewer.UnsafeBind) as error:
        raise WrongUsage(str(error)) from error
    return 0
