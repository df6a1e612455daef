"""What may come next on a command line: commands, flags, their values, kinds, and names that a running server knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.command_files import find, listed
from upright.client.cli.flags import GLOBAL_FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from upright.client.cli.flags import Command, Flag


class Candidate(NamedTuple):
    """A word that may come next, and what it means."""

    word: str
    about: str = ""


class Known(NamedTuple):
    """What a server knows, asked only where it is needed: its kinds, and the names of a kind's objects."""

    kinds: Callable[[], Iterable[Candidate]]
    names: Callable[[str], Iterable[Candidate]]


def candidates(words: Sequence[str], known: Known) -> list[Candidate]:
    """Return what the last of these words (which may be empty) may become; they are those after ``upright``."""
    *before, partial = joined(words)
    offered = _offered(before, partial, known)
    return [offer for offer in offered if offer.word.startswith(partial)]


def joined(words: Sequence[str]) -> list[str]:
    """Return the words as they were typed; bash hands in ``--port``, ``=`` and ``80`` for ``--port=80``."""
    found: list[str] = []
    for at, word in enumerate(words):
        glued = bool(found) and (word == "=" or (words[at - 1] == "=" and "=" in found[-1]))
        if glued and found[-1].startswith("-"):
            found[-1] += word
        else:
            found.append(word)
    return found or [""]


def _offered(before: list[str], partial: str, known: Known) -> Iterable[Candidate]:
    module, name, left = find([word for word in before if word not in _GLOBAL_SWITCHES])
    below = [Candidate(*one) for one in listed(name).items()] if module is None or hasattr(module, "__path__") else []
    if module is not None and hasattr(module, "command"):
        return [*(below if not left else ()), *_of_command(module.command(), left, partial, known)]
    if left:
        return ()
    return _flags(GLOBAL_FLAGS) if partial.startswith("-") else below


def _of_command(command: Command, left: list[str], partial: str, known: Known) -> Iterable[Candidate]:
    if "--" in left:
        return ()
    flags = (*command.flags, *GLOBAL_FLAGS)
    if (flag := _awaited(flags, left)) is not None:
        return [Candidate(choice) for choice in flag.choices]
    name, equals, _ = partial.partition("=")
    if equals and (flag := _named(flags, name)) is not None:
        return [Candidate(f"{name}={choice}") for choice in flag.choices]
    if partial.startswith("-"):
        return _flags(flags)
    return _arguments(command, _without_flags(flags, left), partial, known)


def _arguments(command: Command, arguments: list[str], partial: str, known: Known) -> Iterable[Candidate]:
    """Return what the usage has there: ``TYPE NAME …``, ``RESOURCE …``, or words to choose from (``bash|zsh``)."""
    usage = command.usage.removeprefix(f"upright {command.name}").strip()
    if "TYPE" in usage:
        return _objects(arguments, partial, known)
    if "RESOURCE" in usage:
        return known.names("resource")
    first = usage.split()[0] if usage else ""
    if "|" in first and first.replace("|", "").replace("-", "").isalnum() and not arguments:
        return [Candidate(word) for word in first.split("|")]
    return ()


def _objects(arguments: list[str], partial: str, known: Known) -> Iterable[Candidate]:
    kind, slash, _ = partial.partition("/")
    if slash:
        return [Candidate(f"{kind}/{name}", about) for name, about in known.names(kind)]
    if not arguments or "/" in arguments[0]:
        return known.kinds()
    return known.names(arguments[0])


def _awaited(flags: Sequence[Flag], left: list[str]) -> Flag | None:
    """Return the flag whose value comes next; None if none does."""
    if not left or "=" in left[-1] or not left[-1].startswith("-"):
        return None
    flag = _named(flags, left[-1])
    return flag if flag is not None and flag.value else None


def _named(flags: Sequence[Flag], word: str) -> Flag | None:
    return next((flag for flag in flags if word == f"--{flag.name}" or (flag.short and word == f"-{flag.short}")), None)


def _without_flags(flags: Sequence[Flag], left: list[str]) -> list[str]:
    """Return the arguments among the words."""
    found: list[str] = []
    skip = False
    for word in left:
        if skip:
            skip = False
        elif word.startswith("-") and word != "-":
            flag = _named(flags, word)
            skip = flag is not None and bool(flag.value)
        else:
            found.append(word)
    return found


def _flags(flags: Sequence[Flag]) -> Iterator[Candidate]:
    return (Candidate(f"--{flag.name}{'=' * bool(flag.value)}", flag.about) for flag in flags if not flag.hidden)


_GLOBAL_SWITCHES = frozenset(f"--{flag.name}" for flag in GLOBAL_FLAGS if not flag.value)
