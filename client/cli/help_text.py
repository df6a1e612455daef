"""What ``-h`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.flags import GLOBAL_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upright.client.cli.flags import Command, Flag

_COLUMN = 30
_WIDTH = 118


def of_command(command: Command) -> str:
    """Return a command's help."""
    parts = [f"{command.about}\n", f"Usage:\n  {command.usage}\n", f"Examples:\n{_indented(command.examples)}\n"]
    if command.flags:
        parts.append(f"Flags:\n{_flags(command.flags)}")
    parts.append(f"Global flags:\n{_flags(GLOBAL_FLAGS)}")
    return "\n".join(parts)


def of_all(commands: Mapping[str, str]) -> str:
    """Return the list of commands."""
    rows = "".join(f"  {name:<11} {about}\n" for name, about in commands.items())
    return (
        "upright runs a Tiltfile to a verdict.\n\n"
        "Usage:\n  upright COMMAND [flags]\n\n"
        "Examples:\n  upright ci                      # build, deploy, and say whether all is healthy\n"
        "  upright get resources           # what a run is doing, from another terminal\n\n"
        f"Commands:\n{rows}\n"
        f"Global flags:\n{_flags(GLOBAL_FLAGS)}\n"
        'Run "upright COMMAND -h" for more on one of them.\n'
    )


def _flags(flags: Iterable[Flag]) -> str:
    return "".join(_row(flag) for flag in flags if not flag.hidden)


def _row(flag: Flag) -> str:
    name = f"  {f'-{flag.short}, ' if flag.short else '    '}--{flag.name}{f' {flag.value}' if flag.value else ''}"
    told = flag.about
    if flag.value and flag.default and flag.default not in told:
        told += f" (default {flag.default})"
    if flag.variables:
        told += f" [{', '.join(f'${name}' for name in flag.variables)}]"
    lines = list(_wrapped(told))
    first = f"{name:<{_COLUMN}} {lines[0]}\n" if len(name) <= _COLUMN else f"{name}\n{'':{_COLUMN}} {lines[0]}\n"
    return first + "".join(f"{'':{_COLUMN}} {line}\n" for line in lines[1:])


def _wrapped(text: str) -> Iterable[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _WIDTH - _COLUMN - 1:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    yield line


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.strip("\n").split("\n"))[:-1]
