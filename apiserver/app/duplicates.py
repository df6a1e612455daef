"""Finds the fields that stand twice in a body, JSON or YAML; the decoders keep the last one and say nothing."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Twice(dict[str, Any]):
    """An object with the keys that it was given more than once."""

    keys_twice: tuple[str, ...] = ()


def duplicates(raw: bytes, body: object) -> tuple[str, ...]:
    """Return the paths of what stands twice in the text, JSON or YAML, that was decoded as ``body``.

    Most bodies are seen to be whole by their quotes: each field that is lost takes some with it.
    """
    try:
        if raw.lstrip()[:1] not in {b"{", b"["}:
            from upright.apiserver.app.yaml_bodies import twice  # noqa: PLC0415  reason: yaml is rarely needed

            return tuple(twice(raw))
        if b"\\" not in raw and orjson.dumps(body).count(b'"') == raw.count(b'"'):
            return ()
        return tuple(_paths(json.loads(raw, object_pairs_hook=_noted), ""))
    except (ValueError, TypeError, RecursionError):  # not JSON after all, or too deep: the decoder had the last word
        return ()


def _noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    noted = _Twice(made)
    noted.keys_twice = tuple(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return noted


def _paths(value: object, at: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{at}[{index}]")
    elif isinstance(value, dict):
        if isinstance(value, _Twice):
            yield from (f"{at}.{key}" if at else key for key in value.keys_twice)
        for key, item in value.items():
            yield from _paths(item, f"{at}.{key}" if at else key)
