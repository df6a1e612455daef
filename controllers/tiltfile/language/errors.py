"""What goes wrong in a Tiltfile, with its place, the source line and the Starlark call stack.

Failure           said by a builtin or an operator while the Tiltfile runs
  WrongValue      an argument's value does not fit; the caller names the parameter
  NotLoaded       a file that cannot be read, or that loads itself
  Failures        several that were found together
Exit              exit(): the Tiltfile stops, and all is well
Interrupted       cancelled from outside, or out of time (BaseException: nothing on the way may swallow it)
TiltfileError     any of these once its place and call stack are known; what callers of the evaluator see
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence


MAX_SHOWN = 10
"""How many errors that were found together are shown."""


class Failure(Exception):
    """The Tiltfile cannot go on; the evaluator adds the place, unless it is known here."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


class WrongValue(Failure):
    """An argument's value does not fit, such as ``got int, want string``."""


class NotLoaded(Failure):
    """A file that cannot be executed at all: who loads it says by which name."""


class Failures(Failure):
    """Several that were found together, at least one."""

    def __init__(self, all_of_them: Sequence[Failure]) -> None:
        super().__init__(str(all_of_them[0]), all_of_them[0].place)
        self.all = tuple(all_of_them)

    @classmethod
    def check(cls, found: Sequence[Failure]) -> None:
        """Raise what was found, if anything."""
        if found:
            raise found[0] if len(found) == 1 else cls(found)


class Exit(Exception):
    """The Tiltfile called exit()."""


class Interrupted(BaseException):
    """The evaluation was cancelled from outside; ``report`` says where it was, once that is known."""

    def __init__(self, reason: str = "", report: TiltfileError | None = None) -> None:
        super().__init__(reason)
        self.report = report


class Place(Struct, frozen=True):
    """A place in a file: line and column count from 1, as editors do; ``width`` characters are meant."""

    path: str
    line: int
    column: int = 1
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Frame(Struct, frozen=True):
    """One step of the Starlark call stack; a builtin has no place, nor has a ``…`` that stands for many."""

    name: str
    place: Place | None

    def __str__(self) -> str:
        if self.name.startswith("…"):
            return self.name
        return f"{self.place or '<builtin>'}: in {self.name}"


class TiltfileError(Exception):
    """A Tiltfile that cannot be evaluated.

    ``frames`` run from the outermost call to the innermost, ``place`` is the innermost place, ``source`` its line of
    text, ``builtin`` the function that complained. ``others`` were found together with it. ``str()`` is the whole report;
    ``message`` only what is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        source: str = "",
        frames: Sequence[Frame] = (),
        builtin: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.source = source
        self.frames = tuple(frames)
        self.builtin = builtin
        self.others: tuple[TiltfileError, ...] = ()

    def __str__(self) -> str:
        shown = [error.report() for error in (self, *self.others[: MAX_SHOWN - 1])]
        if len(self.others) >= MAX_SHOWN:
            shown.append(f"… and {len(self.others) - MAX_SHOWN + 1} more errors")
        return "\n\n".join(shown)

    def with_others(self, others: Sequence[TiltfileError]) -> TiltfileError:
        """Return the error together with others, and with those that came with them."""
        for other in others:
            self.others = (*self.others, other, *other.others)
            other.others = ()
        return self

    def report(self) -> str:
        """Return the report of this one error."""
        lines = [f"  {frame}" for frame in self.frames]
        if lines:
            lines.insert(0, "Traceback (most recent call last):")
        elif self.place:
            lines.append(f"{self.place}:")
        if self.source.strip() and self.place:
            lines += _excerpt(self.source, self.place)
        within = f" in {self.builtin}" if self.builtin else ""
        return "\n".join([*lines, f"Error{within}: {self.message}"])


def _excerpt(source: str, place: Place) -> list[str]:
    """Return the source line and the line with the carets below it, tabs kept so that they meet."""
    text = source.rstrip()
    indent = len(text) - len(text.lstrip())
    start = max(place.column - 1, 0)
    lead = "".join("\t" if letter == "\t" else " " for letter in text[indent:start])
    width = max(1, min(place.width, len(text) - start))
    return [f"    {text[indent:]}", f"    {lead}{'^' * width}"]


def nearest(word: str, known: Sequence[str]) -> str:
    """Return `` (did you mean x?)`` for the known word that is most like this one, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  reason: needed only when something is misspelt

    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
