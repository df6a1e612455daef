"""Methods of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import checked, integer, positional, sequence
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.operators import equal
from upright.controllers.tiltfile.language.values import List, Value, check_mutable, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

Call = tuple[Value, ...]
Named = dict[str, Value]


def _append(values: List, args: Call, kwargs: Named) -> None:
    (item,) = positional("append", args, kwargs, least=1, most=1)
    check_mutable(values, "append to", "append")
    values.append(item)


def _clear(values: List, args: Call, kwargs: Named) -> None:
    positional("clear", args, kwargs, least=0, most=0)
    check_mutable(values, "clear", "clear")
    values.clear()


def _extend(values: List, args: Call, kwargs: Named) -> None:
    (items,) = positional("extend", args, kwargs, least=1, most=1)
    more = checked("extend", 1, items, sequence)
    check_mutable(values, "extend", "extend")
    values.extend(more)


def _index(values: List, args: Call, kwargs: Named) -> int:
    item, start, end = positional("index", args, kwargs, least=1, most=3)
    for what, bound in (("start", start), ("end", end)):
        if bound is not None and type(bound) is not int:
            raise Failure(f"index: invalid {what} index: got {type_name(bound)}, want int")
    for at in range(*slice(start, end).indices(len(values))):
        if equal(values[at], item):
            return at
    raise Failure("index: value not in list")


def _insert(values: List, args: Call, kwargs: Named) -> None:
    at, item = positional("insert", args, kwargs, least=2, most=2)
    check_mutable(values, "insert into", "insert")
    values.insert(checked("insert", 1, at, integer), item)


def _pop(values: List, args: Call, kwargs: Named) -> Value:
    (at,) = positional("pop", args, kwargs, least=0, most=1)
    at = -1 if not args else checked("pop", 1, at, integer)
    if not -len(values) <= at < len(values):
        where = f"[{-len(values)}:{len(values) - 1}]" if values else ""
        raise Failure(
            f"pop: list index {at} out of range {where}" if values else f"pop: index {at} out of range: empty list"
        )
    check_mutable(values, "pop from", "pop")
    return values.pop(at)


def _remove(values: List, args: Call, kwargs: Named) -> None:
    (item,) = positional("remove", args, kwargs, least=1, most=1)
    check_mutable(values, "remove from", "remove")
    for at, known in enumerate(values):
        if equal(known, item):
            del values[at]
            return
    raise Failure("remove: element not found")


LIST_METHODS: dict[str, Callable[[Value, Call, Named], Value]] = {
    "append": _append,
    "clear": _clear,
    "extend": _extend,
    "index": _index,
    "insert": _insert,
    "pop": _pop,
    "remove": _remove,
}
