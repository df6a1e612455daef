"""Reaching into values: attributes, indices, slices, iteration, unpacking and calling with stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language import bytewise
from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.language.methods import METHODS
from upright.controllers.tiltfile.language.text import to_repr
from upright.controllers.tiltfile.language.values import (
    Builtin,
    Dict,
    HostValue,
    List,
    Set,
    Value,
    check_mutable,
    hashable,
    iterable,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Shape = tuple["Shape | None", ...]
"""The pattern of an assignment's left side: None for a name, a tuple for a nested pattern."""


def attribute(value: Value, name: str) -> Value:
    """Return ``value.name``."""
    methods = METHODS.get(type(value))
    if methods is not None and name in methods:
        return bound(value, name, methods[name])
    if isinstance(value, HostValue):
        try:
            return value.attribute(name)
        except KeyError:
            pass
    raise Failure(f"{type_name(value)} has no .{name} field or method{nearest_attribute(name, value)}")


def bound(value: Value, name: str, method: Callable[[Value, tuple[Value, ...], dict[str, Value]], Value]) -> Builtin:
    """Return the method as a function of its own."""
    return Builtin(name, lambda args, kwargs: method(value, args, kwargs), owner=type_name(value))


def nearest_attribute(name: str, value: Value) -> str:
    """Return `` (did you mean .x?)``, or nothing."""
    return nearest(name, attributes(value)).replace("mean ", "mean .")


def attributes(value: Value) -> list[str]:
    """Return the names of the value's fields and methods, sorted."""
    if isinstance(value, HostValue):
        return sorted(value.attributes())
    return sorted(METHODS.get(type(value), ()))


def set_attribute(value: Value, target: Value, name: str) -> None:
    """Refuse ``target.name = value``: no value of Tilt's has a field that can be set."""
    del value
    raise Failure(f"can't assign to .{name} field of {type_name(target)}")


def old_attribute(target: Value, name: str) -> tuple[Value, str]:
    """Begin ``target.name += …`` and its like: read the field."""
    attribute(target, name)
    return target, name


def change_attribute(target: Value, name: str, operand: Value) -> None:
    """Refuse ``target.name += operand`` and its like."""
    set_attribute(operand, target, name)


def index(container: Value, key: Value) -> Value:
    """Return ``container[key]``."""
    kind = type(container)
    if kind is Dict:
        try:
            return container[hashable(key)]
        except KeyError:
            raise Failure(f"key {to_repr(key)} not in dict") from None
    if kind is str:
        return bytewise.part(container, position(container, key))
    if kind in _SEQUENCES:
        return container[position(container, key)]
    getter = getattr(container, "get_item", None)
    if getter is None:
        raise Failure(f"unhandled index operation {type_name(container)}[{type_name(key)}]")
    return getter(key)


MAX_INDEX_BITS = 63
_SEQUENCES = {str, List, tuple, range}


def position(sequence: Value, key: Value) -> int:
    """Return the index as one that counts from the start; raises Failure if it is none, or out of range."""
    name = type_name(sequence)
    if type(key) is not int:
        raise Failure(f"{name} index: got {type_name(key)}, want int")
    if key.bit_length() > MAX_INDEX_BITS:
        raise Failure(f"{name} index: {key} out of range")
    length = bytewise.length(sequence) if type(sequence) is str else len(sequence)
    if not -length <= key < length:
        if not length:
            raise Failure(f"index {key} out of range: empty {name}")
        raise Failure(f"{name} index {key} out of range [{-length}:{length - 1}]")
    return key + length if key < 0 else key


def set_index(value: Value, container: Value, key: Value) -> None:
    """Carry out ``container[key] = value``."""
    if type(container) is Dict:
        check_mutable(container, "insert into")
        container[hashable(key)] = value
    elif type(container) is List:
        if type(key) is not int:
            raise Failure(f"got {type_name(key)}, want int")
        if key.bit_length() > MAX_INDEX_BITS:
            raise Failure(f"{key} out of range")
        where = position(container, key)
        check_mutable(container, "assign to element of")
        container[where] = value
    elif hasattr(container, "set_item"):
        container.set_item(key, value)
    else:
        raise Failure(f"{type_name(container)} value does not support item assignment")


