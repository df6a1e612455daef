"""YAML read and written as Go's Kubernetes tools do: ``yes`` is a bool, dates are text, keys are strings."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from upright.openapi.meta import Json

_BOOL = re.compile(r"y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF")
_TRUE = frozenset({"y", "yes", "true", "on"})
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_TAGS = "tag:yaml.org,2002:"
_STR, _MAP, _SEQ, _NULL_TAG = (f"{_TAGS}{kind}" for kind in ("str", "map", "seq", "null"))
_PLAIN: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    **{letter: ((f"{_TAGS}bool", re.compile(rf"(?:{_BOOL.pattern})$")),) for letter in "yYtTfFoO"},
    **{letter: ((f"{_TAGS}bool", re.compile(rf"(?:{_BOOL.pattern})$")), (_NULL_TAG, _NULL)) for letter in "nN"},
    **dict.fromkeys("-+0123456789", ((f"{_TAGS}int", _INT), (f"{_TAGS}float", _FLOAT))),
    ".": ((f"{_TAGS}float", _FLOAT),),
    "~": ((_NULL_TAG, _NULL),),
    "": ((_NULL_TAG, _NULL),),
    "<": ((f"{_TAGS}merge", re.compile(r"<<$")),),
}
"""What a plain scalar may mean besides a string, by its first letter."""


@lru_cache(maxsize=1 << 14)
def _scalar_tag(text: str) -> str:
    """Return what a plain scalar means."""
    for tag, pattern in _PLAIN.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return _STR


class _Resolver:
    """Go's rules for plain scalars, in place of PyYAML's; its own look-up by path, which nobody uses, is left out."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:  # noqa: ANN401  reason: PyYAML's own: a bool, or two of them
        if kind is yaml.ScalarNode:
            return _scalar_tag(value or "") if implicit[0] else _STR
        return _MAP if kind is yaml.MappingNode else _SEQ

    def descend_resolver(self, current_node: object, current_index: object) -> None:
        """Do nothing: no tag is resolved by its path."""
        del current_node, current_index

    def ascend_resolver(self) -> None:
        """Do nothing: no tag is resolved by its path."""


class GoLoader(_Resolver, yaml.CSafeLoader):
    """The C loader with Go's rules for plain scalars."""


class GoDumper(_Resolver, yaml.CSafeDumper):
    """The C dumper, which quotes what Go would not read back as a string."""

    def represent_data(self, data: Any) -> yaml.Node:  # noqa: ANN401  reason: PyYAML gives any value
        """Return the node of a value: of what JSON is mostly made of at once, of all else as PyYAML does."""
        kind = type(data)
        if kind is str:
            return yaml.ScalarNode(_STR, data)
        if kind is list:
            return yaml.SequenceNode(_SEQ, [self.represent_data(one) for one in data], flow_style=False)
        if kind is dict and all(type(key) is str for key in data):
            pairs = [(yaml.ScalarNode(_STR, key), self.represent_data(data[key])) for key in sorted(data)]
            return yaml.MappingNode(_MAP, pairs, flow_style=False)
        return super().represent_data(data)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401  reason: PyYAML asks of any value
        """Write shared values out each time."""
        del data
        return True


def _construct_bool(node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() in _TRUE


def _construct_int(node: yaml.ScalarNode) -> int:
    text = str(node.value).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _construct_float(node: yaml.ScalarNode) -> float | int:
    number = float(str(node.value).lower().replace(".inf", "inf").replace(".nan", "nan"))
    return int(number) if math.isfinite(number) and number.is_integer() and abs(number) < 1 << 53 else number


_SCALARS: dict[str, Callable[[yaml.ScalarNode], bool | float | None]] = {
    f"{_TAGS}bool": _construct_bool,
    f"{_TAGS}int": _construct_int,
    f"{_TAGS}float": _construct_float,
    _NULL_TAG: lambda _node: None,
}


def _constructor(read: Callable[[yaml.ScalarNode], bool | float | None]) -> Callable[[GoLoader, yaml.ScalarNode], Any]:
    return lambda _loader, node: read(node)


for _tag, _read in _SCALARS.items():
    GoLoader.add_constructor(_tag, _constructor(_read))


class InvalidYAML(ValueError):
    """The text is not YAML; the message has line and column."""


class Document(Struct, frozen=True):
    """One document of a stream: its value, and the line (from 1) where it begins."""

    value: Any  # Any: a decoded YAML document
    line: int


def documents(text: str, loading: type[GoLoader] = GoLoader) -> Iterator[Document]:
    """Yield the documents of a stream that are not empty; raises InvalidYAML."""
    try:
        loader = loading(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                line = node.start_mark.line + 1 if node else 1
                value = _value(node, loader)
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


def _value(node: yaml.Node | None, loader: GoLoader) -> Any:  # noqa: ANN401  reason: a decoded YAML document
    """Return what a document's node means: what is plain at once, all else as PyYAML has it."""
    if node is None:
        return None
    try:
        return _plain(node)
    except _NotPlain:
        return _with_string_keys(loader.construct_document(node))


class _NotPlain(Exception):
    """The node has a tag, or a key, that takes PyYAML's own constructors."""


def _plain(node: yaml.Node) -> Any:  # noqa: ANN401  reason: a decoded YAML document
    tag = node.tag
    if tag == _STR and isinstance(node, yaml.ScalarNode):
        return node.value
    if tag == _MAP and isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag != _STR or not isinstance(key, yaml.ScalarNode):
                raise _NotPlain
            found[key.value] = _plain(value)
        return found
    if tag == _SEQ and isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    if isinstance(node, yaml.ScalarNode) and tag in _SCALARS:
        return _SCALARS[tag](node)
    raise _NotPlain


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
