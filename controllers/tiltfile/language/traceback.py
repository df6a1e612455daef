"""From a Python exception to the Starlark call stack, and from Python's words to Starlark's."""

from __future__ import annotations

import re
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure, Failures, Frame, Interrupted, TiltfileError, nearest
from upright.controllers.tiltfile.language.operators import equal
from upright.controllers.tiltfile.language.values import Builtin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType, FrameType, TracebackType

    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.language.source import Source

_SHOWN = {"<module>": "<toplevel>", "<lambda>": "lambda"}
_HIDDEN = {"<listcomp>", "<dictcomp>"}
_BUILTIN_CODE = Builtin.__call__.__code__
MAX_FRAMES = 20


def explain(error: BaseException, sources: Mapping[str, Source]) -> TiltfileError:
    """Return what happened in the Tiltfile's terms; ``sources`` are the files that were run, by path."""
    if isinstance(error, TiltfileError) and error.frames:
        return error
    frames, builtin = _stack(error.__traceback__, sources)
    if isinstance(error, TiltfileError):  # found before its file ran; the frames are those that load it
        frames = frames if error.place is None else [*frames, Frame("<toplevel>", error.place)] if frames else frames
        told = TiltfileError(
            error.message, place=error.place, source=error.source, frames=frames, builtin=error.builtin
        )
        return told.with_others(error.others)
    if isinstance(error, Failures):
        first, *others = (explain(one.with_traceback(error.__traceback__), sources) for one in error.all)
        return first.with_others(others)
    place = next((frame.place for frame in reversed(frames) if frame.place), None)
    place = place or getattr(error, "place", None)
    source = sources[place.path].line(place.line) if place and place.path in sources else ""
    message = _message(error)
    if isinstance(error, TypeError):  # a call that does not fit is not the fault of the builtin that makes it
        builtin = ""
    if len(frames) > MAX_FRAMES:
        half = MAX_FRAMES // 2
        skipped = Frame(f"… {len(frames) - MAX_FRAMES} more calls …", None)
        frames = [*frames[:half], skipped, *frames[-half:]]
    return TiltfileError(message, place=place, source=source, frames=frames, builtin=builtin)


def _stack(trace: TracebackType | None, sources: Mapping[str, Source]) -> tuple[list[Frame], str]:
    """Return the Starlark frames, and the builtin that failed if one was innermost."""
    frames: list[Frame] = []
    builtin = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if code is _BUILTIN_CODE:
            if builtin:
                frames.append(Frame(builtin, None))
            builtin = trace.tb_frame.f_locals["self"].name
        elif code.co_filename in sources and "@file" in trace.tb_frame.f_globals:
            if builtin:
                frames.append(Frame(builtin, None))
                builtin = ""
            place = _place(code, trace.tb_lasti, sources[code.co_filename])
            if code.co_name in _HIDDEN and frames:  # the comprehension belongs to the function around it
                frames[-1] = Frame(frames[-1].name, place)
            else:
                frames.append(Frame(_SHOWN.get(code.co_name, code.co_name), place))
        trace = trace.tb_next
    return frames, builtin


