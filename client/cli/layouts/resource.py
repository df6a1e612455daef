"""A Resource: how it is doing, its steps, its pod, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.layouts.failures import add_failures
from upright.client.cli.layouts.fields import strings
from upright.client.cli.layouts.page import Page, ago, since, took
from upright.client.cli.layouts.waiting import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.openapi.meta import Json


def described(body: Json, now: datetime) -> str:
    """Return the page of a Resource."""
    status = body.get("status") or {}
    page = Page()
    _head(page, body)
    _state(page, status, now)
    add_failures(page, status.get("failures") or (), now)
    _steps(page, status.get("steps") or (), now)
    _pod(page, status.get("k8sResourceInfo") or {}, now)
    _builds(page, status.get("buildHistory") or (), now)
    return page.text()


def _head(page: Page, body: Json) -> None:
    spec, metadata = body["spec"], body["metadata"]
    page.pair("Name", metadata["name"])
    page.pair("Kind", spec.get("kind", ""))
    page.known("Labels", "\n".join(spec.get("labels") or ()) or strings(metadata.get("labels")))
    page.known("Needs", ", ".join(spec.get("dependsOn") or ()))
    page.pair("Starts", _starts(spec))
    page.known("Pods", f"must be {readiness}" if (readiness := _readiness(spec)) else "")
    page.known("Limits", ", ".join(f"{name} {value}" for name, value in sorted((spec.get("limits") or {}).items())))


def _starts(spec: Json) -> str:
    first = "by itself" if spec.get("autoInit", True) else "when triggered"
    return first if spec.get("triggerMode", "auto") == "auto" else f"{first}; again when triggered"


def _readiness(spec: Json) -> str:
    if spec.get("podReadinessAssumed"):
        return ""
    return {"wait": "ready", "succeeded": "done", "ignore": "applied only"}.get(spec.get("podReadiness") or "", "")


def _state(page: Page, status: Json, now: datetime) -> None:
    page.pair("Update", status.get("updateStatus") or "none")
    page.pair("Runtime", status.get("runtimeStatus") or "none")
    if waiting := status.get("waiting"):
        page.pair(
            "Waits", in_words(waiting.get("reason", ""), [ref.get("name", "") for ref in waiting.get("on") or ()])
        )
    if (status.get("disableStatus") or {}).get("state") == "Disabled":
        page.pair("Disabled", "yes")
    for condition in status.get("conditions") or ():
        text = condition.get("status", "")
        if reason := condition.get("reason"):
            text += f" ({reason})"
        page.pair(condition["type"], text)
    page.known("Deployed", ago(status.get("lastDeployTime"), now))
    page.known("Server pid", (status.get("localResourceInfo") or {}).get("pid"))
    page.known("Links", "\n".join(link["url"] for link in status.get("endpointLinks") or ()))


def _steps(page: Page, steps: Sequence[Json], now: datetime) -> None:
    if not steps:
        return
    page.section("Steps")
    page.table(
        ("STEP", "STATE", "TOOK", "OBJECT"),
        [
            (
                step["name"],
                step["state"],
                took(step.get("startTime"), step.get("finishTime")) or since(step.get("startTime"), now) or "-",
                _ref(step.get("object")),
            )
            for step in steps
        ],
    )
    for step in steps:
        if step.get("error"):
            page.line(f"  {step['name']} failed:")
            page.lines(str(step["error"]).rstrip("\n").split("\n"), 4)


def _ref(ref: Json | None) -> str:
    return f"{str(ref['kind']).lower()}/{ref['name']}" if ref else "-"


def _pod(page: Page, pod: Json, now: datetime) -> None:
    if not pod.get("podName"):
        return
    page.section("Newest pod")
    page.pair("Name", pod["podName"], 2)
    page.known("Status", pod.get("podStatus"), 2)
    page.known("Message", pod.get("podStatusMessage"), 2)
    page.pair("Containers", "all ready" if pod.get("allContainersReady") else "not all ready", 2)
    page.pair("Restarts", pod.get("podRestarts") or 0, 2)
    page.known("Created", ago(pod.get("podCreationTime"), now), 2)


def _builds(page: Page, builds: Sequence[Json], now: datetime) -> None:
    if not builds:
        return
    page.section("Updates, newest first")
    rows: list[tuple[str, str, str]] = []
    for build in builds:
        error = str(build.get("error") or "").strip().split("\n")[0]
        end = build.get("finishTime")
        rows.append((f"{since(end, now)} ago", took(build.get("startTime"), end) or "-", error or "ok"))
    page.table(("WHEN", "TOOK", "RESULT"), rows)
