"""A record played again: the same decisions from the same observations; or from other settings, as far as it reaches."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.judge import Judge
from upright.controllers.record import wire
from upright.controllers.record.record_file import NotARecord
from upright.controllers.record.recorder import FORMAT
from upright.controllers.resource_decision import Seen
from upright.controllers.session_decision import SessionSeen
from upright.controllers.unfinished import Unfinished
from upright.controllers.verdict.cards import completed
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.resource import Resource, ResourceStatus
from upright.openapi.v1alpha1.session import Session, SessionSpec, SessionStatus, Verdict
from upright.openapi.v1alpha1.tiltfile import TiltfileStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.limits import Limits

_SEEN = frozenset(Seen.__struct_fields__)


class _Line(Struct):
    """What is known of one resource: its decisions, by number, and what was seen of it last."""

    body: Resource | None = None
    decisions: list[ResourceStatus] = field(default_factory=lambda: [ResourceStatus()])
    seen: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_of(self, refers: int | Json) -> Resource:
        """Return the resource with the status that is referred to."""
        if self.body is None:
            message = "a resource is seen before it is described"
            raise NotARecord(message)
        status = self.decisions[refers] if isinstance(refers, int) else ResourceStatus.model_validate(refers)
        return self.body.model_copy(update={"status": status})


class Replay:
    """Plays the entries of a record.

    ``settings`` outweigh what the run was told. Without any, each decision is made when it was made, from what was seen
    then, and comes out the same. With some, what was observed stays, and decisions are also made when their time comes.
    ``until``: what happened later is not looked at.
    """

    def __init__(self, entries: Sequence[Json], settings: Limits | None = None, until: datetime | None = None) -> None:
        if not entries or entries[0].get("upright-record") != FORMAT:
            message = f"the file has no record of format {FORMAT}: was it written by another version of upright?"
            raise NotARecord(message)
        self.about = entries[0]
        self.report: Json | None = None
        self._entries = entries[1:]
        self._settings = settings
        self._until = until
        self._judge = Judge()
        self._lines: dict[str, _Line] = {}
        self._sessions = [SessionStatus()]
        self._spec: SessionSpec | None = None
        self._last: Json = {}
        self._pid = 0
        self._tiltfile: TiltfileStatus | None = None
        self._beside: tuple[TiltfileStatus | None, ...] = ()
        self._broken = ""
        self._referred: dict[str, int | Json] = {}
        self._tails: dict[str, Sequence[str]] = {}
        self._later: dict[str, Sequence[str]] = {}
        for entry in reversed(entries[1:] if settings is not None else ()):
            self._later |= entry.get("tails", {})
        self._due: list[tuple[datetime, int, str]] = []
        self._order = count()
        self._unfinished = Unfinished()
        self.now: datetime | None = None

    def play(self) -> None:
        """Play it all, or as far as it is wanted, or until the verdict under other settings. Raises NotARecord."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[datetime]:
        """Play it entry by entry; yield the moment to which each has come, before it is looked at. Raises NotARecord."""
        for number, entry in enumerate(self._entries, 2):
            try:
                at = wire.time_read(entry["at"]) if "at" in entry else None
                if at is not None:
                    yield at
                if not self._step(entry, at):
                    return
            except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
                message = (
                    f"entry {number} of the record cannot be read ({type(error).__name__}: {error}): is it damaged?"
                )
                raise NotARecord(message) from error

    def _step(self, entry: Json, at: datetime | None) -> bool:
        """Take an entry; False if there is no more to play."""
        until = self._until
        late = at is not None and until is not None and at > until
        if self._settings is not None and not self._catch_up(until if late else at):
            return False
        if late:
            self.now = until
            return False
        self.now = at or self.now
        self._take(entry)
        return self._settings is None or not self.session.status.done

    @property
    def started(self) -> datetime | None:
        """When the run began, as far as the record tells."""
        return next((wire.time_read(entry["at"]) for entry in self._entries if "at" in entry), None)

    @property
    def session(self) -> Session:
        """The Session as it is now."""
        spec = self._spec or SessionSpec.model_validate({"tiltfilePath": self.about.get("tiltfile", "")})
        return Session(metadata=ObjectMeta(name="Tiltfile"), spec=spec, status=self._sessions[-1])

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The resources as they are now, by name."""
        at_end = self.report is not None and self._settings is None
        refers = self._referred if at_end else dict.fromkeys(sorted(self._lines), -1)
        return tuple(self._lines[name].as_of(refers[name]) for name in sorted(refers) if self._lines[name].body)

    def _take(self, entry: Json) -> None:
        if "describes" in entry:
            line = self._line(entry["describes"])
            line.body = self._told_otherwise(Resource.model_validate(entry["object"]))
        elif "resource" in entry:
            self._resource(entry)
        elif "session" in entry:
            self._session(entry)
        elif "interrupted" in entry:
            self._spec = self._spec or SessionSpec.model_validate(entry["spec"])
            session = self._session_as_of(entry["before"])
            self._sessions.append(self._judge.interrupted(session, Verdict.model_validate(entry["interrupted"])))
        elif "end" in entry:
            self._end(entry)

    def _line(self, name: str) -> _Line:
        return self._lines.setdefault(name, _Line())

    def _resource(self, entry: Json) -> None:
        name = entry["resource"]
        line = self._line(name)
        line.seen |= {field: read(entry[field]) for field, read in wire.READ.items() if field in entry}
        if "discovery" in entry:
            line.seen["discovery"] = wire.discovery_read(line.seen.get("discovery"), entry["discovery"])
        self._tails |= entry.get("tails", {})
        self._decide(name, wire.time_read(entry["at"]), entry["before"])

    def _decide(self, name: str, now: datetime, before: int | Json) -> None:
        line = self._line(name)
        resource = line.as_of(before if self._settings is None else -1)
        known = {field: value for field, value in line.seen.items() if field in _SEEN}
        seen = Seen(resource, now, **known)
        if self._settings is not None:
            self._unfinished.note(resource)
            seen = replace(seen, limits=self._settings.over(seen.limits), busy=self._unfinished.could_help(name))
        decided = self._judge.resource(seen, self._tail)
        line.decisions.append(decided.status)
        if self._settings is not None:
            self._unfinished.note(resource.model_copy(update={"status": decided.status}))
            for at in decided.times:
                heapq.heappush(self._due, (at, next(self._order), name))

    def _tail(self, span: str, lines: int) -> Sequence[str]:
        """Return the last lines of a log as they were; where other settings ask earlier than the run did, as it saw them first."""
        return self._tails.get(span, self._later.get(span, ()))[-lines:]

    def _session(self, entry: Json) -> None:
        if "spec" in entry:
            self._spec = self._session_spec(SessionSpec.model_validate(entry["spec"]))
            self._pid = entry["pid"]
        if "tiltfile" in entry:
            read = (
                TiltfileStatus.model_validate(one) if one else None for one in (entry["tiltfile"], *entry["beside"])
            )
            self._tiltfile, *beside = (one and self._settings_of(one) for one in read)
            self._beside, self._broken = tuple(beside), entry["broken"]
        self._refer(entry)
        self._last = entry
        self._decide_session(wire.time_read(entry["at"]), entry["session"])

    def _refer(self, entry: Json) -> None:
        self._referred |= entry["resources"]
        for name in entry.get("gone", ()):
            self._referred.pop(name, None)

    def _decide_session(self, now: datetime, before: int | Json) -> None:
        latest = self._settings is not None
        lost = self._last.get("sightLostAt")
        seen = SessionSeen(
            self._session_as_of(-1 if latest else before),
            now,
            self._pid,
            self._tiltfile,
            self._beside,
            self._broken,
            tuple(self._lines[name].as_of(-1 if latest else self._referred[name]) for name in sorted(self._referred)),
            self._last.get("clusterErrors", {}),
            wire.time_read(lost) if lost else None,
        )
        status, again = self._judge.session(seen)
        self._sessions.append(status)
        if latest and again is not None:
            heapq.heappush(self._due, (again, next(self._order), ""))

    def _session_as_of(self, refers: int | Json) -> Session:
        status = self._sessions[refers] if isinstance(refers, int) else SessionStatus.model_validate(refers)
        return self.session.model_copy(update={"status": status})

    def _end(self, entry: Json) -> None:
        """Have all as it was written last: what was decided later was not told any more."""
        self.report = entry["report"]
        if self._settings is None:
            self._refer(entry)
            status = self._session_as_of(entry["end"]).status
            cards = completed(status.failures, entry["tails"])
            self._sessions.append(status.model_copy(update={"failures": cards}))

    def _catch_up(self, now: datetime | None) -> bool:
        """Decide anew what is due before ``now``; False if that ended the run."""
        while now is not None and self._due and self._due[0][0] <= now:
            at, _, name = heapq.heappop(self._due)
            self.now = at
            if name:
                self._decide(name, at, -1)
            if self._last:
                self._decide_session(at, -1)
            if self.session.status.done:
                return False
        return True

    def _told_otherwise(self, resource: Resource) -> Resource:
        if self._settings is None:
            return resource
        spec = resource.spec.model_copy(update={"limits": self._settings.over(resource.spec.limits)})
        return resource.model_copy(update={"spec": spec})

    def _session_spec(self, spec: SessionSpec) -> SessionSpec:
        if self._settings is None:
            return spec
        return spec.model_copy(update={"limits": self._settings.over(spec.limits)})

    def _settings_of(self, status: TiltfileStatus) -> TiltfileStatus:
        if self._settings is None or status.settings is None:
            return status
        ci = status.settings.ci.model_copy(update={"limits": self._settings.over(status.settings.ci.limits)})
        return status.model_copy(update={"settings": status.settings.model_copy(update={"ci": ci})})
