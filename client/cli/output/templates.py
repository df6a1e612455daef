"""The part of Go's templates that scripts use on objects: fields, ``range``, ``if``, ``with``, ``index``, ``len``, text."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from upright.client.cli.output.jsonpath import scalar
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Value = Any  # a decoded JSON value
_ACTION = re.compile(r"(\s*\{\{- |\{\{)(.*?)( -\}\}\s*|\}\})", re.DOTALL)
_BLOCKS = frozenset({"range", "if", "with"})
_MISSING = "<no value>"
_NOT_THERE = object()


@dataclass(slots=True)
class _Action:
    """``{{word what}}``, with what is between it and its ``{{end}}`` where it has one."""

    word: str
    what: str
    body: list[str | _Action] = field(default_factory=list["str | _Action"])
    otherwise: list[str | _Action] = field(default_factory=list["str | _Action"])


class Template:
    """One template. Raises WrongUsage for what cannot be read."""

    def __init__(self, text: str) -> None:
        self._nodes = _parsed(text)

    def text(self, value: Value) -> str:
        """Return what Go would print for the value."""
        return "".join(_printed(self._nodes, value, value))


def _parsed(text: str) -> list[str | _Action]:
    nodes: list[str | _Action] = []
    open_: list[_Action] = []
    into, at = nodes, 0
    for found in _ACTION.finditer(text):
        into.append(text[at : found.start()])
        at = found.end()
        word, _, what = found[2].strip().partition(" ")
        if word == "end":
            if not open_:
                raise WrongUsage("the template has an {{end}} too many")
            open_.pop()
            into = open_[-1].body if open_ else nodes
        elif word == "else" and not what and open_:
            into = open_[-1].otherwise
        elif word in _BLOCKS:
            open_.append(_Action(word, what.strip()))
            into.append(open_[-1])
            into = open_[-1].body
        elif not word.startswith("/*"):
            into.append(_Action("", found[2].strip()))
    if open_:
        raise WrongUsage(f"the template's {{{{{open_[-1].word} {open_[-1].what}}}}} has no {{{{end}}}}")
    return [*nodes, text[at:]]


def _printed(nodes: Sequence[str | _Action], value: Value, root: Value) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
            continue
        found = _value(node.what, value, root)
        if not node.word:
            yield _MISSING if found is _NOT_THERE or found is None else scalar(found)
        elif found is _NOT_THERE or not found:
            yield from _printed(node.otherwise, value, root)
        elif node.word == "range":
            for one in found.values() if isinstance(found, dict) else found:
                yield from _printed(node.body, one, root)
        else:
            yield from _printed(node.body, found if node.word == "with" else value, root)


def _value(expression: str, value: Value, root: Value) -> Value:
    try:
        words = shlex.split(expression, posix=False)
    except ValueError:
        words = []
    if len(words) == 1:
        return _term(words[0], value, root)
    if len(words) == 2 and words[0] == "len":
        found = _term(words[1], value, root)
        return len(found) if isinstance(found, (dict, list, str)) else 0
    if len(words) >= 3 and words[0] == "index":
        found = _term(words[1], value, root)
        for key in words[2:]:
            found = _entry(found, _term(key, value, root))
        return found
    raise WrongUsage(
        f"the template's {{{{{expression}}}}} is not understood: use fields (.metadata.name), range, if, with, index, len"
    )


def _term(word: str, value: Value, root: Value) -> Value:
    if word[0] == word[-1] == '"' and len(word) > 1:
        return word[1:-1].replace("\\n", "\n").replace("\\t", "\t")
    if word.isdigit():
        return int(word)
    start, word = (root, word[1:]) if word.startswith("$") else (value, word)
    if word and not word.startswith("."):
        raise WrongUsage(f'the template knows no "{word}": fields begin with a dot, as in .metadata.name')
    for name in filter(None, word.split(".")):
        start = _entry(start, name)
    return start


def _entry(holder: Value, key: str | int) -> Value:
    if isinstance(holder, dict):
        return holder.get(key, _NOT_THERE)
    if isinstance(holder, list) and isinstance(key, int) and key < len(holder):
        return holder[key]
    return _NOT_THERE
