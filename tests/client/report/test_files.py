from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from upright.client.report.files import obstacle, write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old and longer than what comes")
    write_whole(str(target), "new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_still_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_whole(str(tmp_path / "link"), "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_cannot_be_replaced_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.json" / "x").mkdir(parents=True)
    with pytest.raises(OSError, match="report"):
        write_whole(str(tmp_path / "report.json"), "new")
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_whole(os.devnull, "new")
    assert obstacle(os.devnull) == ""


def test_what_cannot_be_written_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert obstacle(str(tmp_path / "new.json")) == ""
    assert obstacle(str(tmp_path / "file")) == ""
    assert obstacle(str(tmp_path)) == "it is a folder"
    assert obstacle(str(tmp_path / "no" / "x")) == f"the folder {tmp_path}/no does not exist"
    assert obstacle(str(tmp_path / "file" / "x")) == f"the folder {tmp_path}/file does not exist"
