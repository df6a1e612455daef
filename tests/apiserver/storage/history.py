"""What clients of one collection saw, and what about it breaks a promise of watches, lists and writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Saw(NamedTuple):
    """An event that a watch told."""

    type: str
    name: str
    revision: int
    value: str


@dataclass
class Segment:
    """One watch from ``since`` to wherever it broke off; ``seen`` in the order it came."""

    since: int
    seen: list[Saw] = field(default_factory=list[Saw])


class Listed(NamedTuple):
    """A list: its revision, and what was in it by name: revision and value."""

    revision: int
    items: dict[str, tuple[int, str]]


class Wrote(NamedTuple):
    """A write that was answered: the object as the answer had it (its revision 0 for a delete, which has none)."""

    name: str
    revision: int
    value: str


@dataclass
class History:
    """All that all clients recorded."""

    segments: list[Segment] = field(default_factory=list[Segment])
    lists: list[Listed] = field(default_factory=list[Listed])
    writes: list[Wrote] = field(default_factory=list[Wrote])


def violations(history: History) -> Iterator[str]:
    """Yield every broken promise."""
    yield from _disagreements(history)
    told = {saw.revision: saw for segment in history.segments for saw in segment.seen}
    for segment in history.segments:
        yield from _out_of_order(segment)
        yield from _gaps(segment, told)
    yield from _wrong_types(told)
    for listed in history.lists:
        yield from _wrong_list(listed, told)
    for wrote in history.writes:
        if wrote.revision and wrote.revision not in told and min(told) < wrote.revision < max(told):
            yield f"the answered write {wrote} was never told"


def _disagreements(history: History) -> Iterator[str]:
    """A revision is one change: everybody who saw it saw the same."""
    known: dict[int, tuple[str, str]] = {}
    seen = [(s.revision, s.name, s.value) for segment in history.segments for s in segment.seen if s.type != "DELETED"]
    seen += [(revision, name, value) for one in history.lists for name, (revision, value) in one.items.items()]
    seen += [(one.revision, one.name, one.value) for one in history.writes if one.revision]
    for revision, name, value in seen:
        if known.setdefault(revision, (name, value)) != (name, value):
            yield f"revision {revision} is {known[revision]} to one and {(name, value)} to another"


def _out_of_order(segment: Segment) -> Iterator[str]:
    before = segment.since
    for saw in segment.seen:
        if saw.revision <= before:
            yield f"{saw} came after revision {before}"
        before = saw.revision


def _gaps(segment: Segment, told: dict[int, Saw]) -> Iterator[str]:
    """A watch tells everything from where it begins to where it is."""
    seen = Counter(saw.revision for saw in segment.seen)
    reached = max(seen, default=segment.since)
    for revision, saw in told.items():
        if segment.since < revision <= reached and seen[revision] != 1:
            yield f"a watch from {segment.since} to {reached} told {saw} {seen[revision]} times"


def _contiguous(told: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of revisions without a hole."""
    start = before = 0
    for revision in sorted(told):
        if not start or revision != before + 1:
            if start:
                yield start, before
            start = revision
        before = revision
    if start:
        yield start, before


def _wrong_types(told: dict[int, Saw]) -> Iterator[str]:
    """ADDED is what was not there, MODIFIED and DELETED what was; as far back as everything is known."""
    for first, last in _contiguous(told):
        there: dict[str, bool] = {}
        for revision in range(first, last + 1):
            saw = told[revision]
            was = there.get(saw.name)
            if was is not None and was == (saw.type == "ADDED"):
                yield f"{saw}, though it was {'there' if was else 'not there'}"
            there[saw.name] = saw.type != "DELETED"


def _wrong_list(listed: Listed, told: dict[int, Saw]) -> Iterator[str]:
    """A list is the collection as of its revision: what was told in the run of revisions before it is in it, or is gone."""
    for name, (revision, _) in listed.items.items():
        if revision > listed.revision:
            yield f"a list of {listed.revision} has {name} of {revision}"
    first = next((first for first, last in _contiguous(told) if first <= listed.revision <= last), None)
    if first is None:
        return
    newest = {told[at].name: told[at] for at in range(first, listed.revision + 1)}
    for name, saw in newest.items():
        found = listed.items.get(name)
        if saw.type == "DELETED" and found is not None:
            yield f"a list of {listed.revision} has {name}, which was deleted at {saw.revision}"
        if saw.type != "DELETED" and (found is None or found[0] != saw.revision):
            yield f"a list of {listed.revision} has {name} as {found}, not as {saw}"
