"""Starlark's operators, where Python's would be too lenient: no bool arithmetic, no comparing across types."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language import bytewise
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.formatting import percent
from upright.controllers.tiltfile.language.values import (
    Dict,
    List,
    Set,
    Struct,
    Value,
    check_mutable,
    is_hashable,
    iterable,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REPEATED = 1 << 27  # items or characters: 128 MB of text, a gigabyte of list
MAX_SHIFT = 512  # bits
MAX_BITS = 1 << 16  # of a product


def _unknown(symbol: str, left: Value, right: Value) -> Failure:
    return Failure(f"unknown binary op: {type_name(left)} {symbol} {type_name(right)}")


def _number(value: Value) -> bool:
    kind = type(value)
    return kind is int or kind is float


def add(left: Value, right: Value) -> Value:
    """Return ``left + right``."""
    kind = type(left)
    if kind is type(right):
        if kind is int or kind is float:
            return left + right
        if kind is str:
            _check_size(left, right)
            return bytewise.whole(left + right)
        if kind is tuple:
            _check_size(left, right)
            return left + right
        if kind is List:
            _check_size(left, right)
            return List([*left, *right])
    if _number(left) and _number(right):
        return left + right
    raise _unknown("+", left, right)


def _check_size(left: Value, right: Value) -> None:
    if len(left) + len(right) > MAX_REPEATED:
        raise Failure(f"too large: {type_name(left)} of {len(left) + len(right)} elements")


def add_in_place(left: Value, right: Value) -> Value:
    """Return ``left += right``, which extends a list."""
    if type(left) is not List:
        return add(left, right)
    items = iterable(right)
    if items is None:
        raise _unknown("+", left, right)
    check_mutable(left, "apply += to")
    more = list(items)
    _check_size(left, more)
    left.extend(more)
    return left


def subtract(left: Value, right: Value) -> Value:
    """Return ``left - right``."""
    if _number(left) and _number(right):
        return left - right
    if isinstance(left, Set) and isinstance(right, Set):
        return Set(item for item in left if item not in right.items)
    raise _unknown("-", left, right)


def multiply(left: Value, right: Value) -> Value:
    """Return ``left * right``: a product, or a repetition up to a sane size."""
    if _number(left) and _number(right):
        if type(left) is int and type(right) is int and left.bit_length() + right.bit_length() > MAX_BITS:
            raise Failure("number too large")
        return left * right
    if type(left) is int:
        left, right = right, left
        if type(left) in {str, List, tuple}:
            return _repeat(left, right)
        raise _unknown("*", right, left)
    if type(right) is int and type(left) in {str, List, tuple}:
        return _repeat(left, right)
    raise _unknown("*", left, right)


def _repeat(sequence: Value, count: int) -> Value:
    if len(sequence) * max(count, 0) > MAX_REPEATED:
        raise Failure(f"excessive repeat ({len(sequence)} * {count} elements)")
    repeated = bytewise.whole(sequence * count) if type(sequence) is str else sequence * count
    return List(repeated) if type(sequence) is List else repeated


def divide(left: Value, right: Value) -> Value:
    """Return ``left / right``, always a float."""
    if not (_number(left) and _number(right)):
        raise _unknown("/", left, right)
    if right == 0:
        raise Failure("floating-point division by zero")
    return left / right


def floor_divide(left: Value, right: Value) -> Value:
    """Return ``left // right``, rounded towards minus infinity."""
    if not (_number(left) and _number(right)):
        raise _unknown("//", left, right)
    if right == 0:
        raise Failure("floored division by zero")
    if type(left) is int and type(right) is int:
        return left // right
    quotient = float(left) / float(right)
    return math.copysign(math.floor(quotient), quotient) if math.isfinite(quotient) else quotient


def modulo(left: Value, right: Value) -> Value:
    """Return ``left % right``: the remainder, or the formatted string."""
    if type(left) is str:
        return percent(left, right)
    if not (_number(left) and _number(right)):
        raise _unknown("%", left, right)
    if right == 0:
        kind = "floating-point" if float in {type(left), type(right)} else "integer"
        raise Failure(f"{kind} modulo by zero")
    return left % right


def bit_or(left: Value, right: Value) -> Value:
    """Return ``left | right`` of ints, sets or dicts."""
    if type(left) is int and type(right) is int:
        return left | right
    if isinstance(left, Set) and isinstance(right, Set):
        return Set([*left, *right])
    if isinstance(left, Dict) and isinstance(right, Dict):
        return Dict({**left, **right})
    raise _unknown("|", left, right)


def or_in_place(left: Value, right: Value) -> Value:
    """Return ``left |= right``, which updates a dict."""
    if not (isinstance(left, Dict) and isinstance(right, Dict)):
        return bit_or(left, right)
    check_mutable(left, "insert into")
    left.update(right)
    return left


def bit_and(left: Value, right: Value) -> Value:
    """Return ``left & right`` of ints or sets."""
    if type(left) is int and type(right) is int:
        return left & right
    if isinstance(left, Set) and isinstance(right, Set):
        return Set(item for item in right if item in left.items)
    raise _unknown("&", left, right)


