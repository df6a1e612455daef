"""Methods of strings. Indices count code points, where starlark-go counts bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import checked, positional, sequence
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.formatting import brace
from upright.controllers.tiltfile.language.operators import MAX_REPEATED
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.language.values import HostValue, List, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Call = tuple[Value, ...]
Named = dict[str, Value]


class Elements(HostValue):
    """What ``elems()`` and its like return: something to iterate over, not a list."""

    starlark_type = "string.elems"

    def __init__(self, text: str, name: str, convert: Callable[[str], Value]) -> None:
        self.text = text
        self.name = name
        self.convert = convert

    def elements(self) -> Iterable[Value]:
        return map(self.convert, self.text)

    def __len__(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return f"{quote(self.text)}.{self.name}()"


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


def _elements(name: str, convert: Callable[[str], Value]) -> Callable[[Value, Call, Named], Value]:
    return _plain(name, lambda text: Elements(text, name, convert))


def _stripped(name: str, strip: Callable[[str, str | None], str]) -> Callable[[Value, Call, Named], Value]:
    def method(text: str, args: Call, kwargs: Named) -> str:
        (letters,) = positional(name, args, kwargs, least=0, most=1)
        return strip(text, None if letters is None else _check(name, 1, letters, str, "string"))

    return method


def _affix(name: str, has: Callable[[str, Value], bool]) -> Callable[[Value, Call, Named], Value]:
    """Return startswith or endswith."""

    def method(text: str, args: Call, kwargs: Named) -> bool:
        affix, start, end = positional(name, args, kwargs, least=1, most=3)
        if isinstance(affix, tuple):
            for at, part in enumerate(affix):
                if type(part) is not str:
                    raise Failure(f"{name}: want string, got {type_name(part)}, for element {at}")
        elif type(affix) is not str:
            raise Failure(f"{name}: got {type_name(affix)}, want string or tuple of string")
        return has(text[_span(name, start, end)], affix)

    return method


def _span(name: str, start: Value, end: Value) -> slice:
    for at, bound in ((2, start), (3, end)):
        if bound is not None:
            _check(name, at, bound, int, "int")
    return slice(start, end)


def _removed(name: str, remove: Callable[[str, str], str]) -> Callable[[Value, Call, Named], Value]:
    def method(text: str, args: Call, kwargs: Named) -> str:
        (affix,) = positional(name, args, kwargs, least=1, most=1)
        return remove(text, _check(name, 1, affix, str, "string"))

    return method


def _search(name: str, find: Callable[..., int], *, must: bool = False) -> Callable[[Value, Call, Named], Value]:
    """Return find, rfind, index or rindex."""

    def method(text: str, args: Call, kwargs: Named) -> int:
        wanted, start, end = positional(name, args, kwargs, least=1, most=3)
        span = _span(name, start, end)
        found = find(text, _check(name, 1, wanted, str, "string"), span.start, span.stop)
        if must and found < 0:
            raise Failure(f"{name}: substring not found")
        return found

    return method


def _split(name: str, split: Callable[..., list[str]]) -> Callable[[Value, Call, Named], Value]:
    """Return split or rsplit."""

    def method(text: str, args: Call, kwargs: Named) -> List:
        separator, most = positional(name, args, kwargs, least=0, most=2)
        if separator is not None and not _check(name, 1, separator, str, "string"):
            raise Failure(f"{name}: empty separator")
        most = -1 if most is None else _check(name, 2, most, int, "int")
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
    try:
        return brace(text, args, kwargs)
    except Failure as failure:
        raise Failure(f"format: {failure}") from None


def _join(text: str, args: Call, kwargs: Named) -> str:
    (items,) = positional("join", args, kwargs, least=1, most=1)
    parts = checked("join", 1, items, sequence)
    for part in parts:
        if type(part) is not str:
            raise Failure(f"join: in list, want string, got {type_name(part)}")
    _check_size("join", sum(map(len, parts)) + len(text) * len(parts))
    return text.join(parts)


def _count(text: str, args: Call, kwargs: Named) -> int:
    wanted, start, end = positional("count", args, kwargs, least=1, most=3)
    return text[_span("count", start, end)].count(_check("count", 1, wanted, str, "string"))


def _replace(text: str, args: Call, kwargs: Named) -> str:
    old, new, most = positional("replace", args, kwargs, least=2, most=3)
    _check("replace", 1, old, str, "string")
    _check("replace", 2, new, str, "string")
    _check_size("replace", text.count(old) * len(new))
    return text.replace(old, new, -1 if most is None else _check("replace", 3, most, int, "int"))


def _splitlines(text: str, args: Call, kwargs: Named) -> List:
    (keep,) = positional("splitlines", args, kwargs, least=0, most=1)
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
    return List(lines if keep else (line.removesuffix("\n") for line in lines))


STRING_METHODS: dict[str, Callable[[Value, Call, Named], Value]] = {
    "capitalize": _plain("capitalize", str.capitalize),
    "codepoint_ords": _elements("codepoint_ords", ord),
    "codepoints": _elements("codepoints", str),
    "count": _count,
    "elem_ords": _elements("elem_ords", ord),
    "elems": _elements("elems", str),
    "endswith": _affix("endswith", str.endswith),
    "find": _search("find", str.find),
    "format": _format,
    "index": _search("index", str.find, must=True),
    "isalnum": _plain("isalnum", str.isalnum),
    "isalpha": _plain("isalpha", str.isalpha),
    "isdigit": _plain("isdigit", str.isdigit),
    "islower": _plain("islower", str.islower),
    "isspace": _plain("isspace", str.isspace),
    "istitle": _plain("istitle", str.istitle),
    "isupper": _plain("isupper", str.isupper),
    "join": _join,
    "lower": _plain("lower", str.lower),
    "lstrip": _stripped("lstrip", str.lstrip),
    "partition": _partition("partition", str.partition),
    "removeprefix": _removed("removeprefix", str.removeprefix),
    "removesuffix": _removed("removesuffix", str.removesuffix),
    "replace": _replace,
    "rfind": _search("rfind", str.rfind),
    "rindex": _search("rindex", str.rfind, must=True),
    "rpartition": _partition("rpartition", str.rpartition),
    "rsplit": _split("rsplit", str.rsplit),
    "rstrip": _stripped("rstrip", str.rstrip),
    "split": _split("split", str.split),
    "splitlines": _splitlines,
    "startswith": _affix("startswith", str.startswith),
    "strip": _stripped("strip", str.strip),
    "title": _plain("title", str.title),
    "upper": _plain("upper", str.upper),
}