class _Same:
    """A code object as a key: by identity, for its own hash reads all of it."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __hash__(self) -> int:
        return id(self.code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.code is other.code


@lru_cache(maxsize=32)
def _positions(of: _Same) -> tuple[tuple[int | None, int | None, int | None, int | None], ...]:
    """Return where each instruction comes from: read once, for every call of a long file asks for one of them."""
    return tuple(of.code.co_positions())


def _place(code: CodeType, instruction: int, source: Source) -> Place:
    """Return the place of an instruction; not by the frame's line number, which is counted from the top each time."""
    positions = _positions(_Same(code))
    known = instruction // 2 < len(positions)
    line, end_line, start, end = positions[instruction // 2] if known else (None, None, None, None)
    if line is None or start is None:
        return source.span(line or code.co_firstlineno, 0, None)
    return source.span(line, start, end if end_line == line else None)


def calling_place(frame: FrameType | None, sources: Mapping[str, Source]) -> Place | None:
    """Return the place of the innermost frame, from ``frame`` outwards, that is a Tiltfile's."""
    while frame is not None:
        if frame.f_code.co_filename in sources and "@file" in frame.f_globals:
            return _place(frame.f_code, frame.f_lasti, sources[frame.f_code.co_filename])
        frame = frame.f_back
    return None


def _message(error: BaseException) -> str:
    if isinstance(error, Failure | Interrupted):
        return str(error)
    if isinstance(error, NameError):
        kind = "local" if isinstance(error, UnboundLocalError) or "free variable" in str(error) else "global"
        return f"{kind} variable {_quoted(error)} referenced before assignment"
    if isinstance(error, TypeError):
        for pattern, say in _PYTHON_SAYS:
            found = pattern.match(str(error))
            if found:
                return say(found) + _suggestion(found, error)
    if isinstance(error, RecursionError):
        return _overflow(error)
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return "number too large to be text"
    return _FIXED.get(type(error)) or f"internal error: {type(error).__name__}: {error}"


def _overflow(error: RecursionError) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        if trace.tb_frame.f_code is equal.__code__:
            return "comparison exceeded maximum recursion depth"
        trace = trace.tb_next
    return "stack overflow: functions call each other without end"


_FIXED: dict[type[BaseException], str] = {
    MemoryError: "out of memory",
    OverflowError: "number too large",
}


def _quoted(error: BaseException) -> str:
    found = re.search(r"'([^']+)'", str(error))
    return found[1] if found else "?"


def _suggestion(found: re.Match[str], error: BaseException) -> str:
    """Return the parameter that a misspelt keyword argument probably means."""
    trace = error.__traceback__
    if found.re.pattern != _UNEXPECTED or trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    function = frame.f_locals.get(found["name"], frame.f_globals.get(found["name"]))
    if not isinstance(function, FunctionType):
        return ""
    code = function.__code__
    return nearest(found["word"], code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


_LOCAL_NAME = r"(?:.*\.)?(?P<name>[^.()\s]+)\(\) "
_UNEXPECTED = _LOCAL_NAME + r"got an unexpected keyword argument '(?P<word>[^']*)'"


def _name(found: re.Match[str]) -> str:
    return "lambda" if found["name"] == "<lambda>" else found["name"]


def _missing(found: re.Match[str]) -> str:
    names = re.findall(r"'([^']+)'", found["names"])
    plural = "s" if len(names) > 1 else ""
    return f"function {_name(found)} missing {len(names)} argument{plural} ({', '.join(names)})"


def _too_many(found: re.Match[str]) -> str:
    wanted = found["wanted"]
    most = wanted.rpartition(" ")[2]
    plural = "" if most == "1" else "s"
    if most == "0":
        return f"function {_name(found)} accepts no arguments ({found['given']} given)"
    bound = "at most " if wanted.startswith("from ") else ""
    return f"function {_name(found)} accepts {bound}{most} positional argument{plural} ({found['given']} given)"


def _unexpected(found: re.Match[str]) -> str:
    return f'function {_name(found)} got an unexpected keyword argument "{found["word"]}"'


def _multiple(found: re.Match[str]) -> str:
    return f'function {_name(found)} got multiple values for parameter "{found["word"]}"'


def _not_callable(found: re.Match[str]) -> str:
    return f"invalid call of non-function ({_STARLARK_NAMES.get(found['word'], found['word'])})"


def _not_hashable(found: re.Match[str]) -> str:
    return f"unhashable type: {_STARLARK_NAMES.get(found['word'], found['word'])}"


_STARLARK_NAMES = {"str": "string", "List": "list", "Dict": "dict", "Set": "set", "Struct": "struct"}
_PYTHON_SAYS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(_LOCAL_NAME + r"missing \d+ required (?:positional|keyword-only) arguments?: (?P<names>.*)"), _missing),
    (re.compile(_LOCAL_NAME + r"takes (?P<wanted>.+?) positional arguments? but (?P<given>\d+) .*given"), _too_many),
    (re.compile(_UNEXPECTED), _unexpected),
    (re.compile(_LOCAL_NAME + r"got multiple values for (?:keyword )?argument '(?P<word>[^']*)'"), _multiple),
    (re.compile(r"'(?P<word>\w+)' object is not callable"), _not_callable),
    (re.compile(r"unhashable type: '(?P<word>\w+)'"), _not_hashable),
]
