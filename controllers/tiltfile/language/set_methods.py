"""Methods of sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import checked, positional, sequence
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import Set, Value, check_mutable, iterable, key_of, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

Call = tuple[Value, ...]
Named = dict[str, Value]


def _others(name: str, args: Call, kwargs: Named) -> list[Set]:
    if kwargs:
        raise Failure(f"{name}: unexpected keyword arguments")
    return [_other(name, arg) for arg in args]


def _other(name: str, value: Value) -> Set:
    return Set(checked(name, 1, value, sequence))


def _add(values: Set, args: Call, kwargs: Named) -> None:
    (item,) = positional("add", args, kwargs, least=1, most=1)
    if key_of("add", item) not in values:
        check_mutable(values, "insert into", "add")
        values.items[item] = None


def _clear(values: Set, args: Call, kwargs: Named) -> None:
    positional("clear", args, kwargs, least=0, most=0)
    check_mutable(values, "clear", "clear")
    values.items.clear()


def _discard(values: Set, args: Call, kwargs: Named) -> None:
    (item,) = positional("discard", args, kwargs, least=1, most=1)
    if key_of("discard", item) in values:
        check_mutable(values, "delete from", "discard")
        del values.items[item]


def _remove(values: Set, args: Call, kwargs: Named) -> None:
    (item,) = positional("remove", args, kwargs, least=1, most=1)
    if not len(values) or key_of("remove", item) not in values:
        raise Failure("remove: missing key")
    check_mutable(values, "delete from", "remove")
    del values.items[item]


def _pop(values: Set, args: Call, kwargs: Named) -> Value:
    positional("pop", args, kwargs, least=0, most=0)
    check_mutable(values, "delete from", "pop")
    if not values.items:
        raise Failure("pop: empty set")
    item = next(iter(values.items))
    del values.items[item]
    return item


def _union(values: Set, args: Call, kwargs: Named) -> Set:
    made = Set(values)
    for at, arg in enumerate(positional("union", args, kwargs, least=0, most=len(args)), 1):
        items = iterable(arg)
        if items is None:
            raise Failure(f"union: argument #{at} is not iterable: {type_name(arg)}")
        made.items.update(dict.fromkeys(key_of("union", item) for item in items))
    return made


def _update(values: Set, args: Call, kwargs: Named) -> None:
    more = _union(values, args, kwargs)
    check_mutable(values, "insert into", "update")
    values.items.update(more.items)


def _intersection(values: Set, args: Call, kwargs: Named) -> Set:
    others = _others("intersection", args, kwargs)
    kept: Set = values
    for other in others:
        kept = Set(item for item in other if item in kept.items)
    return Set(kept)


def _difference(values: Set, args: Call, kwargs: Named) -> Set:
    others = _others("difference", args, kwargs)
    return Set(item for item in values if not any(item in other.items for other in others))


def _symmetric_difference(values: Set, args: Call, kwargs: Named) -> Set:
    (other,) = _others("symmetric_difference", positional("symmetric_difference", args, kwargs, least=1, most=1), {})
    return Set([*(item for item in values if item not in other.items), *(i for i in other if i not in values.items)])


def _issubset(values: Set, args: Call, kwargs: Named) -> bool:
    (other,) = _others("issubset", positional("issubset", args, kwargs, least=1, most=1), {})
    return values.items.keys() <= other.items.keys()


def _issuperset(values: Set, args: Call, kwargs: Named) -> bool:
    (other,) = _others("issuperset", positional("issuperset", args, kwargs, least=1, most=1), {})
    return values.items.keys() >= other.items.keys()


SET_METHODS: dict[str, Callable[[Value, Call, Named], Value]] = {
    "add": _add,
    "clear": _clear,
    "difference": _difference,
    "discard": _discard,
    "intersection": _intersection,
    "issubset": _issubset,
    "issuperset": _issuperset,
    "pop": _pop,
    "remove": _remove,
    "symmetric_difference": _symmetric_difference,
    "union": _union,
    "update": _update,
}
