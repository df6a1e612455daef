"""Failure cards: what a rule found, with its place and the log lines that show it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.openapi.v1alpha1.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from upright.controllers.verdict.finding import Finding
    from upright.openapi.v1alpha1.resource import Resource, ResourceStatus

LOG_LINES = 20
"""How many of the last lines of a log a card shows."""

_EXIT = re.compile(r"(?:exit status|exit code:|non-zero code:) (\d+)(?: \(out of memory.*\))?$")
_APPLY_LATE = re.compile(r"apply(?: command)? timed out after ")
_PUSH = re.compile(r"bringing \S+ to the cluster: ")
_RULES = {"Cmd": "command-failed", "KubernetesApply": "apply-refused", "DockerComposeService": "compose-up-failed"}
_SPANS = {"Cmd": "cmd", "KubernetesApply": "kubernetesapply", "DockerComposeService": "dcup"}


def card_of_update(resource: Resource, status: ResourceStatus, tail: Callable[[str, int], Sequence[str]]) -> Failure:
    """Return the card of an update that failed; ``status`` has it as its newest record."""
    failed = next((step for step in status.steps if step.state == "failed"), None)
    last = status.build_history[0]
    about = failed.object if failed is not None else None
    rule, spans = "update-failed", [last.span_id]
    if about is not None:
        rule = _RULES.get(about.kind, "build-failed")
        if about.kind == "KubernetesApply" and _APPLY_LATE.match(last.error):
            rule = "apply-timeout"
        if rule == "build-failed" and _PUSH.match(last.error):
            rule = "push-failed"
        spans = [f"{_SPANS.get(about.kind, 'build')}:{about.name}", last.span_id]
    span, logs = next(((one, lines) for one in spans if (lines := tuple(tail(one, LOG_LINES)))), ("", ()))
    exited = _EXIT.search(last.error)
    return Failure(
        resource=resource.name,
        target=f"{resource.name}:update",
        path=(f"{about.kind}/{about.name}",) if about is not None else (),
        rule=rule,
        message=last.error,
        since=last.finish_time,
        exit_code=int(exited[1]) if exited else None,
        span=span,
        logs=logs,
    )


def with_whole_log(card: Failure, tail: Callable[[str, int], Sequence[str]]) -> Failure:
    """Return the card with the log as it stands now: what failed may have been told before its last lines were read."""
    return card.model_copy(update={"logs": tuple(tail(card.span, LOG_LINES))}) if card.span else card


def completed(cards: Iterable[Failure], tails: Mapping[str, Sequence[str]]) -> tuple[Failure, ...]:
    """Return the cards with their logs as they stood at the end, by span."""
    return tuple(
        one.model_copy(update={"logs": tuple(tails[one.span])}) if one.span and one.span in tails else one
        for one in cards
    )


def card_of_finding(resource: Resource, finding: Finding, tail: Callable[[str, int], Sequence[str]]) -> Failure:
    """Return the card of what a rule found."""
    span = f"pod:{resource.name}:{':'.join(finding.log_of)}" if finding.log_of else ""
    if resource.spec.compose is not None:
        span = ":".join(("dc", resource.name, *filter(None, finding.log_of or ())))
    if finding.path and finding.path[0].startswith("Cmd/"):
        span = f"localserve:{finding.path[0].removeprefix('Cmd/')}"
    suffix = "serve" if resource.spec.local is not None else "runtime"
    return Failure(
        resource=resource.name,
        target=f"{resource.name}:{suffix}",
        path=finding.path,
        rule=finding.rule,
        message=finding.message,
        since=finding.since,
        exit_code=finding.exit_code,
        span=span,
        logs=tuple(tail(span, LOG_LINES)) if span else (),
        events=finding.events,
        image=finding.image,
        recoverable=finding.recoverable,
    )
