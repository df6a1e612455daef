"""The command ``upright``: finds the command's module, and turns what goes wrong into a line and an exit code.

Nothing is imported here that ``upright version`` does not need: each command imports its own.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from upright.client.cli.troubles import WrongUsage

_WITH_VALUE = frozenset({"--color", "--klog"})
_INTERRUPTED = 130
_PIPE_CLOSED = 141
_PATIENCE_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; the process's own, where no arguments are given, ends with it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(words)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        code = _PIPE_CLOSED
    if arguments is None:
        _end(code)
    return code


def _end(code: int) -> None:
    """End the process, where much was imported: Python would take all of it apart, piece by piece.

    A thread that does not end is left: it waits in the kernel, for a pipe or a file server that is away.
    """
    threading = sys.modules.get("threading")
    if threading is None:
        return
    others = [one for one in threading.enumerate() if one is not threading.current_thread() and not one.daemon]
    for one in others:
        one.join(_PATIENCE_SECONDS / len(others))
    import atexit  # noqa: PLC0415  reason: said above
    import os  # noqa: PLC0415  reason: said above

    if not any(one.is_alive() for one in others):
        atexit._run_exitfuncs()  # noqa: SLF001  reason: what Python itself calls then
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = _PIPE_CLOSED
    os._exit(code)


def _run(words: list[str]) -> int:
    leading = _leading(words)
    if words[leading:] == ["version"] and not leading:
        return int(import_module("upright.client.cli.commands.version").run([]))
    from upright.client.cli.command_files import find  # noqa: PLC0415  reason: said above
    from upright.client.cli.troubles import Trouble, WrongUsage  # noqa: PLC0415  reason: said above

    module, name, rest = find(words[leading:])
    try:
        code = _dispatch(module, name, words[:leading] + rest)
        sys.stdout.flush()
    except WrongUsage as error:
        sys.stderr.write(f'Error: {error}\nRun "{f"upright {name}".rstrip()} -h" for help.\n')
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


def _dispatch(module: ModuleType | None, name: str, arguments: list[str]) -> int:
    if module is None:
        return _without_command(arguments)
    if not hasattr(module, "run"):
        return _group(name, arguments)
    from upright.client.cli.flags import HelpWanted  # noqa: PLC0415  reason: said at the top

    try:
        return int(module.run(arguments))
    except HelpWanted:
        from upright.client.cli.command_files import listed  # noqa: PLC0415  reason: as above

        below = listed(name) if hasattr(module, "__path__") else {}
        return _help(import_module("upright.client.cli.help_text").of_command(module.command(), below))


def _without_command(arguments: list[str]) -> int:
    from upright.client.cli.command_files import listed  # noqa: PLC0415  reason: said at the top

    word = next((word for word in arguments if not word.startswith("-")), "")
    if word == "help":
        return _run([*arguments[arguments.index("help") + 1 :], "-h"])
    if "--version" in arguments:
        return int(import_module("upright.client.cli.commands.version").run([]))
    wants_help = not arguments or {"-h", "--help"} & set(arguments)
    if said := import_module("upright.client.cli.of_tilt").in_vain(word):
        sys.stderr.write(f"{said}\n")
        return 0
    if word or not wants_help:
        raise _refused(listed(), "", arguments)
    return _help_of("", listed())


def _group(name: str, arguments: list[str]) -> int:
    """Answer for a word that has commands below it and is none itself."""
    from upright.client.cli.command_files import listed  # noqa: PLC0415  reason: said at the top

    if not arguments or {"-h", "--help"} & set(arguments):
        return _help_of(name, listed(name))
    raise _refused(listed(name), name, arguments)


def _refused(commands: dict[str, str], below: str, arguments: list[str]) -> WrongUsage:
    """Return why a line is refused that has none of the commands."""
    from upright.client.cli.troubles import WrongUsage, closest  # noqa: PLC0415  reason: said at the top

    word = next((word for word in arguments if not word.startswith("-")), "")
    if not word:
        return WrongUsage(f"{arguments[-1]}: a command is missing: {', '.join(commands)}")
    asked = f"{below} {word}".lstrip()
    if why := import_module("upright.client.cli.of_tilt").why_not(asked):
        return WrongUsage(f'there is no "{asked}" as Tilt has it: {why}')
    return WrongUsage(f'unknown command "{asked}"{closest(word, list(commands))}')


def _help_of(name: str, commands: dict[str, str]) -> int:
    module = import_module("upright.client.cli.help_text")
    if not name:
        return _help(module.of_all(commands))
    from upright.client.cli.command_files import find  # noqa: PLC0415  reason: said at the top

    below = [find([*name.split(), word])[0] for word in commands]
    examples = "\n".join(one.command().examples.partition("\n")[0] for one in below if one is not None)
    return _help(module.of_group(name, commands, examples))


def _help(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _close_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's own flush at the end does not complain."""
    import os  # noqa: PLC0415  reason: said at the top

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
