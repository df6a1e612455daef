"""What ``-h`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.flags import GLOBAL_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upright.client.cli.flags import Command, Flag

_COLUMN = 30
_WIDTH = 118
_NAMES = 15
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Run a Tiltfile", ("ci", "up", "down", "init", "doctor")),
    ("Look at a run", ("get", "describe", "logs", "wait", "explain", "api-resources")),
    ("Steer a run", ("trigger", "enable", "disable", "args")),
    ("Change objects", ("apply", "create", "edit", "patch", "label", "annotate", "delete")),
)
"""How help orders the commands; what is in none of these comes last."""


def of_command(command: Command, below: Mapping[str, str] | None = None) -> str:
    """Return a command's help; ``below`` are the commands below it, if any."""
    parts = [f"{command.about}\n", f"Usage:\n  {command.usage}\n", f"Examples:\n{_indented(command.examples)}\n"]
    if below:
        parts.append(f"Commands below it:\n{_rows(below)}")
    if command.flags:
        parts.append(f"Flags:\n{_flags(command.flags)}")
    parts.append(f"Global flags:\n{_flags(GLOBAL_FLAGS)}")
    return "\n".join(parts)


def of_group(name: str, commands: Mapping[str, str], examples: str) -> str:
    """Return the commands below a word that is none itself."""
    return (
        f"Usage:\n  upright {name} COMMAND [flags]\n\n"
        f"Examples:\n{_indented(examples)}\n\n"
        f"Commands:\n{_rows(commands)}\n"
        f'Run "upright {name} COMMAND -h" for more on one of them.\n'
    )


def of_all(commands: Mapping[str, str]) -> str:
    """Return the list of commands."""
    left = dict(commands)
    groups = {title: {name: left.pop(name) for name in names if name in left} for title, names in _GROUPS}
    listed = "\n".join(f"{title}:\n{_rows(found)}" for title, found in {**groups, "More": left}.items() if found)
    return (
        "upright runs a Tiltfile to a verdict.\n\n"
        "Usage:\n  upright COMMAND [flags]\n\n"
        "Examples:\n  upright ci                      # build, deploy, and say whether all is healthy\n"
        "  upright get resources           # what a run is doing, from another terminal\n\n"
        f"{listed}\n"
        f"Global flags:\n{_flags(GLOBAL_FLAGS)}\n"
        'Run "upright COMMAND -h" for more on one of them.\n'
    )


def _rows(commands: Mapping[str, str]) -> str:
    width = max(map(len, commands), default=0) + 2
    return "".join(f"  {name:<{max(width, _NAMES)}}{about}\n" for name, about in commands.items())


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
