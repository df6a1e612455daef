"""The functions that every Starlark program has."""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language import bytewise
from upright.controllers.tiltfile.language.access import attribute, attributes
from upright.controllers.tiltfile.language.arguments import (
    Arguments,
    bind,
    boolean,
    checked,
    function_value,
    integer,
    optional,
    positional,
    required,
    sequence,
)
from upright.controllers.tiltfile.language.dict_methods import pairs
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.numbers import to_float, to_int
from upright.controllers.tiltfile.language.operators import greater, less
from upright.controllers.tiltfile.language.text import to_repr, to_str
from upright.controllers.tiltfile.language.values import Builtin, Dict, List, Set, Value, iterable, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Call = tuple[Value, ...]
Named = dict[str, Value]


def _one(name: str, apply: Callable[[Value], Value]) -> Builtin:
    """Return a function of exactly one positional argument."""

    def run(args: Call, kwargs: Named) -> Value:
        (value,) = positional(name, args, kwargs, least=1, most=1)
        return apply(value)

    return Builtin(name, run)


def _exactly_one(name: str, apply: Callable[[Value], Value]) -> Builtin:
    """Return a function like ``_one``, with the words of str and type for a wrong count."""

    def run(args: Call, kwargs: Named) -> Value:
        if not kwargs and len(args) != 1:
            raise Failure(f"{name}: got {len(args)} arguments, want exactly 1")
        (value,) = positional(name, args, kwargs, least=1, most=1)
        return apply(value)

    return Builtin(name, run)


def _items(name: str, value: Value) -> list[Value]:
    return checked(name, 1, value, sequence)


def _absolute(value: Value) -> Value:
    if type(value) not in {int, float}:
        raise Failure(f"got {type_name(value)}, want int or float")
    return abs(value)


def _character(code: Value) -> str:
    if type(code) is not int:
        raise Failure(f"chr: got {type_name(code)}, want int")
    if not 0 <= code <= 0x10FFFF:
        shown = code if code < 0 else f"U+{code:04X}"
        limit = "<0" if code < 0 else ">0x10FFFF"
        raise Failure(f"chr: Unicode code point {shown} out of range ({limit})")
    return chr(code)


def _code_point(text: Value) -> int:
    if type(text) is not str:
        raise Failure(f"ord: got {type_name(text)}, want string or bytes")
    if len(text) != 1:
        raise Failure(f"ord: string encodes {len(text)} Unicode code points, want 1")
    return 0xFFFD if "\udc80" <= text <= "\udcff" else ord(text)


def _length(value: Value) -> int:
    if not isinstance(value, str | list | tuple | dict | Set | range) and not hasattr(value, "__len__"):
        raise Failure(f"len: value of type {type_name(value)} has no len")
    return bytewise.length(value) if isinstance(value, str) else len(value)


def _hash(text: Value) -> int:
    """Return the string's hash: Java's, over code points as in starlark-go."""
    if type(text) is not str:
        raise Failure(f"hash: got {type_name(text)}, want string or bytes")
    total = 0
    for code in text:
        total = (31 * total + ord(code)) & 0xFFFFFFFF
    return total - (1 << 32) if total >> 31 else total


def _make_dict(args: Call, kwargs: Named) -> Dict:
    if len(args) > 1:
        raise Failure(f"dict: got {len(args)} arguments, want at most 1")
    made = Dict(pairs("dict", args[0]) if args else ())
    made.update(kwargs)
    return made


def _enumerate(args: Call, kwargs: Named) -> List:
    items, start = positional("enumerate", args, kwargs, least=1, most=2)
    return List(enumerate(_items("enumerate", items), checked("enumerate", 2, start, integer) if len(args) > 1 else 0))


def _collection(name: str, make: Callable[[list[Value]], Value]) -> Builtin:
    """Return list, tuple or set."""

    def run(args: Call, kwargs: Named) -> Value:
        positional(name, args, kwargs, least=0, most=1)
        return make(_items(name, args[0]) if args else [])

    return Builtin(name, run)


def _make_set(items: list[Value]) -> Set:
    try:
        return Set(items)
    except Failure as failure:
        raise Failure(f"set: {failure}") from None


def _range(args: Call, kwargs: Named) -> range:
    positional("range", args, kwargs, least=1, most=3)
    for at, value in enumerate(args, 1):
        if type(value) is not int:
            raise Failure(f"range: for parameter {at}: got {type_name(value)}, want int")
    if len(args) == 3 and args[2] == 0:
        raise Failure("range: step argument must not be zero")
    return range(*args)


