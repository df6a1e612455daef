"""Finished Sessions go when they are too old, too many, or too large together; the newest stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from upright.hosting import refused
from upright.pruning import Finished, Keep, size_of, surplus

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 31, tzinfo=UTC)
FINISHED = [Finished(f"day-{day}", NOW - timedelta(days=day), 100) for day in (3, 1, 2, 4)]


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        (Keep(), []),
        (Keep(age=timedelta(days=2, hours=1)), ["day-4", "day-3"]),
        (Keep(number=1), ["day-4", "day-3", "day-2"]),
        (Keep(size=250), ["day-4", "day-3"]),
        (Keep(number=0), ["day-4", "day-3", "day-2", "day-1"]),
    ],
)
def test_what_is_kept_long_enough_goes_the_oldest_first(keep: Keep, gone: list[str]) -> None:
    assert surplus(FINISHED, keep, NOW) == gone


def test_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"x" * 5000)
    assert 5000 <= size_of(tmp_path) <= 20_000
    assert size_of(tmp_path / "nothing") == 0


def test_a_tiltfile_must_be_under_a_served_directory_wherever_links_lead(tmp_path: Path) -> None:
    served = (tmp_path / "served",)
    served[0].mkdir()
    (served[0] / "out").symlink_to(tmp_path)
    assert refused(str(served[0] / "web" / "Tiltfile"), served) == ""
    for wrong in (tmp_path / "Tiltfile", served[0] / ".." / "Tiltfile", served[0] / "out" / "Tiltfile"):
        assert "not under a directory that this server serves" in refused(str(wrong), served)
    assert "not under" in refused("served/Tiltfile", served)
    assert "--serve-directory" in refused(str(served[0] / "Tiltfile"), ())
