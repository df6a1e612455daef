"""Finds commands by their files, and imports no more than the one that is meant."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

PACKAGE = "upright.client.cli.commands"
_PRIVATE = "_"


def find(words: Sequence[str]) -> tuple[ModuleType | None, str, list[str]]:
    """Return the module of the command that a line begins with, its name, and the words that are left."""
    module: ModuleType | None = None
    name, left = "", list(words)
    while left and (below := _module(module.__name__ if module else PACKAGE, left[0])) is not None:
        module, name = below, f"{name} {left.pop(0)}".lstrip()
        if not hasattr(module, "__path__"):
            break
    return module, name, left


def listed(below: str = "") -> dict[str, str]:
    """Return the commands (those below one: ``alpha``), each with what it does in a line, by their names."""
    package = f"{PACKAGE}.{_identifier(below)}" if below else PACKAGE
    return {name: _first_line(path) for name, path in sorted(_files(package))}


def _module(package: str, word: str) -> ModuleType | None:
    identifier = _identifier(word)
    if not identifier.isidentifier() or not identifier[0].isalpha() or "_" in word:
        return None
    name = f"{package}.{identifier}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _identifier(words: str) -> str:
    return words.replace("-", "_").replace(" ", ".")


def _files(package: str) -> Iterator[tuple[str, str]]:
    """Yield each command's name and the file that has its docstring."""
    import os  # noqa: PLC0415  reason: only help and mistakes list commands

    for folder in import_module(package).__path__:
        for entry in os.listdir(folder):  # noqa: PTH208  reason: pathlib takes longer than all the rest
            path = os.path.join(folder, entry)  # noqa: PTH118  reason: as above
            if entry.startswith(_PRIVATE):
                continue
            if entry.endswith(".py"):
                yield entry[:-3].replace("_", "-"), path
            elif os.path.exists(inside := os.path.join(path, "__init__.py")):  # noqa: PTH110, PTH118  reason: as above
                yield entry.replace("_", "-"), inside


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  reason: as above
        return file.readline().strip().strip('"').rstrip(".")
