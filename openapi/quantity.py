"""Amounts of cpu, memory and the like: ``500m``, ``1.5``, ``64Mi``, ``1e3``."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(|[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
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


def _read(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        parse_quantity(value)
    return value


Quantity = Annotated[
    str,
    BeforeValidator(_read),
    WithJsonSchema({"oneOf": [{"type": "string"}, {"type": "number"}]}),
]
"""A quantity as it was written; a number is taken for its text."""
