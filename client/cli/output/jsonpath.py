"""JSONPath as kubectl knows it: templates of text and ``{…}``, with range, filters, slices and recursive descent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from upright.client.cli.output.jsonpath_words import Filter, Path, Quoted, Range, Step, parsed
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.client.cli.output.jsonpath_words import Node

Value = Any  # a decoded JSON value


class JsonPath:
    """One template. Raises WrongUsage for what cannot be read."""

    def __init__(self, template: str) -> None:
        self._nodes = parsed(template)

    def text(self, value: Value) -> str:
        """Return what kubectl prints for the value; what is not there is left out."""
        return "".join(_printed(self._nodes, value, value))

    def values(self, value: Value) -> list[Value]:
        """Return everything that the paths of the template lead to."""
        return [found for node in self._nodes if isinstance(node, Path) for found in _follow(node, value, value)]


def relaxed(expression: str) -> JsonPath:
    """Read a path as ``--sort-by`` takes it: with or without braces and the first dot. Raises WrongUsage."""
    inner = expression.strip()
    inner = inner[1:-1] if inner.startswith("{") and inner.endswith("}") else inner
    if not inner:
        raise WrongUsage("a path is missing, as in .metadata.name")
    return JsonPath(f"{{{inner if inner[0] in '.[$' else f'.{inner}'}}}")


def scalar(value: Value) -> str:
    """Return a value as kubectl prints it inside text: objects and lists as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return "" if value is None else str(value)


def _printed(nodes: Sequence[Node], value: Value, root: Value) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Quoted):
            yield node.text
        elif isinstance(node, Range):
            for one in _follow(node.over, value, root):
                yield from _printed(node.body, one, root)
        else:
            yield " ".join(scalar(found) for found in _follow(node, value, root))


def _follow(path: Path, value: Value, root: Value) -> list[Value]:
    found = [root if path.from_root else value]
    for step in path.steps:
        found = [below for one in found for below in _below(step, one, root)]
    return found


def _below(step: Step, value: Value, root: Value) -> Iterator[Value]:
    match step.kind:
        case "field":
            if isinstance(value, dict) and step.name in value:
                yield value[step.name]
        case "all":
            yield from value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
        case "deep":
            yield from _deep(value)
        case "slice":
            yield from _sliced(step.numbers, value)
        case "union":
            for one in step.union:
                yield from _below(one, value, root)
        case _:
            yield from _filtered(step, value, root)


def _deep(value: Value) -> Iterator[Value]:
    yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _deep(below)


def _sliced(numbers: tuple[int | None, int | None, int | None], value: Value) -> Iterator[Value]:
    if isinstance(value, list):
        yield from value[slice(*numbers)]


def _filtered(step: Step, value: Value, root: Value) -> Iterator[Value]:
    if step.filter is None:
        return
    items = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    for item in items:
        if _holds(step.filter, item, root):
            yield item


def _holds(condition: Filter, item: Value, root: Value) -> bool:
    left = _side(condition.left, item, root)
    if not condition.operator:
        return bool(left)
    right = _side(condition.right, item, root) if condition.right is not None else []
    if len(left) != 1 or len(right) != 1:
        return False
    return _compared(condition.operator, left[0], right[0])


def _side(side: Path | Quoted, item: Value, root: Value) -> list[Value]:
    return [side.value] if isinstance(side, Quoted) else _follow(side, item, root)


def _compared(operator: str, left: Value, right: Value) -> bool:
    if operator in {"==", "!="}:
        return bool(left == right) == (operator == "==")
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])
