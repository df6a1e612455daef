"""A Session: its verdict, what it waits for and why, what failed, what is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.layouts.failures import add_failures
from upright.client.cli.layouts.page import Page, ago, moment, since
from upright.client.cli.layouts.waiting import held_back

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.openapi.meta import Json

_ENDS = {"ci": "when everything is healthy, or something failed", "manual": "when it is told to"}


class _Row(NamedTuple):
    """A target as it is: ``waits``, ``failed``, ``ready`` or ``idle``; since when, and why."""

    name: str
    state: str
    since: str | None
    why: str


def described(body: Json, now: datetime, resources: Sequence[Json] = ()) -> str:
    """Return the page of a Session; its resources tell more of what is waited for."""
    status = body.get("status") or {}
    by_name = {resource["metadata"]["name"]: resource for resource in resources}
    rows = [_row(target, by_name) for target in status.get("targets") or ()]
    page = Page()
    _head(page, body, rows, now)
    add_failures(page, status.get("failures") or (), now)
    _failed(page, rows, {failure["target"] for failure in status.get("failures") or ()})
    _waiting(page, [row for row in rows if row.state == "waits"], now)
    _ready(page, [row for row in rows if row.state == "ready"], now)
    if idle := [row.name for row in rows if row.state == "idle"]:
        page.section("Not asked to run")
        page.lines(idle, 2)
    return page.text()


def _head(page: Page, body: Json, rows: Sequence[_Row], now: datetime) -> None:
    spec, status = body["spec"], body.get("status") or {}
    wanted = [row for row in rows if row.state != "idle"]
    ends = spec.get("exitCondition", "")
    page.pair("Name", body["metadata"]["name"])
    page.pair("Tiltfile", spec.get("tiltfilePath", ""))
    page.pair("Ends", _ENDS.get(ends, ends))
    page.known("Limits", _limits(spec))
    page.known("Started", ago(status.get("startTime"), now))
    page.known("Process", status.get("pid"))
    page.pair("Ready", f"{sum(row.state == 'ready' for row in rows)} of {len(wanted)}")
    page.pair("Verdict", _verdict(status, now))


def _limits(spec: Json) -> str:
    ci = spec.get("ci") or {}
    said = {
        "all within": ci.get("timeout"),
        "ready within": ci.get("readinessTimeout"),
        "grace": ci.get("k8sGracePeriod"),
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value)


def _verdict(status: Json, now: datetime) -> str:
    verdict = status.get("verdict") or {}
    state = verdict.get("state") or "pending"
    said = [state]
    if verdict.get("exitCode") is not None:
        said.append(f"exit code {verdict['exitCode']}")
    if verdict.get("time"):
        said.append(f"{since(verdict['time'], now)} ago")
    text = ", ".join(said)
    reason = verdict.get("reason") or status.get("error")
    return f"{text}: {reason}" if reason else text


def _row(target: Json, resources: dict[str, Json]) -> _Row:
    state = target.get("state") or {}
    name = target["name"]
    if waiting := state.get("waiting"):
        return _Row(name, "waits", *held_back(waiting.get("waitReason", ""), _resource(target, resources)))
    if active := state.get("active"):
        if active.get("ready"):
            return _Row(name, "ready", active.get("lastReadyTime") or active.get("startTime"), "")
        doing = "runs" if target.get("type") == "job" else "is not ready"
        return _Row(name, "waits", active.get("lastReadyTime") or active.get("startTime"), doing)
    if terminated := state.get("terminated"):
        return _ended(name, terminated)
    return _Row(name, "idle", None, "disabled" if "disabled" in state else "")


def _ended(name: str, terminated: Json) -> _Row:
    error, end = terminated.get("error"), terminated.get("finishTime") or terminated.get("startTime")
    if not error:
        return _Row(name, "ready", end, "")
    tolerated = terminated.get("graceStatus") == "Tolerated"
    return _Row(name, "waits" if tolerated else "failed", end, f"tolerated so far: {error}" if tolerated else error)


def _resource(target: Json, resources: dict[str, Json]) -> Json:
    return next((resources[name] for name in target.get("resources") or () if name in resources), {})


def _failed(page: Page, rows: Sequence[_Row], told: set[str]) -> None:
    """Add what failed without a card."""
    failed = [row for row in rows if row.state == "failed" and row.name not in told]
    if failed:
        page.section("Failed")
        page.lines((f"{row.name}: {row.why}" for row in failed), 2)


def _waiting(page: Page, rows: Sequence[_Row], now: datetime) -> None:
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: (moment(row.since) or now, row.name))
    page.section("Waiting for")
    page.table(("TARGET", "SINCE", "WHY"), [(row.name, since(row.since, now) or "-", row.why) for row in ordered])


def _ready(page: Page, rows: Sequence[_Row], now: datetime) -> None:
    if rows:
        page.section("Ready")
        page.table(("TARGET", "SINCE"), [(row.name, since(row.since, now) or "-") for row in rows])
