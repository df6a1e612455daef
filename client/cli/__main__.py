"""The command ``upright``: finds the command's module, and turns what goes wrong into a line and an exit code.

Nothing is imported here that ``upright version`` does not need: each command imports its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "ci": "build, deploy, and say whether all is healthy",
    "get": "print objects of a running server: sessions, resources, clusters, …",
    "describe": "tell all about objects: what a session waits for and why, what failed",
    "apiserver": "run the API server alone",
    "version": "print the version",
}
"""Each command and what it does in a line; the module is the one of its name, beside this one."""

_WITH_VALUE = frozenset({"--color", "--klog"})
_INTERRUPTED = 130
_PIPE_CLOSED = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return _PIPE_CLOSED


def _run(words: list[str]) -> int:
    leading = _leading(words)
    name, rest = words[leading] if leading < len(words) else "", words[leading + 1 :]
    if name == "version" and not leading and not rest:
        return int(import_module("upright.client.cli.version").run(rest))
    from upright.client.cli.troubles import Trouble, WrongUsage  # noqa: PLC0415  reason: said above

    try:
        code = _dispatch(name, words[:leading] + rest)
        sys.stdout.flush()
    except WrongUsage as error:
        of = f"upright {name}" if name in COMMANDS else "upright"
        sys.stderr.write(f'Error: {error}\nRun "{of} -h" for help.\n')
        return error.code
    except Trouble as error:
        if str(error):
            sys.stderr.write(f"Error: {error}\n")
        return error.code
    return code


def _leading(words: list[str]) -> int:
    """Return how many words before the command's name are global flags."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _WITH_VALUE else 1
    return at


def _dispatch(name: str, arguments: list[str]) -> int:
    if name == "help":
        name, arguments = (arguments[0], ["-h"]) if arguments else ("", ["-h"])
    if name in COMMANDS:
        module = import_module(f"upright.client.cli.{name}")
        from upright.client.cli.flags import HelpWanted  # noqa: PLC0415  reason: said at the top

        try:
            return int(module.run(arguments))
        except HelpWanted:
            return _help(import_module("upright.client.cli.help_text").of_command(module.command()))
    return _without_command(name, arguments)


def _without_command(name: str, arguments: list[str]) -> int:
    from upright.client.cli.troubles import WrongUsage, closest  # noqa: PLC0415  reason: said at the top

    if name:
        raise WrongUsage(f'unknown command "{name}"{closest(name, list(COMMANDS))}')
    if "--version" in arguments:
        return int(import_module("upright.client.cli.version").run([]))
    if arguments and not {"-h", "--help"} & set(arguments):
        raise WrongUsage(f"{arguments[-1]}: a command is missing: {', '.join(COMMANDS)}")
    return _help(import_module("upright.client.cli.help_text").of_all(COMMANDS))


def _help(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _close_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's own flush at the end does not complain."""
    import os  # noqa: PLC0415  reason: said at the top

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