def _zip(args: Call, kwargs: Named) -> List:
    if kwargs:
        raise Failure("zip does not accept keyword arguments")
    columns: list[Iterable[Value]] = []
    for at, value in enumerate(args, 1):
        items = iterable(value)
        if items is None:
            raise Failure(f"zip: argument #{at} is not iterable: {type_name(value)}")
        columns.append(items)
    return List(zip(*columns, strict=False))


class _Sorted(Arguments):
    iterable: list[Value] = required(sequence)
    key: Callable[[Value], Value] | None = optional(function_value, None, none_is_unset=True)
    reverse: bool = optional(boolean, default=False)


def _sorted(args: Call, kwargs: Named) -> List:
    given = bind("sorted", _Sorted, (args, kwargs), "")
    key = given.key
    order = cmp_to_key(lambda left, right: -1 if less(left, right) else 1 if less(right, left) else 0)
    return List(
        sorted(given.iterable, key=order if key is None else lambda item: order(key(item)), reverse=given.reverse)
    )


class _Best(Arguments):
    key: Callable[[Value], Value] | None = optional(function_value, None, none_is_unset=True)


def _best(name: str, better: Callable[[Value, Value], bool]) -> Builtin:
    """Return min or max: of one iterable, or of several arguments."""

    def run(args: Call, kwargs: Named) -> Value:
        if not args:
            raise Failure(f"{name} requires at least one positional argument")
        key = bind(name, _Best, ((), kwargs), "").key
        if len(args) == 1 and iterable(args[0]) is None:
            raise Failure(f"{name}: {type_name(args[0])} value is not iterable")
        items = _items(name, args[0]) if len(args) == 1 else list(args)
        if not items:
            raise Failure(f"{name}: argument is an empty sequence")
        try:
            return _extreme(items, better, key)
        except Failure as failure:
            raise Failure(f"{name}: {failure}") from None

    return Builtin(name, run)


def _extreme(items: list[Value], better: Callable[[Value, Value], bool], key: Callable[[Value], Value] | None) -> Value:
    best = items[0]
    measure = key(best) if key else best
    for item in items[1:]:
        own = key(item) if key else item
        if better(own, measure):
            best, measure = item, own
    return best


def _getattr(args: Call, kwargs: Named) -> Value:
    value, name, default = positional("getattr", args, kwargs, least=2, most=3)
    if type(name) is not str:
        raise Failure(f"getattr: for parameter 2: got {type_name(name)}, want string")
    try:
        return attribute(value, name)
    except Failure as failure:
        if len(args) == 3:
            return default
        raise Failure(f"getattr: {failure}") from None


def _hasattr(args: Call, kwargs: Named) -> bool:
    value, name = positional("hasattr", args, kwargs, least=2, most=2)
    if type(name) is not str:
        raise Failure(f"hasattr: for parameter 2: got {type_name(name)}, want string")
    return name in attributes(value)


def _to_bool(args: Call, kwargs: Named) -> bool:
    (value,) = positional("bool", args, kwargs, least=0, most=1)
    return bool(value)


UNIVERSE: dict[str, Value] = {
    "abs": _one("abs", _absolute),
    "all": _one("all", lambda value: all(_items("all", value))),
    "any": _one("any", lambda value: any(_items("any", value))),
    "bool": Builtin("bool", _to_bool),
    "chr": _one("chr", _character),
    "dict": Builtin("dict", _make_dict),
    "dir": _one("dir", lambda value: List(attributes(value))),
    "enumerate": Builtin("enumerate", _enumerate),
    "float": Builtin("float", to_float),
    "getattr": Builtin("getattr", _getattr),
    "hasattr": Builtin("hasattr", _hasattr),
    "hash": _one("hash", _hash),
    "int": Builtin("int", to_int),
    "len": _one("len", _length),
    "list": _collection("list", List),
    "max": _best("max", greater),
    "min": _best("min", less),
    "ord": _one("ord", _code_point),
    "range": Builtin("range", _range),
    "repr": _one("repr", to_repr),
    "reversed": _one("reversed", lambda value: List(reversed(_items("reversed", value)))),
    "set": _collection("set", _make_set),
    "sorted": Builtin("sorted", _sorted),
    "str": _exactly_one("str", to_str),
    "tuple": _collection("tuple", tuple),
    "type": _exactly_one("type", type_name),
    "zip": Builtin("zip", _zip),
}
