from __future__ import annotations

from datetime import UTC, datetime

import pytest

from upright.openapi.documents.ages import age, span

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (5.9, "5s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (9 * HOUR + 5 * MINUTE, "9h"),
        (47 * HOUR, "47h"),
        (2 * DAY, "2d"),
        (2 * DAY + 5 * HOUR, "2d5h"),
        (9 * DAY + 5 * HOUR, "9d"),
        (729 * DAY, "729d"),
        (2 * 365 * DAY, "2y"),
        (3 * 365 * DAY + 9 * DAY, "3y9d"),
        (9 * 365 * DAY, "9y"),
    ],
)
def test_a_length_of_time_reads_as_kubectl_writes_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_an_age_is_counted_from_the_clock_that_is_handed_in() -> None:
    now = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
    assert age("2026-01-01T12:00:00Z", now) == "5s"
    assert age("2026-01-01T11:58:00.123456Z", now) == "2m4s"


def test_a_moment_that_is_not_there_or_not_one_has_no_age() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert age("", now) == age("yesterday", now) == "<unknown>"
