"""Amounts of cpu, memory and the like: ``500m``, ``1.5``, ``64Mi``, ``1e3``."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(|[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIXES = {power: suffix for suffix, power in _DECIMAL.items()}
_LARGEST = 18
_SMALLEST = Decimal("1e-9")
_KIBI = 1024
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse_quantity(text: str) -> Decimal:
    """Read a quantity as a number of cpus, bytes or pieces; raises ValueError with Kubernetes' words."""
    found = _FORM.fullmatch(text)
    if not found:
        message = f"quantities must match the regular expression '{_PUBLISHED}'"
        raise ValueError(message)
    number, suffix = Decimal(found[1]), found[2]
    if suffix in _BINARY:
        return number * (1 << 10 * _BINARY[suffix])
    if suffix in _DECIMAL:
        return number.scaleb(_DECIMAL[suffix])
    return number.scaleb(int(suffix[1:]))


_PUBLISHED = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


def milli(text: str) -> int:
    """Return a quantity in thousandths, rounded up: cpu is counted so."""
    return int((parse_quantity(text) * 1000).to_integral_value(ROUND_CEILING))


def whole(text: str) -> int:
    """Return a quantity in whole units, rounded up: memory is counted so, in bytes."""
    return int(parse_quantity(text).to_integral_value(ROUND_CEILING))


def canonical(text: str) -> str:
    """Return the one way to write a quantity: no fraction, the largest suffix that needs none; its family is kept.

    Clients write back what they read in this form: kept otherwise, an equal template would be a new one.
    """
    value = parse_quantity(text).quantize(_SMALLEST, ROUND_CEILING)
    suffix = text.lstrip("+-.0123456789")
    if suffix in _BINARY and abs(value) >= _KIBI:
        return _binary(int(value.to_integral_value(ROUND_CEILING)))
    mantissa, exponent = _thousands(value)
    if suffix[:1] in {"e", "E"} and len(suffix) > 1:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    return f"{mantissa}{_SUFFIXES[exponent]}"


def _binary(value: int) -> str:
    power = 0
    while value % _KIBI == 0 and power < len(_BINARY):
        value //= _KIBI
        power += 1
    return f"{value}{next((suffix for suffix, at in _BINARY.items() if at == power), '')}"


def _thousands(value: Decimal) -> tuple[int, int]:
    """Return a whole number and a power of ten, a multiple of three, that together are the value."""
    if not value:
        return 0, 0
    sign, digits, power = value.normalize().as_tuple()
    mantissa = int("".join(map(str, digits)))
    power = int(power)
    below = power % 3
    exponent = min(power - below, _LARGEST)
    mantissa *= 10 ** (power - exponent)
    return (-mantissa if sign else mantissa), exponent


def _read(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return canonical(value) if isinstance(value, str) else value


Quantity = Annotated[
    str,
    BeforeValidator(_read),
    WithJsonSchema({"oneOf": [{"type": "string"}, {"type": "number"}]}),
]
"""A quantity in its canonical form; a number is taken for its text."""
