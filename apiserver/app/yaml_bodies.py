"""Reads a YAML body as Kubernetes does: JSON's types only, no dates, no aliases."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from upright.apiserver.app.nesting import LEVELS, too_deep
from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PARSER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: PyYAML may lack its C part
_NOT_JSON = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})


class _Loader(_PARSER):  # type: ignore[misc]  # reason: the C loader or the plain one, whichever is there
    """Safe, and without YAML 1.1's dates and its bare ``=``."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_JSON]
    for first, resolvers in _PARSER.yaml_implicit_resolvers.items()
}


def load(raw: bytes) -> Any:  # noqa: ANN401  reason: a decoded document
    """Return the one document of the body. Raises BadRequest: not YAML, or an alias (which could grow without bound).

    Its events are looked through first, for the loader goes down the levels on the machine's stack, to its very end.
    """
    try:
        _require_tame(yaml.parse(raw, Loader=_Loader))
        document = yaml.load(raw, Loader=_Loader)  # noqa: S506  reason: a safe loader's child
        return orjson.loads(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise BadRequest(f"the body is not YAML: {error}") from error


def _require_tame(events: Iterable[yaml.Event]) -> None:
    level = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise BadRequest("the body has YAML aliases, which are not read here: write them out, or send JSON")
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > LEVELS:
                raise too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def twice(raw: bytes) -> Iterator[str]:
    """Yield the paths of what stands twice in a body that ``load`` has read."""
    node = yaml.compose(raw, Loader=_Loader)
    return _twice(node, "") if node is not None else iter(())


def _twice(node: yaml.Node, at: str) -> Iterator[str]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, f"{at}[{index}]")
    elif isinstance(node, yaml.MappingNode):
        count = Counter(str(key.value) for key, _ in node.value)
        yield from (f"{at}.{key}" if at else key for key, times in count.items() if times > 1)
        for key, item in node.value:
            yield from _twice(item, f"{at}.{key.value}" if at else str(key.value))
