"""What is left out of a build's context."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from e2b_dockerfile_utils.dockerignore import PatternMatcher

IGNORE_FILE = ".dockerignore"

_SPECIAL = "\\*?[]!#"


class ContextError(Exception):
    """The context cannot be read; the message names the path."""


class Ignore(Struct, frozen=True, dict=True):
    """Patterns in .dockerignore's syntax, relative to ``base``; no patterns: all below it."""

    base: Path
    patterns: tuple[str, ...] = ()

    @cached_property
    def _matcher(self) -> PatternMatcher:
        return _matcher(self.patterns)

    def covers(self, path: Path) -> bool:
        """Whether the path is left out."""
        relative = self._relative(path)
        if relative is None:
            return False
        return not self.patterns or self._matcher.matches(relative)

    def prunes(self, folder: Path) -> bool:
        """Whether all below a folder that is left out is left out, too."""
        relative = self._relative(folder)
        if relative is None:
            return False
        return not self.patterns or not self._matcher.may_match_under(relative)

    def _relative(self, path: Path) -> str | None:
        relative = os.path.relpath(path, self.base)
        return None if relative == os.curdir or relative.startswith(os.pardir) else relative


def ignores_of(
    context: Path, dockerfile: Path | None = None, *, only: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Ignore, ...]:
    """Return what is left out of a context: its ``.dockerignore`` (or the Dockerfile's own), ``only``, ``ignore``.

    ``only`` is a list of paths outside of which all is left out; ``ignore`` is patterns. Raises ContextError for a bad pattern.
    """
    found: list[Ignore] = []
    if patterns := read_ignore_file(ignore_file_of(context, dockerfile)):
        found.append(Ignore(context, patterns))
    if only:
        found.append(Ignore(context, ("**", *(f"!{path}" for path in only))))
    if ignore:
        found.append(Ignore(context, tuple(ignore)))
    return tuple(found)


def ignore_file_of(context: Path, dockerfile: Path | None = None) -> Path:
    """Return where the ignore patterns of a build are: ``<Dockerfile>.dockerignore`` if there is one."""
    if dockerfile is not None:
        own = dockerfile.with_name(dockerfile.name + IGNORE_FILE)
        if own.is_file():
            return own
    return context / IGNORE_FILE


def read_ignore_file(path: Path) -> tuple[str, ...]:
    """Return the patterns of an ignore file, none if it is not there. Raises ContextError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ContextError(f"cannot read {path}: {error}") from error
    patterns = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    try:
        _matcher(patterns)
    except ContextError as error:
        raise ContextError(f"{path}: {error}") from error
    return patterns


def walk(context: Path, ignores: Sequence[Ignore]) -> Iterator[tuple[Path, bool]]:
    """Yield what is in a context, in order, and whether it is left out; a folder left out as a whole is not entered.

    Blocks. Raises ContextError.
    """
    open_folders = [context]
    while open_folders:
        below: list[Path] = []
        for path in _listed(open_folders.pop()):
            covering = [ignore for ignore in ignores if ignore.covers(path)]
            is_folder = path.is_dir() and not path.is_symlink()
            entered = is_folder and not any(ignore.prunes(path) for ignore in covering)
            if entered:
                below.append(path)
            if not (entered and covering):
                yield path, bool(covering)
        open_folders += reversed(below)


def ignore_patterns(context: Path, ignores: Sequence[Ignore]) -> list[str]:
    """Return one list of .dockerignore patterns that leaves out what all of ``ignores`` together do. Blocks."""
    lists = [_rebased(context, ignore) for ignore in ignores]
    with_exceptions = [patterns for patterns in lists if patterns and any(one.startswith("!") for one in patterns)]
    if None in lists or len(with_exceptions) > 1:
        return [_literal(path.relative_to(context)) for path, left_out in walk(context, ignores) if left_out]
    # Exceptions only take back what was said before them, so the list that has some comes first.
    ordered = sorted((patterns for patterns in lists if patterns), key=lambda patterns: patterns not in with_exceptions)
    return [pattern for patterns in ordered for pattern in patterns]


def _rebased(context: Path, ignore: Ignore) -> list[str] | None:
    """Return patterns relative to the context, None if that takes more than a prefix."""
    if not ignore.patterns:
        if context.is_relative_to(ignore.base):
            return ["**"]
        return [_literal(ignore.base.relative_to(context))] if ignore.base.is_relative_to(context) else []
    if ignore.base == context:
        return list(ignore.patterns)
    if not ignore.base.is_relative_to(context):
        return None if context.is_relative_to(ignore.base) else []
    prefix = _literal(ignore.base.relative_to(context))
    return [
        f"{'!' if pattern.startswith('!') else ''}{prefix}/{pattern.removeprefix('!').strip().lstrip('/')}"
        for pattern in ignore.patterns
    ]


def _literal(path: Path) -> str:
    """Return a pattern that matches this path and no other."""
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in path.as_posix())


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:  # gone meanwhile
        return []
    except OSError as error:
        raise ContextError(f"cannot read {folder}: {error.strerror}") from error


def _matcher(patterns: Sequence[str]) -> PatternMatcher:
    from e2b_dockerfile_utils.dockerignore import PatternMatcher  # noqa: PLC0415  reason: only where something is built

    try:
        return PatternMatcher(list(patterns))
    except ValueError as error:
        raise ContextError(str(error)) from error
