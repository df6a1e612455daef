"""Methods of strings. Indices count bytes, as in starlark-go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language import bytewise
from upright.controllers.tiltfile.language.arguments import checked, positional, sequence
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.formatting import brace
from upright.controllers.tiltfile.language.operators import MAX_REPEATED
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.language.values import List, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

Call = tuple[Value, ...]
Named = dict[str, Value]


def _check(name: str, at: int, value: Value, kind: type, want: str) -> Value:
    if type(value) is not kind:
        raise Failure(f"{name}: for parameter {at}: got {type_name(value)}, want {want}")
    return value


def _check_size(name: str, length: int) -> None:
    if length > MAX_REPEATED:
        raise Failure(f"{name}: too large: string of {length} elements")


def _plain(name: str, change: Callable[[str], Value]) -> Callable[[Value, Call, Named], Value]:
    """Return a method without arguments."""

    def method(text: str, args: Call, kwargs: Named) -> Value:
        positional(name, args, kwargs, least=0, most=0)
        return change(text)

    return method


def _elements(
    name: str, kind: type[bytewise.Elements | bytewise.CodePoints], *, ordinals: bool
) -> Callable[[Value, Call, Named], Value]:
    return _plain(name, lambda text: kind(text, f"{quote(text)}.{name}()", ordinals=ordinals))


def _stripped(name: str, strip: Callable[[str, str], str]) -> Callable[[Value, Call, Named], Value]:
    def method(text: str, args: Call, kwargs: Named) -> str:
        (letters,) = positional(name, args, kwargs, least=0, most=1)
        return bytewise.strip(text, strip, _check(name, 1, letters, str, "string") if args else None)

    return method


def _affix(name: str, has: Callable[[str, Value], bool]) -> Callable[[Value, Call, Named], Value]:
    """Return startswith or endswith."""

    def method(text: str, args: Call, kwargs: Named) -> bool:
        affix, start, end = positional(name, args, kwargs, least=1, most=3)
        text = bytewise.part(text, _span(name, start, end))
        if not isinstance(affix, str | tuple):
            raise Failure(f"{name}: got {type_name(affix)}, want string or tuple of string")
        for at, part in enumerate(affix if isinstance(affix, tuple) else (affix,)):
            if type(part) is not str:
                raise Failure(f"{name}: want string, got {type_name(part)}, for element {at}")
            if has(text, part):
                return True
        return False

    return method


def _span(name: str, start: Value, end: Value) -> slice:
    for what, bound in (("start", start), ("end", end)):
        if bound is not None and type(bound) is not int:
            raise Failure(f"{name}: invalid {what} index: got {type_name(bound)}, want int")
    return slice(start, end)


def _removed(name: str, remove: Callable[[str, str], str]) -> Callable[[Value, Call, Named], Value]:
    def method(text: str, args: Call, kwargs: Named) -> str:
        (affix,) = positional(name, args, kwargs, least=1, most=1)
        return remove(text, _check(name, 1, affix, str, "string"))

    return method


def _search(name: str, *, last: bool = False, must: bool = False) -> Callable[[Value, Call, Named], Value]:
    """Return find, rfind, index or rindex."""

    def method(text: str, args: Call, kwargs: Named) -> int:
        wanted, start, end = positional(name, args, kwargs, least=1, most=3)
        _check(name, 1, wanted, str, "string")
        found = bytewise.position(text, wanted, _span(name, start, end), last=last)
        if must and found < 0:
            raise Failure(f"{name}: substring not found")
        return found

    return method


def _split(name: str, split: Callable[..., list[str]]) -> Callable[[Value, Call, Named], Value]:
    """Return split or rsplit."""

    def method(text: str, args: Call, kwargs: Named) -> List:
        separator, most = positional(name, args, kwargs, least=0, most=2)
        most = _check(name, 2, most, int, "int") if len(args) > 1 else -1
        if separator is None:
            return List(bytewise.split(text, split, most))
        if type(separator) is not str:
            raise Failure(f"{name}: got {type_name(separator)} for separator, want string")
        if not separator:
            raise Failure("split: empty separator")
        return List(split(text, separator, most))

    return method


def _partition(name: str, cut: Callable[[str, str], tuple[str, str, str]]) -> Callable[[Value, Call, Named], Value]:
    def method(text: str, args: Call, kwargs: Named) -> tuple[str, str, str]:
        (separator,) = positional(name, args, kwargs, least=1, most=1)
        if not _check(name, 1, separator, str, "string"):
            raise Failure(f"{name}: empty separator")
        return cut(text, separator)

    return method


def _format(text: str, args: Call, kwargs: Named) -> str:
    return bytewise.whole(brace(text, args, kwargs))


def _join(text: str, args: Call, kwargs: Named) -> str:
    (items,) = positional("join", args, kwargs, least=1, most=1)
    parts = checked("join", 1, items, sequence)
    for part in parts:
        if type(part) is not str:
            raise Failure(f"join: in list, want string, got {type_name(part)}")
    _check_size("join", sum(map(len, parts)) + len(text) * len(parts))
    return bytewise.whole(text.join(parts))


def _count(text: str, args: Call, kwargs: Named) -> int:
    wanted, start, end = positional("count", args, kwargs, least=1, most=3)
    _check("count", 1, wanted, str, "string")
    return bytewise.part(text, _span("count", start, end)).count(wanted)


def _replace(text: str, args: Call, kwargs: Named) -> str:
    old, new, most = positional("replace", args, kwargs, least=2, most=3)
    _check("replace", 1, old, str, "string")
    _check("replace", 2, new, str, "string")
    _check_size("replace", text.count(old) * len(new))
    return bytewise.whole(text.replace(old, new, _check("replace", 3, most, int, "int") if len(args) > 2 else -1))


def _splitlines(text: str, args: Call, kwargs: Named) -> List:
    (keep,) = positional("splitlines", args, kwargs, least=0, most=1)
    if args:
        _check("splitlines", 1, keep, bool, "bool")
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    return List(lines if keep else (line.removesuffix("\n") for line in lines))


STRING_METHODS: dict[str, Callable[[Value, Call, Named], Value]] = {
    "capitalize": _plain("capitalize", bytewise.capitalize),
    "codepoint_ords": _elements("codepoint_ords", bytewise.CodePoints, ordinals=True),
    "codepoints": _elements("codepoints", bytewise.CodePoints, ordinals=False),
    "count": _count,
    "elem_ords": _elements("elem_ords", bytewise.Elements, ordinals=True),
    "elems": _elements("elems", bytewise.Elements, ordinals=False),
    "endswith": _affix("endswith", str.endswith),
    "find": _search("find"),
    "format": _format,
    "index": _search("index", must=True),
    "isalnum": _plain("isalnum", bytewise.is_alphanumeric),
    "isalpha": _plain("isalpha", str.isalpha),
    "isdigit": _plain("isdigit", bytewise.is_digit),
    "islower": _plain("islower", str.islower),
    "isspace": _plain("isspace", bytewise.is_space),
    "istitle": _plain("istitle", str.istitle),
    "isupper": _plain("isupper", str.isupper),
    "join": _join,
    "lower": _plain("lower", bytewise.lower),
    "lstrip": _stripped("lstrip", str.lstrip),
    "partition": _partition("partition", str.partition),
    "removeprefix": _removed("removeprefix", str.removeprefix),
    "removesuffix": _removed("removesuffix", str.removesuffix),
    "replace": _replace,
    "rfind": _search("rfind", last=True),
    "rindex": _search("rindex", last=True, must=True),
    "rpartition": _partition("rpartition", str.rpartition),
    "rsplit": _split("rsplit", str.rsplit),
    "rstrip": _stripped("rstrip", str.rstrip),
    "split": _split("split", str.split),
    "splitlines": _splitlines,
    "startswith": _affix("startswith", str.startswith),
    "strip": _stripped("strip", str.strip),
    "title": _plain("title", bytewise.title),
    "upper": _plain("upper", bytewise.upper),
}
