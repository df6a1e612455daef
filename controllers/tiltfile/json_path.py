"""JSONPath as kubectl reads it, as far as it says where something stands: fields, indexes, wildcards and filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEP = re.compile(
    r"""
    \.\.(?P<deep>[\w-]+)                                   # ..name
    | \.?\[\?\(\s*@(?P<where>(?:\.[\w/-]+)+)\s*            # [?(@.name == "x")]
      (?:(?P<operator>==|!=)\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\s*)?\)\]
    | \.?\[(?P<index>-?\d+)\]                              # [0]
    | \.?\[(?P<name_quote>["'])(?P<quoted>.*?)(?P=name_quote)\]  # ['name']
    | (?P<all>\.?\[\*\]|\.\*)                              # [*] and .*
    | \.(?P<name>(?:\\.|[\w-])+)                           # .name
    """,
    re.VERBOSE,
)


class Place(Struct, frozen=True):
    """Where a value stands: in which dict or list, under which key or index."""

    holder: Any  # Any: a part of a decoded JSON document
    key: str | int

    @property
    def value(self) -> Any:  # noqa: ANN401  reason: a part of a decoded JSON document
        return self.holder[self.key]


class JSONPath:
    """A path such as ``{.spec.containers[*].image}``; raises ValueError for one that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        body = text.strip()
        if not (body.startswith("{") and body.endswith("}")):
            message = f"invalid JSONPath {text!r}: it must stand in braces, such as {{.spec.image}}"
            raise ValueError(message)
        body = body[1:-1].strip().removeprefix("$")
        self._steps: list[Callable[[Any], Iterator[Place]]] = []
        at = 0
        while at < len(body):
            found = _STEP.match(body, at) or (_STEP.match(f".{body}") if at == 0 else None)
            if found is None:
                message = f"invalid JSONPath {text!r}: cannot read {body[at:]!r}"
                raise ValueError(message)
            at = found.end() - (len(found.string) - len(body))
            self._steps.append(_step(found))
        if not self._steps:
            message = f"invalid JSONPath {text!r}: it leads nowhere"
            raise ValueError(message)

    def find(self, document: Any) -> list[Place]:  # noqa: ANN401  reason: a decoded JSON document
        """Return where the path leads in the document; what is missing is left out."""
        places = list(self._steps[0](document))
        for step in self._steps[1:]:
            places = [place for one in places for place in step(one.value)]
        return places


def _step(found: re.Match[str]) -> Callable[[Any], Iterator[Place]]:
    if found["deep"]:
        return lambda value: _deep(value, found["deep"])
    if found["where"]:
        return lambda value: (place for place in _children(value) if _passes(place.value, found))
    if found["index"]:
        return lambda value: _indexed(value, int(found["index"]))
    if found["all"]:
        return _children
    name = found["quoted"] if found["quoted"] is not None else re.sub(r"\\(.)", r"\1", found["name"])
    return lambda value: iter([Place(value, name)] if isinstance(value, dict) and name in value else [])


def _children(value: Any) -> Iterator[Place]:  # noqa: ANN401  reason: a part of a decoded JSON document
    if isinstance(value, dict):
        yield from (Place(value, key) for key in value)
    elif isinstance(value, list):
        yield from (Place(value, index) for index in range(len(value)))


def _indexed(value: Any, index: int) -> Iterator[Place]:  # noqa: ANN401  reason: a part of a decoded JSON document
    if isinstance(value, list) and -len(value) <= index < len(value):
        yield Place(value, index)


def _deep(value: Any, name: str) -> Iterator[Place]:  # noqa: ANN401  reason: a part of a decoded JSON document
    if isinstance(value, dict) and name in value:
        yield Place(value, name)
    for child in _children(value):
        yield from _deep(child.value, name)


def _passes(value: Any, found: re.Match[str]) -> bool:  # noqa: ANN401  reason: a part of a decoded JSON document
    here = value
    for name in found["where"][1:].split("."):
        if not isinstance(here, dict) or name not in here:
            return False
        here = here[name]
    if not found["operator"]:
        return True
    return (str(here) == found["value"]) == (found["operator"] == "==")
