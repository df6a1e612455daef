"""A judge that keeps all it saw, in the order in which it decided."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import orjson
from msgspec.structs import replace

from upright.client.report.scrubbed import scrubbed_json
from upright.controllers.judge import Judge
from upright.controllers.record import wire
from upright.controllers.verdict.cards import completed
from upright.openapi.v1alpha1.resource import ResourceStatus
from upright.openapi.v1alpha1.session import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from upright.controllers.record.record_file import RecordWriter
    from upright.controllers.resource_decision import Decided, Seen, Tail
    from upright.controllers.session_decision import SessionSeen
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
    from upright.openapi.v1alpha1.resource import Resource
    from upright.openapi.v1alpha1.session import Session, Verdict

FORMAT = 1
WRITE_EVERY_SECONDS = 0.1
"""What a crash may lose."""
_REMEMBERED = 4
_LINE = orjson.OPT_APPEND_NEWLINE
S = TypeVar("S", ResourceStatus, SessionStatus)
_NONE: Any = object()  # what no thing that was seen is


class _Decisions(Generic[S]):
    """The newest decisions about one object, by number: what was seen is mostly one of them."""

    def __init__(self, first: S) -> None:
        self._known: deque[tuple[int, S]] = deque([(0, first)], _REMEMBERED)
        self.count = 0

    @property
    def last(self) -> S:
        """The newest decision."""
        return self._known[-1][1]

    def add(self, status: S) -> None:
        """Take note of a decision; the next number is its."""
        self.count += 1
        self._known.append((self.count, status))

    def refer(self, status: S) -> int | Json:
        """Return the number of the decision that the status is, or all of it if somebody else wrote it."""
        for number, known in reversed(self._known):
            if known is status or known == status:
                return number
        return status.to_wire()


class RecordingJudge(Judge):
    """Decides, and appends what it saw to a record; ``scrub`` takes the secrets out of it.

    Of each thing only what changed is written. ``run`` writes now and then; ``end`` writes the rest.
    """

    def __init__(self, writer: RecordWriter, scrub: Callable[[str], str], about: Mapping[str, str]) -> None:
        self._writer = writer
        self._scrub = scrub
        self._entries: list[Json] = [{"upright-record": FORMAT, **about}]
        self._news = anyio.Event()
        self._last: dict[str, dict[str, object]] = {}
        self._shown: dict[str, KubernetesDiscovery | None] = {}
        self._described: dict[str, object] = {}
        self._decisions: dict[str, _Decisions[ResourceStatus]] = {}
        self._session = _Decisions(SessionStatus())
        self._session_spec: object = None
        self._tiltfiles: object = (None, (), "")
        self._referred: dict[str, int | Json] = {}
        self._looked_at: dict[str, ResourceStatus] = {}
        self._tails: dict[str, tuple[str, ...]] = {}
        self._flush()  # a run that is killed at once leaves a record too

    async def run(self) -> None:
        """Write what is new every now and then, until cancelled."""
        while True:
            await self._news.wait()
            await anyio.sleep(WRITE_EVERY_SECONDS)
            self._flush()

    def resource(self, seen: Seen, tail: Tail) -> Decided:
        name = seen.resource.name
        self._describe(seen.resource)
        if seen.going is not None:
            seen = replace(seen, going=replace(seen.going, objects=()))
        before = self._of(name).refer(seen.resource.status)
        entry: Json = {"resource": name, "at": wire.time_wire(seen.now), "before": before, **self._changes(name, seen)}
        tails: dict[str, tuple[str, ...]] = {}
        decided = super().resource(seen, self._hearing(tail, tails))
        self._of(name).add(decided.status)
        self._append({**entry, "tails": tails} if tails else entry)
        return decided

    def session(self, seen: SessionSeen) -> tuple[SessionStatus, datetime | None]:
        entry: Json = {"session": self._session.refer(seen.session.status), "at": wire.time_wire(seen.now)}
        if self._session_spec != seen.session.spec:
            self._session_spec = seen.session.spec
            entry |= {"spec": seen.session.spec.to_wire(), "pid": seen.pid}
        if self._tiltfiles != (seen.tiltfile, seen.beside, seen.broken):
            self._tiltfiles = (seen.tiltfile, seen.beside, seen.broken)
            told, *beside = (one.to_wire() if one is not None else None for one in (seen.tiltfile, *seen.beside))
            entry |= {"tiltfile": told, "beside": beside, "broken": seen.broken}
        entry |= self._resources(seen.resources)
        if seen.cluster_errors:
            entry["clusterErrors"] = dict(seen.cluster_errors)
        if seen.sight_lost_at is not None:
            entry["sightLostAt"] = wire.time_wire(seen.sight_lost_at)
        status, again = super().session(seen)
        self._session.add(status)
        self._append(entry)
        return status, again

    def interrupted(self, session: Session, verdict: Verdict) -> SessionStatus:
        before = self._session.refer(session.status)
        self._append({"interrupted": verdict.to_wire(), "before": before, "spec": session.spec.to_wire()})
        status = super().interrupted(session, verdict)
        self._session.add(status)
        return status

    def end(self, session: Session, resources: Iterable[Resource], report: Json) -> None:
        """Write how it ended: the last word on each object, the whole logs of cards, and the report for a replay to meet."""
        tails = {card.span: card.logs for card in session.status.failures if card.span}
        decided = self._session.last
        told = decided.model_copy(update={"failures": completed(decided.failures, tails)})
        refers = self._session.count if told == session.status else self._session.refer(session.status)
        ordered = tuple(sorted(resources, key=lambda one: one.name))
        self._append({"end": refers, "tails": tails, **self._resources(ordered), "report": report})

    def close(self) -> None:
        """Write all that is not written yet."""
        self._flush()
        self._writer.close()

    def _of(self, name: str) -> _Decisions[ResourceStatus]:
        return self._decisions.setdefault(name, _Decisions(ResourceStatus()))

    def _describe(self, resource: Resource) -> None:
        meta = resource.metadata
        if self._described.get(resource.name) != (meta.uid, meta.generation):
            self._described[resource.name] = (meta.uid, meta.generation)
            self._append({"describes": resource.name, "object": wire.resource_wire(resource)})

    def _changes(self, name: str, seen: Seen) -> Json:
        """Return what of the things seen is not as it was at the look before."""
        last = self._last.setdefault(name, {})
        told: Json = {}
        for field, write in wire.FIELDS.items():
            value = getattr(seen, field)
            if last.get(field, _NONE) is not value and last.get(field, _NONE) != value:
                told[field] = write(value)
            last[field] = value
        shown = self._shown.get(name)
        if shown is not seen.discovery and shown != seen.discovery:
            told["discovery"] = wire.discovery_wire(shown, seen.discovery)
        self._shown[name] = seen.discovery
        return told

    def _resources(self, resources: Sequence[Resource]) -> Json:
        """Return which decision about each resource is seen, where that is another one than before."""
        changed: Json = {}
        for resource in resources:
            self._describe(resource)
            if self._looked_at.get(resource.name) is resource.status:
                continue  # mostly so, and looking which decision it is takes long
            self._looked_at[resource.name] = resource.status
            refers = self._of(resource.name).refer(resource.status)
            if self._referred.get(resource.name) != refers:
                self._referred[resource.name] = changed[resource.name] = refers
        here = {one.name for one in resources}
        gone = [name for name in self._referred if name not in here]
        for name in gone:
            del self._looked_at[name]
            del self._referred[name]
        return {"resources": changed} | ({"gone": gone} if gone else {})

    def _hearing(self, tail: Tail, heard: dict[str, tuple[str, ...]]) -> Tail:
        def listen(span: str, lines: int) -> Sequence[str]:
            told = tuple(tail(span, lines))
            if self._tails.get(span) != told:
                self._tails[span] = heard[span] = told
            return told

        return listen

    def _append(self, entry: Json) -> None:
        self._entries.append(entry)
        self._news.set()

    def _flush(self) -> None:
        entries, self._entries = self._entries, []
        self._news = anyio.Event()
        if entries:
            self._writer.write(map(self._line, entries))

    def _line(self, entry: Json) -> bytes:
        """Return the entry as a line. Each text is scrubbed by itself, if there is anything in it to scrub."""
        line = orjson.dumps(entry, option=_LINE)
        text = line.decode()
        if self._scrub(text) == text and "\\\\" not in text:  # a backslash is two here, and hides a form that has one
            return line
        return orjson.dumps(scrubbed_json(orjson.loads(line), self._scrub), option=_LINE)
