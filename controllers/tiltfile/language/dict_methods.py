"""Methods of dicts, and how dict() and update() read their argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import positional
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import (
    Dict,
    List,
    Value,
    check_mutable,
    iterable,
    key_of,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Call = tuple[Value, ...]
Named = dict[str, Value]


_SEQUENCE = "dictionary update sequence element"


def pairs(function: str, source: Value) -> dict[Value, Value]:
    """Return the dict that a dict or a list of pairs stands for."""
    if isinstance(source, Dict):
        return source
    items = iterable(source)
    if items is None:
        raise Failure(f"{function}: got {type_name(source)}, want iterable")
    made: dict[Value, Value] = {}
    for at, pair in enumerate(items):
        parts = iterable(pair)
        if parts is None:
            raise Failure(f"{function}: {_SEQUENCE} #{at} is not iterable ({type_name(pair)})")
        both = list(parts)
        if len(both) != 2:
            raise Failure(f"{function}: {_SEQUENCE} #{at} has length {len(both)}, want 2")
        made[key_of(function, both[0])] = both[1]
    return made


def _clear(values: Dict, args: Call, kwargs: Named) -> None:
    positional("clear", args, kwargs, least=0, most=0)
    check_mutable(values, "clear")
    values.clear()


def _get(values: Dict, args: Call, kwargs: Named) -> Value:
    key, default = positional("get", args, kwargs, least=1, most=2)
    return values.get(key_of("get", key), default)


def _items(values: Dict, args: Call, kwargs: Named) -> List:
    positional("items", args, kwargs, least=0, most=0)
    return List(values.items())


def _keys(values: Dict, args: Call, kwargs: Named) -> List:
    positional("keys", args, kwargs, least=0, most=0)
    return List(values)


def _values(values: Dict, args: Call, kwargs: Named) -> List:
    positional("values", args, kwargs, least=0, most=0)
    return List(values.values())


def _pop(values: Dict, args: Call, kwargs: Named) -> Value:
    key, default = positional("pop", args, kwargs, least=1, most=2)
    check_mutable(values, "delete from", "pop")
    if values and key_of("pop", key) in values:
        return values.pop(key)
    if len(args) < 2:
        raise Failure("pop: missing key")
    return default


def _popitem(values: Dict, args: Call, kwargs: Named) -> Value:
    positional("popitem", args, kwargs, least=0, most=0)
    check_mutable(values, "delete from", "popitem")
    if not values:
        raise Failure("popitem: empty dict")
    key = next(iter(values))
    return key, values.pop(key)


def _setdefault(values: Dict, args: Call, kwargs: Named) -> Value:
    key, default = positional("setdefault", args, kwargs, least=1, most=2)
    if key_of("setdefault", key) not in values:
        check_mutable(values, "insert into", "setdefault")
    return values.setdefault(key, default)


def _update(values: Dict, args: Call, kwargs: Named) -> None:
    if len(args) > 1:
        raise Failure(f"update: got {len(args)} arguments, want at most 1")
    more = pairs("update", args[0]) if args else {}
    check_mutable(values, "insert into", "update")
    values.update(more)
    values.update(kwargs)


DICT_METHODS: dict[str, Callable[[Value, Call, Named], Value]] = {
    "clear": _clear,
    "get": _get,
    "items": _items,
    "keys": _keys,
    "pop": _pop,
    "popitem": _popitem,
    "setdefault": _setdefault,
    "update": _update,
    "values": _values,
}
