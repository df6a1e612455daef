"""The file of a record: what a crash may do to it, and what is none."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from upright.controllers.record.record_file import NotARecord, RecordWriter, read


def _lines(count: int) -> list[bytes]:
    return [b'{"number":%d,"text":"%s"}\n' % (number, b"x" * (number % 7)) for number in range(count)]


def test_what_was_written_is_read_though_the_file_was_never_closed(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "record")
    writer.write(_lines(3))
    assert [entry["number"] for entry in read(tmp_path / "record")] == [0, 1, 2]
    writer.close()
    assert [entry["number"] for entry in read(tmp_path / "record")] == [0, 1, 2]


@pytest.mark.parametrize("lost", [1, 2, 7, 20, 60])
def test_a_torn_end_costs_the_last_entries_only(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "record"
    writer = RecordWriter(path)
    for line in _lines(100):
        writer.write([line])
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    numbers = [entry["number"] for entry in read(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 100 - lost
    writer.close()


def test_only_its_owner_may_read_a_record(tmp_path: Path) -> None:
    RecordWriter(tmp_path / "record").close()
    assert (tmp_path / "record").stat().st_mode & 0o777 == 0o600


def test_a_file_that_existed_is_made_private_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("old")
    path.chmod(0o644)
    RecordWriter(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not a record: upright ci --record FILE writes one"),
        (b"all: build\n", "is not a record: upright ci --record FILE writes one"),
        (gzip.compress(b"all: build\n"), "is not a record: line 1 is no JSON"),
        (gzip.compress(b"[1]\n"), "is not a record: line 1 is no object"),
    ],
)
def test_what_is_no_record_is_told(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "record"
    path.write_bytes(data)
    with pytest.raises(NotARecord, match=re.escape(why)):
        read(path)


def test_damage_in_the_middle_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "record"
    writer = RecordWriter(path)
    for line in _lines(50):
        writer.write([line])
    writer.close()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(NotARecord, match=r"is damaged after \d+ entries|line \d+ is no"):
        read(path)


def test_a_full_disk_ends_that_file_and_no_other(tmp_path: Path) -> None:
    full, other = Path("/dev/full"), tmp_path / "record"
    writer = RecordWriter(full, other)
    writer.write(_lines(1))
    writer.write(_lines(1))
    writer.close()
    assert [error.strerror for error in writer.failed.values()] == ["No space left on device"]
    assert len(read(other)) == 2
