"""str() and repr() of Starlark values, as starlark-go writes them."""

from __future__ import annotations

import math
from types import FunctionType

from upright.controllers.tiltfile.language.values import Dict, List, Set, Struct, Value, function_name

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quote(text: str) -> str:
    """Return the string as a literal in double quotes, as Go's %q."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escape(letter) for letter in text) + '"'


def _escape(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a character that was cut
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def float_text(number: float) -> str:
    """Return the shortest text that reads back the same, always with a point or an exponent."""
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "+inf" if number > 0 else "-inf"
    shortest = repr(number)
    if number == 0 or 1e-4 <= abs(number) < 1e6:
        return shortest
    digits = shortest.partition("e")[0].replace("-", "").replace(".", "").strip("0")
    return f"{number:.{max(len(digits) - 1, 0)}e}"


def to_str(value: Value) -> str:
    """Return what str() and print() show: a string is itself, all else is its repr."""
    return value if type(value) is str else to_repr(value)


def to_repr(value: Value, path: tuple[int, ...] = ()) -> str:
    """Return what repr() shows; a container inside itself shows as ``[...]`` or ``{...}``."""
    kind = type(value)
    if kind is str:
        return quote(value)
    if kind is float:
        return float_text(value)
    if kind is List or kind is tuple or kind is Dict or kind is Set or isinstance(value, Struct):
        return _container(value, path)
    if kind is range:
        return _range(value)
    if kind is FunctionType:
        return f"<function {function_name(value)}>"
    return str(value)


def _container(value: Value, path: tuple[int, ...]) -> str:
    if id(value) in path:
        return "{...}" if isinstance(value, Dict) else "[...]"
    if kind_repeats(value):
        path = (*path, id(value))
    if isinstance(value, Dict):
        return "{" + ", ".join(f"{to_repr(key, path)}: {to_repr(item, path)}" for key, item in value.items()) + "}"
    if isinstance(value, Struct):
        fields = ", ".join(f"{name} = {to_repr(value.fields[name], path)}" for name in sorted(value.fields))
        return f"{value.name}({fields})"
    inner = ", ".join(to_repr(item, path) for item in value)
    if isinstance(value, tuple):
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return f"set([{inner}])" if isinstance(value, Set) else f"[{inner}]"


def kind_repeats(value: Value) -> bool:
    """Tell whether the value could hold itself."""
    return isinstance(value, Dict | List)


def _range(value: range) -> str:
    if value.step != 1:
        return f"range({value.start}, {value.stop}, {value.step})"
    return f"range({value.start}, {value.stop})" if value.start else f"range({value.stop})"
