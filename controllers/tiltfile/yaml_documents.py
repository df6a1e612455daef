"""YAML read and written as Go's Kubernetes tools do: ``yes`` is a bool, dates are text, keys are strings."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json

_BOOL = re.compile(r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF")
_TRUE = frozenset({"y", "yes", "true", "on"})
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_TAGS = "tag:yaml.org,2002:"


class GoLoader(yaml.CSafeLoader):
    """The C loader with Go's rules for plain scalars."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # Any: PyYAML's own table  # noqa: RUF012  reason: PyYAML's class attribute


class GoDumper(yaml.CSafeDumper):
    """The C dumper, which quotes what Go would not read back as a string."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # Any: PyYAML's own table  # noqa: RUF012  reason: PyYAML's class attribute

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401  reason: PyYAML asks of any value
        """Write shared values out each time."""
        del data
        return True


for _kind in (GoLoader, GoDumper):
    _kind.add_implicit_resolver(f"{_TAGS}bool", re.compile(rf"(?:{_BOOL.pattern})$"), list("yYnNtTfFoO"))
    _kind.add_implicit_resolver(f"{_TAGS}int", _INT, list("-+0123456789"))
    _kind.add_implicit_resolver(f"{_TAGS}float", _FLOAT, list("-+.0123456789"))
    _kind.add_implicit_resolver(f"{_TAGS}null", _NULL, ["~", "n", "N", ""])
    _kind.add_implicit_resolver(f"{_TAGS}merge", re.compile(r"<<$"), ["<"])


def _construct_bool(_loader: GoLoader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() in _TRUE


def _construct_int(_loader: GoLoader, node: yaml.ScalarNode) -> int:
    text = str(node.value).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _construct_float(_loader: GoLoader, node: yaml.ScalarNode) -> float | int:
    number = float(str(node.value).lower().replace(".inf", "inf").replace(".nan", "nan"))
    return int(number) if math.isfinite(number) and number.is_integer() and abs(number) < 1 << 53 else number


GoLoader.add_constructor(f"{_TAGS}bool", _construct_bool)
GoLoader.add_constructor(f"{_TAGS}int", _construct_int)
GoLoader.add_constructor(f"{_TAGS}float", _construct_float)


class InvalidYAML(ValueError):
    """The text is not YAML; the message has line and column."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a stream: its value, and the line (from 1) where it begins."""

    value: Any  # Any: a decoded YAML document
    line: int


def documents(text: str) -> Iterator[Document]:
    """Yield the documents of a stream that are not empty; raises InvalidYAML."""
    try:
        loader = GoLoader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                line = node.start_mark.line + 1 if node else 1
                value = _with_string_keys(loader.construct_document(node))
                if value is not None:
                    yield Document(value, line)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        context = f" ({error.context})" if error.context and error.problem else ""
        raise InvalidYAML(f"{where}{error.problem or error.context}{context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidYAML(str(error)) from None


def _with_string_keys(value: Any) -> Any:  # noqa: ANN401  reason: a decoded YAML document
    """Return the value with every key as the string that JSON would have."""
    if isinstance(value, dict):
        return {_key(key): _with_string_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_string_keys(item) for item in value]
    return value


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


def dump(value: Any) -> str:  # noqa: ANN401  reason: any JSON value
    """Return the value as one document, keys sorted."""
    return yaml.dump(value, Dumper=GoDumper, default_flow_style=False, allow_unicode=True, width=1 << 20)


def dump_all(values: list[Json]) -> str:
    """Return the values as a stream of documents."""
    return "---\n".join(map(dump, values))
