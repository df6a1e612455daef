"""Which resources depend on which: unknown ones are dropped with a warning, circles refused, the enabled set closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure, Failures, nearest
from upright.controllers.tiltfile.language.text import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from upright.controllers.tiltfile.language.errors import Place

UNCATEGORIZED = "uncategorized"


def known_dependencies(
    wanted: Mapping[str, Sequence[str]], places: Mapping[str, Place | None], warn: Callable[[str], None]
) -> dict[str, tuple[str, ...]]:
    """Return each resource's dependencies that exist; raises Failure for one on itself, or a circle, with its place."""
    kept: dict[str, tuple[str, ...]] = {}
    on_themselves = [
        Failure(f"resource {name} specified a dependency on itself", places.get(name))
        for name, dependencies in wanted.items()
        if name in dependencies
    ]
    Failures.check(on_themselves)
    for name, dependencies in wanted.items():
        for unknown in dict.fromkeys(one for one in dependencies if one not in wanted):
            hint = nearest(unknown, list(wanted))
            warn(f"resource {name} specified a dependency on unknown resource {unknown}{hint} - dependency ignored")
        kept[name] = tuple(dict.fromkeys(one for one in dependencies if one in wanted))
    circle = _circle(kept)
    if circle:
        message = f"cycle detected in resource dependency graph: {' -> '.join(circle)}"
        raise Failure(message, places.get(circle[0]))
    return kept


def _circle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names along a circle, the first one again at its end; empty if there is none."""
    done: set[str] = set()
    for start in edges:
        path: dict[str, None] = {}
        pending = [] if start in done else [(start, iter(edges[start]))]
        while pending:
            name, rest = pending[-1]
            path[name] = None
            following = next((one for one in rest if one not in done), None)
            if following is None:
                done.add(name)
                del path[name]
                pending.pop()
            elif following in path:
                around = list(path)
                return [*around[around.index(following) :], following]
            else:
                pending.append((following, iter(edges[following])))
    return []


def closure(requested: Iterable[str], edges: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the requested resources and all they depend on."""
    found: set[str] = set()
    pending = list(requested)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += edges.get(name, ())
    return found


def enabled(requested: Sequence[str], edges: Mapping[str, Sequence[str]], place: Place | None = None) -> set[str]:
    """Return the resources that run; nothing requested means all. Raises Failure, with the place, for unknown names."""
    if not requested:
        return set(edges)
    unknown = [name for name in requested if name not in edges]
    if unknown:
        others = [name for name in edges if name not in requested]
        told = ", ".join(quote(name) + nearest(name, others) for name in unknown)
        raise Failure(
            f"You specified some resources that could not be found: {told}\n"
            f"Is this a typo? Existing resources in Tiltfile: {_quoted(others)}",
            place,
        )
    return closure(requested, edges) | ({UNCATEGORIZED} & edges.keys())


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)
