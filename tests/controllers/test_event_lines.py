"""What a cluster says reaches the log: warnings and pulls, each once, and only of this run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from upright.controllers.event_lines import EARLIER, EventLines
from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent

BEGUN = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seen(reason: str, message: str = "words", **more: object) -> ObservedEvent:
    fields = {
        "kind": "Pod",
        "name": "web-1",
        "uid": "u1",
        "namespace": "default",
        "type": "Normal",
        "time": BEGUN,
        **more,
    }
    return ObservedEvent.model_validate({"reason": reason, "message": message, **fields})


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (seen("Pulling", 'Pulling image "web:1"'), [('[event: pod web-1] Pulling image "web:1"', False)]),
        (seen("Pulled"), [("[event: pod web-1] words", False)]),
        (seen("BackOff", type="Warning"), [("[event: pod web-1] words", True)]),
        (seen("BackOff", type="Warning", namespace="shop"), [("[event: pod shop/web-1] words", True)]),
        (seen("Created"), []),
        (seen("Pulling", time=BEGUN - EARLIER - timedelta(seconds=1)), []),
        (seen("Pulling", time=BEGUN - EARLIER), [("[event: pod web-1] words", False)]),
        (seen("Pulling", time=None), [("[event: pod web-1] words", False)]),
    ],
)
def test_warnings_and_pulls_of_this_run_are_lines(event: ObservedEvent, lines: list[tuple[str, bool]]) -> None:
    assert list(EventLines().unsaid((), (event,), BEGUN)) == lines


def test_an_event_is_said_once_however_often_it_is_counted() -> None:
    lines = EventLines()
    assert list(lines.unsaid((), (seen("BackOff", type="Warning"),), BEGUN))
    assert list(lines.unsaid((), (seen("BackOff", type="Warning", count=2),), BEGUN)) == []


def test_what_was_said_before_a_restart_is_not_said_again() -> None:
    events = (seen("Pulling"), seen("Pulled"))
    assert [line for line, _ in EventLines().unsaid(events[:1], events, BEGUN)] == ["[event: pod web-1] words"]
