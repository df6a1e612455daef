"""int() and float(): from numbers, bools and text."""

from __future__ import annotations

import math
import re

from upright.controllers.tiltfile.language.arguments import positional
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import Value, type_name

_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}
_FLOAT = re.compile(r"[+-]?(\d[\d_]*\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf(inity)?|nan)", re.IGNORECASE)


def to_int(args: tuple[Value, ...], kwargs: dict[str, Value]) -> int:
    """Return int(x) or int(text, base)."""
    base = kwargs.pop("base", None)
    if not args and not kwargs:
        raise Failure("int: missing argument for x")
    value, second = positional("int", args, kwargs, least=1, most=2)
    base = second if base is None else base
    if type(value) is str:
        return _parse(value, 10 if base is None else base)
    if base is not None:
        raise Failure("int: can't convert non-string with explicit base")
    if type(value) is float and not math.isfinite(value):
        raise Failure(f"int: cannot convert float {'NaN' if math.isnan(value) else 'infinity'} to integer")
    if type(value) not in {int, bool, float}:
        raise Failure(f"int: cannot convert {type_name(value)} to int")
    return int(value)


def _parse(text: str, base: Value) -> int:
    if type(base) is not int:
        raise Failure(f"int: for base, got {type_name(base)}, want int")
    if base != 0 and not 2 <= base <= 36:
        raise Failure("int: base must be an integer >= 2 && <= 36")
    digits = text.lstrip("+-") if text[:1] in {"+", "-"} else text
    prefix = _PREFIXES.get(digits[:2].lower(), 0)
    wrong = Failure(f"int: invalid literal with base {base}: {text}")
    if prefix and base in {0, prefix}:
        digits, used = digits[2:], prefix
    else:
        used = base or 10
        if base == 0 and len(digits) > 1 and digits.startswith("0") and digits.strip("0"):
            raise wrong
    if not digits.isalnum() or not digits.isascii() or len(text) - len(text.lstrip("+-")) > 1:
        raise wrong
    try:
        return int(digits, used) * (-1 if text.startswith("-") else 1)
    except ValueError:
        raise wrong from None


def to_float(args: tuple[Value, ...], kwargs: dict[str, Value]) -> float:
    """Return float(x)."""
    if kwargs:
        raise Failure("float does not accept keyword arguments")
    if len(args) > 1:
        raise Failure(f"float got {len(args)} arguments, wants 1")
    value = args[0] if args else 0.0
    if type(value) is str:
        return _read_float(value)
    if type(value) not in {int, bool, float}:
        raise Failure(f"float got {type_name(value)}, want number or string")
    try:
        return float(value)
    except OverflowError:
        raise Failure("float: int too large to convert to float") from None


def _read_float(text: str) -> float:
    if not text:
        raise Failure("float: empty string")
    if not _FLOAT.fullmatch(text):
        raise Failure(f"invalid float literal: {text}")
    return float(text)