def old_index(container: Value, key: Value) -> tuple[Value, Value, Value]:
    """Begin ``container[key] += …`` and its like: read the element, before the right side is evaluated."""
    return container, key, index(container, key)


def change_index(
    container: Value, key: Value, old: Value, operand: Value, change: Callable[[Value, Value], Value]
) -> None:
    """Carry out ``container[key] += operand`` and its like."""
    set_index(change(old, operand), container, key)


def cut(container: Value, start: Value, end: Value, step: Value) -> Value:
    """Return ``container[start:end:step]``."""
    if type(container) not in _SEQUENCES:
        raise Failure(f"invalid slice operand {type_name(container)}")
    for value, what in ((step, "slice step"), (start, "start index"), (end, "end index")):
        if value is not None and type(value) is not int:
            raise Failure(f"invalid {what}: got {type_name(value)}, want int")
        if value is not None and value.bit_length() > MAX_INDEX_BITS:
            raise Failure(f"invalid {what}: {value} out of range")
        if value == 0 and value is step:
            raise Failure("zero is not a valid slice step")
    if type(container) is str:
        return bytewise.part(container, slice(start, end, step))
    part = container[start:end:step]
    return List(part) if type(container) is List else part


def iterate(value: Value) -> Iterable[Value]:
    """Return what a loop or comprehension goes through; lists, dicts and sets refuse changes meanwhile."""
    kind = type(value)
    if kind is tuple or kind is range:
        return value  # type: ignore[no-any-return]  # reason: a Value is Any, and this one is a tuple or range
    if kind is List or kind is Dict or kind is Set:
        return value if value.frozen else _guarded(value)
    items = iterable(value)
    if items is None:
        raise Failure(f"{type_name(value)} value is not iterable")
    return items


def _guarded(container: List | Dict | Set) -> Iterator[Value]:
    container.iterating += 1
    try:
        yield from container
    finally:
        container.iterating -= 1


def unpack(value: Value, shape: Shape) -> tuple[Value, ...]:
    """Return the value's items for the names on the left side, nested as the shape is."""
    items = iterable(value)
    if items is None:
        raise Failure(f"got {type_name(value)} in sequence assignment")
    found = tuple(items)
    if len(found) != len(shape):
        much = "many" if len(found) > len(shape) else "few"
        raise Failure(f"too {much} values to unpack (got {len(found)}, want {len(shape)})")
    return tuple(item if inner is None else unpack(item, inner) for item, inner in zip(found, shape, strict=True))


def iterate_unpacked(value: Value, shape: Shape) -> Iterator[tuple[Value, ...]]:
    """Yield the items, each unpacked for the names of the loop."""
    for item in iterate(value):
        yield unpack(item, shape)


def star(value: Value) -> Iterable[Value]:
    """Return what ``*value`` hands to a call."""
    items = iterable(value)
    if items is None:
        raise Failure(f"argument after * must be iterable, not {type_name(value)}")
    return items


def double_star(value: Value) -> dict[str, Value]:
    """Return what ``**value`` hands to a call."""
    if not isinstance(value, Dict):
        raise Failure(f"argument after ** must be a mapping, not {type_name(value)}")
    for key in value:
        if type(key) is not str:
            raise Failure(f"keywords must be strings, not {type_name(key)}")
    return value


def make_dict(*parts: Value) -> Dict:
    """Return the dict of a display, from its keys and values in turn; a key may stand there once."""
    made = Dict()
    for at in range(0, len(parts), 2):
        key = hashable(parts[at])
        if key in made:
            raise Failure(f"duplicate key: {to_repr(key)}")
        made[key] = parts[at + 1]
    return made
