"""Reads a JSONPath template into its parts."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from upright.client.cli.troubles import WrongUsage

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
_FIELD = re.compile(r"(?:\\.|[^.\[\]{}\s\\])+")
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)\s*")
_SLICE = re.compile(r"(-?\d+)?(:(-?\d+)?)?(:(-?\d+)?)?$")


class Quoted(NamedTuple):
    """A literal: its text, and what it stands for in a filter."""

    text: str
    value: str | float | bool | None


class Filter(NamedTuple):
    """``@.a == "b"``, or ``@.a`` alone: that it is there."""

    left: Path | Quoted
    operator: str = ""
    right: Path | Quoted | None = None


class Step(NamedTuple):
    """One step down."""

    kind: Literal["field", "all", "deep", "slice", "union", "filter"]
    name: str = ""
    numbers: tuple[int | None, int | None, int | None] = (None, None, None)
    union: tuple[Step, ...] = ()
    filter: Filter | None = None


class Path(NamedTuple):
    """Steps from the current value, or from the root."""

    steps: tuple[Step, ...]
    from_root: bool = False


class Range(NamedTuple):
    """``{range …}…{end}``."""

    over: Path
    body: list[Node]


Node = str | Quoted | Path | Range


def parsed(template: str) -> list[Node]:
    """Return the parts of a template. Raises WrongUsage."""
    whole: list[Node] = []
    open_bodies = [whole]
    for is_action, text in _split(template):
        if not is_action:
            open_bodies[-1].append(text)
        elif text == "end":
            if len(open_bodies) == 1:
                raise WrongUsage(f"jsonpath {template!r}: {{end}} without {{range}}")
            open_bodies.pop()
        elif text.startswith("range ") or text == "range":
            made = Range(path(text[len("range") :].strip()), [])
            open_bodies[-1].append(made)
            open_bodies.append(made.body)
        else:
            open_bodies[-1].append(_literal(text) or path(text))
    if len(open_bodies) > 1:
        raise WrongUsage(f"jsonpath {template!r}: {{range}} without {{end}}")
    return whole


def path(text: str) -> Path:
    """Read ``.items[*].metadata.name``. Raises WrongUsage."""
    rest, from_root = text, text.startswith("$")
    rest = rest[1:] if rest[:1] in {"$", "@"} else rest
    steps: list[Step] = []
    while rest:
        step, rest = _step(rest, text)
        if step is not None:
            steps.append(step)
    return Path(tuple(steps), from_root)


def _step(rest: str, whole: str) -> tuple[Step | None, str]:
    if rest.startswith(".."):
        after = rest[2:]
        return Step("deep"), after if after.startswith("[") else f".{after}"
    if rest.startswith("["):
        end = _closing(rest, whole)
        return _bracket(rest[1:end].strip(), whole), rest[end + 1 :]
    if rest.startswith(".["):
        return None, rest[1:]
    if rest == ".":
        return None, ""
    if rest.startswith(".*"):
        return Step("all"), rest[2:]
    found = _FIELD.match(rest.removeprefix("."))
    if found is None:
        raise WrongUsage(f"jsonpath: {whole!r} cannot be read at {rest!r}")
    name = re.sub(r"\\(.)", r"\1", found[0])
    return Step("field", name), rest.removeprefix(".")[found.end() :]


def _bracket(inside: str, whole: str) -> Step:
    if inside == "*":
        return Step("all")
    if inside.startswith("?"):
        return Step("filter", filter=_condition(inside[1:].strip().removeprefix("(").removesuffix(")"), whole))
    parts = _parts(inside, ",")
    if len(parts) > 1:
        return Step("union", union=tuple(_bracket(part.strip(), whole) for part in parts))
    if (quoted := _literal(inside)) and isinstance(quoted.value, str):
        return Step("field", quoted.value)
    found = _SLICE.match(inside)
    if found is None or not inside:
        raise WrongUsage(f"jsonpath: {whole!r} cannot be read at [{inside}]")
    first, colon, end, _, stride = found.groups()
    if not colon:
        at = int(first)
        return Step("slice", numbers=(at, at + 1 if at != -1 else None, None))
    return Step("slice", numbers=(_int(first), _int(end), _int(stride)))


def _int(text: str | None) -> int | None:
    return int(text) if text else None


def _condition(text: str, whole: str) -> Filter:
    for at, letter in _unquoted(text):
        if letter in "=!<>" and (found := _OPERATOR.match(text, at)):
            left, right = text[:at].strip(), text[found.end() :].strip()
            return Filter(_side(left, whole), found[1], _side(right, whole))
    return Filter(_side(text.strip(), whole))


def _side(text: str, whole: str) -> Path | Quoted:
    if not text:
        raise WrongUsage(f"jsonpath: {whole!r} has a filter without both its sides")
    return _literal(text) or path(text)


def _literal(text: str) -> Quoted | None:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        inner = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
        return Quoted(inner, inner)
    if text in {"true", "false"}:
        return Quoted(text, text == "true")
    if _NUMBER.match(text):
        return Quoted(text, float(text) if "." in text else int(text))
    return None


def _split(template: str) -> list[tuple[bool, str]]:
    """Return text and actions (True) in turn."""
    found: list[tuple[bool, str]] = []
    rest = template
    while rest:
        before, brace, after = rest.partition("{")
        if before:
            found.append((False, before))
        if not brace:
            break
        end = next((at for at, letter in _unquoted(after) if letter == "}"), -1)
        if end < 0:
            raise WrongUsage(f"jsonpath {template!r}: a brace is not closed")
        found.append((True, after[:end].strip()))
        rest = after[end + 1 :]
    return found


def _closing(rest: str, whole: str) -> int:
    depth = 0
    for at, letter in _unquoted(rest):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if not depth:
            return at
    raise WrongUsage(f"jsonpath: {whole!r}: a bracket is not closed")


def _parts(text: str, separator: str) -> list[str]:
    cuts = [at for at, letter in _unquoted(text) if letter == separator]
    return [text[start + 1 : end] for start, end in zip([-1, *cuts], [*cuts, len(text)], strict=True)]


def _unquoted(text: str) -> list[tuple[int, str]]:
    """Return the letters that stand outside of quotes, with their places."""
    found: list[tuple[int, str]] = []
    quote, escaped = "", False
    for at, letter in enumerate(text):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            found.append((at, letter))
    return found