def bit_xor(left: Value, right: Value) -> Value:
    """Return ``left ^ right`` of ints or sets."""
    if type(left) is int and type(right) is int:
        return left ^ right
    if isinstance(left, Set) and isinstance(right, Set):
        return Set([*subtract(left, right), *subtract(right, left)])
    raise _unknown("^", left, right)


def shift_left(left: Value, right: Value) -> Value:
    """Return ``left << right``, up to 511 bits."""
    _check_shift("<<", left, right)
    if right >= MAX_SHIFT:
        raise Failure(f"shift count too large: {right}")
    return left << right


def shift_right(left: Value, right: Value) -> Value:
    """Return ``left >> right``."""
    _check_shift(">>", left, right)
    return left >> right


def _check_shift(symbol: str, left: Value, right: Value) -> None:
    if not (type(left) is int and type(right) is int):
        if type(left) is int:
            raise Failure(f"got {type_name(right)}, want int")
        raise _unknown(symbol, left, right)
    if right.bit_length() > 31:
        raise Failure(f"{right} out of range")
    if right < 0:
        raise Failure(f"negative shift count: {right}")


def negative(value: Value) -> Value:
    """Return ``-value``."""
    return _unary("-", value, operator.neg)


def positive(value: Value) -> Value:
    """Return ``+value``."""
    return _unary("+", value, operator.pos)


def _unary(symbol: str, value: Value, apply: Callable[[Value], Value]) -> Value:
    if not _number(value):
        raise Failure(f"unknown unary op: {symbol} {type_name(value)}")
    return apply(value)


def invert(value: Value) -> Value:
    """Return ``~value`` of an int."""
    if type(value) is not int:
        raise Failure(f"unknown unary op: ~ {type_name(value)}")
    return ~value


def equal(left: Value, right: Value) -> bool:
    """Return ``left == right``: values of different types are never equal, but 1 == 1.0."""
    kind = type(left)
    if kind is not type(right):
        return _number(left) and _number(right) and bool(left == right)
    if kind is List or kind is tuple:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind is float:
        return bool(left == right) or (left != left and right != right)  # noqa: PLR0124  reason: NaN equals itself here
    if kind is Dict:
        return len(left) == len(right) and all(key in right and equal(left[key], right[key]) for key in left)
    if kind is Struct:
        return left.name == right.name and equal(Dict(left.fields), Dict(right.fields))
    return bool(left == right)


def not_equal(left: Value, right: Value) -> bool:
    """Return ``left != right``."""
    return not equal(left, right)


def contains(item: Value, container: Value) -> bool:
    """Return ``item in container``."""
    if type(container) is str:
        if type(item) is not str:
            raise Failure(f"'in <string>' requires string as left operand, not {type_name(item)}")
        return bytewise.has(container, item)
    if isinstance(container, Dict):
        return is_hashable(item) and item in container
    if isinstance(container, Set):
        return item in container
    if isinstance(container, List | tuple):
        return any(equal(item, known) for known in container)
    if isinstance(container, range):
        return _in_range(item, container)
    member = getattr(container, "__contains__", None)
    if member is None:
        raise _unknown("in", item, container)
    return bool(member(item))


def _in_range(item: Value, container: range) -> bool:
    if not _number(item) or not math.isfinite(item):
        raise Failure(f"'in <range>' requires integer as left operand, not {type_name(item)}")
    return int(item) in container


def not_contains(item: Value, container: Value) -> bool:
    """Return ``item not in container``."""
    return not contains(item, container)


_PLAIN = frozenset({int, str, bool})


def _compare_floats(compare: Callable[[Value, Value], bool], left: Value, right: Value) -> bool:
    """Compare numbers; NaN is greater than all others."""
    if left != left or right != right:  # noqa: PLR0124  reason: only NaN is not itself
        return compare(left != left, right != right)  # noqa: PLR0124  reason: as above
    return compare(left, right)


def _ordering(symbol: str, compare: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    """Return ``<`` and its like: numbers, strings, bools, lists and tuples, each with its own kind."""

    def ordered(left: Value, right: Value) -> bool:
        kind = type(left)
        if kind is type(right):
            if kind in _PLAIN:
                return compare(left, right)
            if kind is float:
                return _compare_floats(compare, left, right)
            if kind is List or kind is tuple:
                different = ((a, b) for a, b in zip(left, right, strict=False) if not equal(a, b))
                pair = next(different, None)
                return ordered(*pair) if pair else compare(len(left), len(right))
            if kind is Set:
                return compare(left.items.keys(), right.items.keys())
        elif _number(left) and _number(right):
            return _compare_floats(compare, left, right)
        raise Failure(f"{type_name(left)} {symbol} {type_name(right)} not implemented")

    return ordered


less = _ordering("<", operator.lt)
less_equal = _ordering("<=", operator.le)
greater = _ordering(">", operator.gt)
greater_equal = _ordering(">=", operator.ge)
