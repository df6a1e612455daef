"""String formatting: the ``%`` operator and str.format()."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import to_repr, to_str
from upright.controllers.tiltfile.language.values import Dict, Value, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIRECTIVE = re.compile(r"%(?:\((?P<key>[^)]*)(?P<closed>\))?)?(?P<conversion>.?)", re.DOTALL)


def percent(template: str, operand: Value) -> str:
    """Return ``template % operand``; a tuple gives several values, anything else is one."""
    values = iter(operand if type(operand) is tuple else (operand,))
    pieces: list[str] = []
    end = 0
    for found in _DIRECTIVE.finditer(template):
        pieces.append(template[end : found.start()])
        end = found.end()
        if found["conversion"] == "%" and found["key"] is None:
            pieces.append("%")
            continue
        pieces.append(_convert(found["conversion"], _operand(found, values, operand)))
        if found["key"] is not None:
            next(values, None)  # it counts, though it was found by its name
    pieces.append(template[end:])
    if type(operand) is not Dict and next(values, values) is not values:
        raise Failure("too many arguments for format string")
    return "".join(pieces)


def _operand(found: re.Match[str], values: Iterator[Value], operand: Value) -> Value:
    if found["key"] is None:
        for value in values:
            return value
        raise Failure("not enough arguments for format string")
    if not found["closed"]:
        raise Failure("incomplete format key")
    if type(operand) is not Dict:
        raise Failure("format requires a mapping")
    if found["key"] not in operand:
        raise Failure(f"key not found: {found['key']}")
    return operand[found["key"]]


def _convert(conversion: str, value: Value) -> str:
    if conversion == "s":
        return to_str(value)
    if conversion == "r":
        return to_repr(value)
    if conversion and conversion in "dioxX":
        return format(_integer(conversion, value), conversion.replace("i", "d"))
    if conversion and conversion in "eEfFgG":
        return _real(conversion, value)
    if conversion == "c":
        return _character(value)
    if conversion == "%":
        return "%"
    if not conversion:
        raise Failure("incomplete format")
    raise Failure(f"unknown conversion %{conversion}")


def _integer(conversion: str, value: Value) -> int:
    if type(value) not in {int, float}:
        raise Failure(f"%{conversion} format requires integer: cannot convert {type_name(value)} to int")
    if not math.isfinite(value):
        what = "NaN" if math.isnan(value) else "infinity"
        raise Failure(f"%{conversion} format requires integer: cannot convert float {what} to integer")
    return int(value)


def _real(conversion: str, value: Value) -> str:
    if type(value) not in {int, float}:
        raise Failure(f"%{conversion} format requires float, not {type_name(value)}")
    if conversion in "gG" or not math.isfinite(value):
        return to_str(float(value))
    return "%F" if conversion == "F" else format(float(value), conversion)  # Go has no %F, and writes it as it is


def _character(value: Value) -> str:
    if type(value) is int:
        if not 0 <= value <= 0x10FFFF:
            raise Failure(f"%c format requires a valid Unicode code point, got {value}")
        return chr(value)
    if type(value) is str and len(value) == 1:
        return value
    if type(value) is str:
        raise Failure("%c format requires a single-character string")
    raise Failure(f"%c format requires int or single-character string, not {type_name(value)}")


_FIELD = re.compile(r"\{\{|\}\}|\{(?P<field>[^}]*)\}|(?P<stray>[{}])")


def brace(template: str, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> str:
    """Return ``template.format(*args, **kwargs)``: ``{}``, ``{0}``, ``{name}``, with ``!s`` or ``!r``."""
    numbering = _Numbering(args, kwargs)

    def replace(found: re.Match[str]) -> str:
        if found["stray"]:
            raise Failure(
                "format: unmatched '{' in format" if found["stray"] == "{" else "format: single '}' in format"
            )
        if found["field"] is None:
            return found[0][0]
        return numbering.field(found["field"])

    return _FIELD.sub(replace, template)


class _Numbering:
    """Whether the fields of one template are numbered by us or by the author, and what they stand for."""

    def __init__(self, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.automatic = 0
        self.manual = False

    def field(self, field: str) -> str:
        if "{" in field:
            raise Failure("format: nested replacement fields not supported")
        name, bang, conversion = field.partition("!")
        if ":" in name or ":" in conversion:
            raise Failure("format spec features not supported in replacement fields: " + field.partition(":")[2])
        if bang and conversion not in {"s", "r"}:
            raise Failure(f"format: unknown conversion {to_repr(conversion)}")
        value = self.value(name)
        return to_repr(value) if conversion == "r" else to_str(value)

    def value(self, name: str) -> Value:
        if name == "":
            if self.manual:
                raise Failure("format: cannot switch from manual field specification to automatic field numbering")
            self.automatic += 1
            return self.positional(self.automatic - 1)
        if name.isdecimal():
            if self.automatic:
                raise Failure("format: cannot switch from automatic field numbering to manual field specification")
            self.manual = True
            return self.positional(int(name))
        if "." in name:
            raise Failure(f"format: attribute syntax x.y is not supported in replacement fields: {name}")
        if "[" in name:
            raise Failure(f"format: element syntax a[i] is not supported in replacement fields: {name}")
        if name not in self.kwargs:
            raise Failure(f"format: keyword {name} not found")
        return self.kwargs[name]

    def positional(self, index: int) -> Value:
        if index >= len(self.args):
            raise Failure("format: tuple index out of range")
        return self.args[index]
