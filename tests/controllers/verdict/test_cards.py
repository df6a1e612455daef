"""A failure card says what, where, since when, and shows the log that tells why."""

from __future__ import annotations

import pytest

from tests.controllers.verdict.cases import ago
from upright.controllers.verdict.cards import LOG_LINES, card_of_finding, card_of_update, with_whole_log
from upright.controllers.verdict.finding import Finding
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplySpec
from upright.openapi.v1alpha1.resource import (
    BuildRecord,
    KubernetesSpec,
    LocalSpec,
    ObjectRef,
    Resource,
    ResourceSpec,
    ResourceStatus,
    Step,
)

DEPLOYED = Resource(
    metadata=ObjectMeta(name="web"),
    spec=ResourceSpec(kind="kubernetes", kubernetes=KubernetesSpec(apply=KubernetesApplySpec(yaml="kind: Pod"))),
)
SERVED = Resource(
    metadata=ObjectMeta(name="web"), spec=ResourceSpec(kind="local", local=LocalSpec(serve=CmdSpec(args=("serve",))))
)


class Spans:
    """Logs of which each span has lines of its own."""

    def __init__(self, *spans: str) -> None:
        self.spans = spans
        self.asked: list[tuple[str, int]] = []

    def __call__(self, span: str, lines: int) -> list[str]:
        self.asked.append((span, lines))
        return [f"line of {span}"] if span in self.spans else []


@pytest.mark.parametrize(
    ("kind", "name", "error", "rule", "span", "code"),
    [
        ("Cmd", "web:update", 'Command "make" failed: exit status 2', "command-failed", "cmd:web:update", 2),
        (
            "Cmd",
            "web:update",
            'Command "m" failed: exit status 137 (out of memory)',
            "command-failed",
            "cmd:web:update",
            137,
        ),
        ("Cmd", "web:update", 'Command "make" failed: signal: killed', "command-failed", "cmd:web:update", None),
        ("DockerImage", "web:shop", "building shop: step 3/4", "build-failed", "build:web:shop", None),
        ("CmdImage", "web:shop", "building shop: exit status 4", "build-failed", "build:web:shop", 4),
        ("DockerImage", "web:shop", "building shop: /bin/sh -c x: exit code: 4", "build-failed", "build:web:shop", 4),
        (
            "DockerImage",
            "web:shop",
            "building shop: x returned a non-zero code: 4",
            "build-failed",
            "build:web:shop",
            4,
        ),
        ("DockerImage", "web:shop", "bringing shop to the cluster: denied", "push-failed", "build:web:shop", None),
        ("KubernetesApply", "web", "quota", "apply-refused", "kubernetesapply:web", None),
        ("KubernetesApply", "web", "apply timed out after 5s", "apply-timeout", "kubernetesapply:web", None),
        ("KubernetesApply", "web", "apply command timed out after 5s", "apply-timeout", "kubernetesapply:web", None),
    ],
)
def test_an_update_that_failed_shows_the_log_of_its_step(
    kind: str, name: str, error: str, rule: str, span: str, code: int | None
) -> None:
    step = Step(name=name, state="failed", object=ObjectRef(kind=kind, name=name))
    record = BuildRecord(error=error, finish_time=ago(3), span_id="build:web")
    status = ResourceStatus(steps=(Step(name="before", state="done"), step), build_history=(record,))
    logs = Spans(span, "build:web")
    card = card_of_update(DEPLOYED, status, logs)
    assert (card.rule, card.target, card.path) == (rule, "web:update", (f"{kind}/{name}",))
    assert (card.message, card.exit_code, card.since) == (error, code, ago(3))
    assert (card.span, card.logs) == (span, (f"line of {span}",))
    assert logs.asked[0] == (span, LOG_LINES)


def test_a_step_without_a_log_shows_the_builds() -> None:
    status = ResourceStatus(build_history=(BuildRecord(error="no", span_id="build:web"),))
    card = card_of_update(DEPLOYED, status, Spans("build:web"))
    assert (card.rule, card.path, card.span) == ("update-failed", (), "build:web")


def test_what_a_rule_found_shows_the_log_of_the_container() -> None:
    found = Finding(
        "crash-loop",
        ("Deployment/web", "Pod/web-1", "container app"),
        "exited with code 7, 3 times",
        ago(3),
        exit_code=7,
        image="shop:1",
        log_of=("web-1", "app"),
        events=("BackOff: restarting",),
    )
    card = card_of_finding(DEPLOYED, found, Spans("pod:web:web-1:app"))
    assert (card.target, card.rule, card.exit_code, card.image) == ("web:runtime", "crash-loop", 7, "shop:1")
    assert card.logs == ("line of pod:web:web-1:app",)
    assert (card.events, card.recoverable) == (("BackOff: restarting",), True)


def test_a_server_that_exited_shows_its_own_log() -> None:
    card = card_of_finding(
        SERVED, Finding("server-exited", ("Cmd/web-serve-1",), "gone"), Spans("localserve:web-serve-1")
    )
    assert (card.target, card.logs) == ("web:serve", ("line of localserve:web-serve-1",))


def test_a_card_without_a_log_asks_for_none() -> None:
    logs = Spans("")
    card = card_of_finding(DEPLOYED, Finding("pods-refused", ("Deployment/web",), "quota"), logs)
    assert (card.span, card.logs, logs.asked) == ("", (), [])
    assert with_whole_log(card, logs) == card


def test_a_card_can_be_shown_with_what_was_logged_since() -> None:
    card = card_of_finding(DEPLOYED, Finding("crash-loop", (), "", log_of=("web-1", "app")), Spans())
    assert with_whole_log(card, Spans("pod:web:web-1:app")).logs == ("line of pod:web:web-1:app",)
