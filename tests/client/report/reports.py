"""A run that came to several ends at once, for the tests of what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from upright.client.report.gathered import report_of
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.failure import Failure
from upright.openapi.v1alpha1.resource import TILTFILE, BuildRecord, LocalSpec, Resource, ResourceSpec, ResourceStatus
from upright.openapi.v1alpha1.session import (
    Session,
    SessionSpec,
    SessionStatus,
    Target,
    TargetActive,
    TargetState,
    TargetTerminated,
    TargetWaiting,
    Verdict,
)
from upright.openapi.v1alpha1.triggers import Condition

if TYPE_CHECKING:
    from upright.openapi.report import Report

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def resource(
    name: str, *, begun: float | None = None, built: float = 0, ready: float | None = None, needs: tuple[str, ...] = ()
) -> Resource:
    """Return a local resource whose update ran from ``begun`` to ``built`` and which was ready then; None: not."""
    kind = "tiltfile" if name == TILTFILE else "local"
    local = None if kind == "tiltfile" else LocalSpec(update=CmdSpec(args=("true",)))
    history = () if begun is None else (BuildRecord(start_time=at(begun), finish_time=at(built)),)
    word = "False" if ready is None else "True"
    status = ResourceStatus(
        build_history=history,
        update_status="pending" if begun is None else "ok",
        conditions=(Condition(type="Ready", status=word, last_transition_time=at(ready or 0)),),
    )
    order = [TILTFILE, "db", "web", "api", "slow", name].index(name)
    spec = ResourceSpec(kind=kind, order=order, depends_on=needs, local=local)  # type: ignore[arg-type]  # one of the kinds
    return Resource(metadata=ObjectMeta(name=name), spec=spec, status=status)


def target(name: str, state: TargetState) -> Target:
    return Target(name=name, type="job", resources=(name.rpartition(":")[0],), state=state)


def ended(begun: float, end: float, error: str = "") -> TargetState:
    return TargetState(terminated=TargetTerminated(start_time=at(begun), finish_time=at(end), error=error))


FAILURE = Failure(
    resource="web",
    target="web:update",
    path=("Cmd/web:update",),
    rule="command-failed",
    message='Command "make <web> & more" failed: exit status 2',
    since=at(4),
    exit_code=2,
    logs=("one", "]]> \x1b[31mred\x1b[0m \x00 ```` ::error::x"),
    held_back=("api",),
)
RESOURCES = (
    resource(TILTFILE, begun=0, built=0.5, ready=0.5),
    resource("db", begun=1, built=2, ready=3),
    resource("web", begun=3, built=4, needs=("db",)),
    resource("api", needs=("web",)),
    resource("slow", begun=1, built=2),
)
TARGETS = (
    target("db:update", ended(1, 2)),
    target("web:update", ended(3, 4, "exit status 2")),
    target("api:update", TargetState(waiting=TargetWaiting(wait_reason="waiting-for-dep"))),
    target("slow:serve", TargetState(active=TargetActive(start_time=at(2)))),
)


def session(
    state: str = "failed", reason: str = "web: it failed", failures: tuple[Failure, ...] = (FAILURE,), code: int = 1
) -> Session:
    verdict = Verdict.model_validate({"state": state, "reason": reason, "exitCode": code, "time": at(4.5)})
    status = SessionStatus(
        start_time=START,
        done=True,
        targets=(*TARGETS, Target(name="tiltfile:update", type="job", resources=(TILTFILE,), state=ended(0, 0.5))),
        verdict=verdict,
        failures=failures,
    )
    return Session(metadata=ObjectMeta(name="Tiltfile"), spec=SessionSpec(tiltfile_path="/src/Tiltfile"), status=status)


def report(made: Session | None = None) -> Report:
    return report_of(made or session(), RESOURCES, version="1.2.3", logs="/runs/1/logs")
