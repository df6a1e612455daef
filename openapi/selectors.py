"""Which objects are meant: label selectors with all of Kubernetes' operators, and field selectors."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.openapi.errors import BadRequest
from upright.openapi.names import label_key_trouble, label_value_trouble
from upright.openapi.scheme import at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.openapi.meta import Json
    from upright.openapi.scheme import Kind

_WORD = re.compile(r"\s*(==|=|!=|!|,|\(|\)|<|>|[^\s=!,()<>]+)")
_EVERYWHERE = {"metadata.name": at("metadata", "name"), "metadata.namespace": at("metadata", "namespace")}
_LARGEST = 65_536


class Requirement(Struct, frozen=True):
    """One condition on one label; ``operator`` is in, notin, exists, absent, gt or lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case _:
                return _compares(self.operator, value, next(iter(self.values)))


def _compares(operator: str, value: str | None, bound: str) -> bool:
    try:
        number = int(value or "")
    except ValueError:
        return False
    return number > int(bound) if operator == "gt" else number < int(bound)


class LabelSelector(Struct, frozen=True):
    """Conditions that all must hold; an empty one matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Read ``a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1``. Raises BadRequest."""
        return _parse_labels(text)

    @classmethod
    def from_wire(cls, selector: Json | None) -> LabelSelector:
        """Read ``matchLabels`` and ``matchExpressions``. Raises BadRequest."""
        selector = selector or {}
        found = [
            Requirement(key, "in", frozenset((value,))) for key, value in (selector.get("matchLabels") or {}).items()
        ]
        for expression in selector.get("matchExpressions") or ():
            operator = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}.get(
                str(expression.get("operator"))
            )
            if operator is None:
                raise BadRequest(f'"{expression.get("operator")}" is not a valid label selector operator')
            found.append(Requirement(str(expression.get("key")), operator, frozenset(expression.get("values") or ())))
        return cls(tuple(found))

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)


@lru_cache(maxsize=256)
def _parse_labels(text: str) -> LabelSelector:
    return LabelSelector(tuple(_Parser(text).requirements()))


class _Parser:
    """Reads a label selector, a word at a time."""

    def __init__(self, text: str) -> None:
        if len(text) > _LARGEST:
            raise BadRequest("unable to parse requirement: the selector is too long")
        self._text = text
        self._words = _WORD.findall(text)
        self._next = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if not self._words:
            return found
        while True:
            found.append(self._requirement())
            word = self._take()
            if not word:
                return found
            if word != ",":
                raise self._trouble(word, "',' or the end")

    def _requirement(self) -> Requirement:
        if self._peek() == "!":
            self._take()
            return Requirement(self._key(), "absent")
        key = self._key()
        operator = self._peek()
        if operator in {"", ","}:
            return Requirement(key, "exists")
        self._take()
        match operator:
            case "=" | "==":
                return Requirement(key, "in", frozenset((self._value(),)))
            case "!=":
                return Requirement(key, "notin", frozenset((self._value(),)))
            case "in" | "notin":
                return Requirement(key, operator, self._set())
            case "<" | ">":
                return Requirement(key, "gt" if operator == ">" else "lt", frozenset((self._number(),)))
            case _:
                raise self._trouble(operator, "in, notin, =, ==, !=, >, <")

    def _key(self) -> str:
        key = self._take()
        if trouble := label_key_trouble(key):
            raise BadRequest(f'unable to parse requirement: <nil>: Invalid value: "{key}": {trouble}')
        return key

    def _value(self) -> str:
        value = "" if self._peek() in {",", ")", ""} else self._take()
        if trouble := label_value_trouble(value):
            raise BadRequest(f'unable to parse requirement: values[0][{value}]: Invalid value: "{value}": {trouble}')
        return value

    def _number(self) -> str:
        value = self._value()
        if not re.fullmatch(r"-?\d+", value):
            raise self._trouble(value, "an integer")
        return value

    def _set(self) -> frozenset[str]:
        if (word := self._take()) != "(":
            raise self._trouble(word, "'('")
        values = [self._value()]
        while (word := self._take()) == ",":
            values.append(self._value())
        if word != ")":
            raise self._trouble(word, "')' or ','")
        return frozenset(values)

    def _peek(self) -> str:
        return self._words[self._next] if self._next < len(self._words) else ""

    def _take(self) -> str:
        word = self._peek()
        self._next += 1
        return word

    def _trouble(self, found: str, expected: str) -> BadRequest:
        return BadRequest(f"unable to parse requirement: found '{found}', expected: {expected} in \"{self._text}\"")


class FieldSelector(Struct, frozen=True):
    """Fields that must be equal, or must not be, to a text; an empty one matches everything."""

    kind: Kind
    requirements: tuple[tuple[str, bool, str], ...] = ()

    @classmethod
    def parse(cls, text: str, kind: Kind) -> FieldSelector:
        """Read ``metadata.name=a,status.phase!=Running``; fields are those every kind has and the kind's own.

        Raises BadRequest.
        """
        found: list[tuple[str, bool, str]] = []
        for term in _split(text):
            name, equal, value = _term(term)
            if name not in _EVERYWHERE and name not in kind.selectable:
                raise BadRequest(
                    f'Unable to find "{kind.api_version}, Kind={kind.kind}" that match field selector "{text}": field label not supported: {name}'
                )
            found.append((name, equal, value))
        return cls(kind, tuple(found))

    def matches(self, body: Json) -> bool:
        return all((self._read(name, body) == value) is equal for name, equal, value in self.requirements)

    def exactly(self, field: str) -> str:
        """Return the one value that the field must have; empty if there is no such condition."""
        return next((value for name, equal, value in self.requirements if equal and name == field), "")

    def beyond(self, *fields: str) -> bool:
        """Say whether there are conditions other than the equality of these fields."""
        return any(name not in fields or not equal or not value for name, equal, value in self.requirements)

    def _read(self, name: str, body: Json) -> str:
        reader = _EVERYWHERE.get(name) or self.kind.selectable[name]
        value = reader(body)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __hash__(self) -> int:
        return hash((self.kind.resource, self.requirements))


def _split(text: str) -> list[str]:
    r"""Split at commas that no backslash stands before."""
    return [term for term in re.split(r"(?<!\\),", text) if term.strip()]


def _term(term: str) -> tuple[str, bool, str]:
    found = re.match(r"([^=!]+?)\s*(!=|==|=)(.*)", term, re.DOTALL)
    if not found:
        raise BadRequest(f"invalid selector: '{term}'; can't understand '{term}'")
    name, operator, value = found.groups()
    if re.search(r"(?<!\\)=", value):
        raise BadRequest(f"invalid selector: '{term}'; can't understand '{term}'")
    return name.strip(), operator != "!=", re.sub(r"\\([\\,=])", r"\1", value)
