"""Command lines, read as Tilt and kubectl read theirs: flags anywhere, ``--name=value`` or apart, ``--`` ends them.

argparse reads them otherwise (it guesses at prefixes, and takes the ``--`` away), and costs more than all of ``get``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TRUE = frozenset({"true", "1", "t"})
_FALSE = frozenset({"false", "0", "f"})


class HelpWanted(Exception):
    """-h was among the arguments."""


class Flag(NamedTuple):
    """A flag. ``value`` is what help calls its value; a flag without one is a switch.

    ``variables`` stand for the flag where it is not given, the first that is set. ``many``: may be repeated, and its
    value is a list separated by commas. ``hidden`` flags work but are not shown.
    """

    name: str
    about: str
    value: str = ""
    short: str = ""
    default: str = ""
    choices: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    many: bool = False
    hidden: bool = False


class Command(NamedTuple):
    """What help says of a command, and the flags it takes beside the global ones."""

    name: str
    about: str
    usage: str
    examples: str
    flags: tuple[Flag, ...] = ()


GLOBAL_FLAGS = (
    Flag("debug", "log what upright itself does", short="d"),
    Flag("verbose", "log more", short="v"),
    Flag(
        "color",
        "colours: auto (on a terminal), always or never",
        "WHEN",
        default="auto",
        choices=("auto", "always", "never"),
    ),
    Flag("klog", "taken as Tilt takes it; does nothing", "LEVEL", default="0", hidden=True),
    Flag("help", "show this help", short="h"),
)


class Given:
    """The flags and arguments of one command line."""

    def __init__(self, flags: Iterable[Flag], environment: Mapping[str, str]) -> None:
        self._flags = {flag.name: flag for flag in flags}
        self._environment = environment
        self._values: dict[str, list[str]] = {}
        self.arguments: list[str] = []

    def add(self, flag: Flag, value: str, spelt: str) -> None:
        """Take a flag's value. Raises WrongUsage for one that it cannot have."""
        self._values.setdefault(flag.name, []).append(_checked(flag, value, spelt))

    def on(self, name: str) -> bool:
        """Say whether a switch is on."""
        return self.text(name) == "true"

    def text(self, name: str) -> str:
        """Return the flag's value: the last one given, else its variable's, else its default."""
        values = self._values.get(name)
        return values[-1] if values else self._unsaid(self._flags[name])

    def number(self, name: str, least: int = 0, most: int = 1 << 31) -> int:
        """Return the value as a whole number. Raises WrongUsage for anything else."""
        text = self.text(name)
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise WrongUsage(f'{self.source(name)}: "{text}" is not a whole number from {least} to {most}')
        return int(text)

    def many(self, name: str) -> tuple[str, ...]:
        """Return all values of a flag that may be repeated."""
        values = self._values.get(name) or [self._unsaid(self._flags[name])]
        return tuple(part for value in values for part in value.split(",") if part)

    def knows(self, name: str) -> bool:
        """Say whether the command has such a flag."""
        return name in self._flags

    def given(self, name: str) -> bool:
        """Say whether the flag, or a variable that stands for it, was given."""
        return name in self._values or self._variable(self._flags[name]) is not None

    def source(self, name: str) -> str:
        """Return where the value comes from, for messages: ``--port`` or ``TILT_PORT``."""
        if name in self._values:
            return f"--{name}"
        return self._variable(self._flags[name]) or f"--{name}"

    def _variable(self, flag: Flag) -> str | None:
        return next((name for name in flag.variables if self._environment.get(name)), None)

    def _unsaid(self, flag: Flag) -> str:
        variable = self._variable(flag)
        return _checked(flag, self._environment[variable], variable) if variable else flag.default


def parse(command: Command, arguments: Sequence[str], environment: Mapping[str, str]) -> Given:
    """Read a command's line. Raises WrongUsage with a suggestion, or HelpWanted."""
    flags = (*command.flags, *GLOBAL_FLAGS)
    given = Given(flags, environment)
    left = list(arguments)
    while left:
        word = left.pop(0)
        if word == "--":
            given.arguments += left
            break
        if word.startswith("--"):
            _long(given, flags, word, left)
        elif word.startswith("-") and word != "-":
            _short(given, flags, word, left)
        else:
            given.arguments.append(word)
    if given.on("help"):
        raise HelpWanted
    return given


def _long(given: Given, flags: Sequence[Flag], word: str, left: list[str]) -> None:
    name, equals, value = word[2:].partition("=")
    flag = next((flag for flag in flags if flag.name == name), None)
    if flag is None:
        known = [f"--{flag.name}" for flag in flags if not flag.hidden]
        raise WrongUsage(f"unknown flag: --{name}{closest(f'--{name}', known)}")
    given.add(flag, value if equals else _next(flag, f"--{name}", left), f"--{name}")


def _short(given: Given, flags: Sequence[Flag], word: str, left: list[str]) -> None:
    """Read ``-d``, several switches as ``-dv``, or a value as ``-f x``, ``-fx`` or ``-f=x``."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = next((flag for flag in flags if flag.short == letter), None)
        if flag is None:
            raise WrongUsage(
                f"unknown flag: -{letter} in {word}{closest(f'-{word}', [f'--{flag.name}' for flag in flags])}"
            )
        if flag.value or letters.startswith("="):
            value = letters.removeprefix("=") if letters else _next(flag, f"-{letter}", left)
            given.add(flag, value, f"-{letter}")
            return
        given.add(flag, "true", f"-{letter}")


def _next(flag: Flag, spelt: str, left: list[str]) -> str:
    if not flag.value:
        return "true"
    if not left:
        raise WrongUsage(f"{spelt} needs a value: {flag.about}")
    return left.pop(0)


def _checked(flag: Flag, value: str, spelt: str) -> str:
    if not flag.value:
        if value.lower() in _TRUE:
            return "true"
        if value.lower() in _FALSE:
            return "false"
        raise WrongUsage(f'{spelt}: "{value}" is neither true nor false')
    if flag.choices and value not in flag.choices:
        raise WrongUsage(
            f'{spelt}: "{value}" is not one of {", ".join(flag.choices)}{closest(value, list(flag.choices))}'
        )
    return value
