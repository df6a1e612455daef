"""A cluster's clock may differ from ours: by how much is read off its answers, and dates are told by ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from upright.controllers.cluster_time import clock_ahead, in_our_time

NOW = datetime(2026, 1, 2, 3, 4, 5, 700000, tzinfo=UTC)


def header(seconds: float) -> str:
    """Return what a server whose clock is so far ahead says, cut to whole seconds."""
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("seconds", [-1.0, -0.5, 0.0, 0.3, 0.9])
def test_clocks_that_differ_by_little_are_the_same(seconds: float) -> None:
    assert clock_ahead(header(seconds), NOW) == timedelta()


@pytest.mark.parametrize("seconds", [-3600.0, -5.0, 5.0, 3600.0])
def test_a_clock_that_differs_is_never_said_to_be_further_ahead_than_it_is(seconds: float) -> None:
    ahead = clock_ahead(header(seconds), NOW).total_seconds()
    assert seconds - 1.0 < ahead <= seconds


@pytest.mark.parametrize("text", [None, "", "yesterday", "Fri, 99 Jan 2026 03:04:05 GMT"])
def test_a_server_that_tells_no_time_is_taken_to_have_ours(text: str | None) -> None:
    assert clock_ahead(text, NOW) == timedelta()


def test_an_object_is_told_by_our_clock_and_what_was_asked_for_stays() -> None:
    given = {
        "metadata": {"name": "startedAt", "creationTimestamp": "2026-01-02T04:04:05Z"},
        "spec": {"startTime": "2026-01-02T04:04:05Z"},
        "status": {
            "conditions": [{"type": "Ready", "lastTransitionTime": "2026-01-02T04:04:06Z"}],
            "containerStatuses": [{"state": {"running": {"startedAt": "2026-01-02T04:04:07Z"}}}],
            "startTime": None,
        },
        "eventTime": "2026-01-02T04:04:08.250000Z",
    }
    told = in_our_time(given, timedelta(hours=1))
    assert told["metadata"] == {"name": "startedAt", "creationTimestamp": "2026-01-02T03:04:05.000000Z"}
    assert told["spec"] == given["spec"]
    assert told["status"]["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:06.000000Z"
    assert told["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] == "2026-01-02T03:04:07.000000Z"
    assert told["eventTime"] == "2026-01-02T03:04:08.250000Z"
    assert in_our_time(given, timedelta()) is given
