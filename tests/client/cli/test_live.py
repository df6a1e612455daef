"""The live view: what stands in the frame, when there is one, and what a terminal shows of it."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pyte
import pyte.modes
import pytest

from upright.client.cli.live_frame import Head, Row, columns_of, cut, frame, seconds
from upright.client.cli.live_terminal import LiveTerminal, wanted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEAD = Head("http://localhost:10350/", NOW - timedelta(seconds=75))


def ago(count: float) -> datetime:
    return NOW - timedelta(seconds=count)


ROWS = [
    Row("db", "healthy", None, ""),
    Row("web", "waiting", ago(9), "waits for api"),
    Row("api", "moving", ago(3), "building image"),
    Row("worker", "moving", ago(130), "is not ready yet"),
    Row("smoke", "failed", ago(1), "exit status 3"),
]


def test_failures_stand_first_then_what_moves_longest_then_what_waits() -> None:
    assert frame(HEAD, ROWS, (60, 24), NOW, colour=False) == [
        "── 1 of 5 healthy, 1m15s ── http://localhost:10350/ ───────",
        "✗ smoke       1s  exit status 3",
        "• worker   2m10s  is not ready yet",
        "• api         3s  building image",
        "· web         9s  waits for api",
        "✓ db",
    ]


def test_what_has_no_room_is_counted() -> None:
    many = [Row(f"r{number}", "waiting", ago(number), "its turn has not come") for number in range(50)]
    lines = frame(HEAD, [*ROWS, *many], (80, 20), NOW, colour=False)
    assert len(lines) <= 11
    assert lines[1].startswith("✗ smoke")
    assert lines[-2] == "  … and 47 more waiting"


def test_no_line_is_longer_than_the_terminal() -> None:
    rows = [
        Row("a-name-that-goes-on-and-on-" * 3, "moving", ago(1), "数" * 100),
        Row("b\nc", "failed", None, "x\ty\x1b[2J"),
    ]
    for columns in (40, 41, 80):
        lines = frame(HEAD, rows, (columns, 24), NOW, colour=False)
        assert all(columns_of(line) < columns for line in lines)
        assert not any(character in "\n\t\x1b" for line in lines for character in line)


@pytest.mark.parametrize("size", [(39, 24), (80, 9), (0, 0)])
def test_a_small_terminal_shows_the_log_alone(size: tuple[int, int]) -> None:
    assert frame(HEAD, ROWS, size, NOW, colour=False) == []


def test_a_text_is_cut_by_columns() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("数数数数", 6) == "数数…"


@pytest.mark.parametrize(("count", "text"), [(0.4, "0s"), (59.9, "59s"), (60, "1m00s"), (3725, "1h02m"), (-1, "0s")])
def test_ages_are_short(count: float, text: str) -> None:
    assert seconds(count) == text


@pytest.mark.parametrize(
    ("when", "log", "environment", "terminal", "live"),
    [
        ("auto", "all", {"TERM": "xterm"}, True, True),
        ("auto", "failures", {"TERM": "xterm", "NO_COLOR": "1"}, True, True),
        ("auto", "all", {"TERM": "xterm"}, False, False),
        ("auto", "all", {"TERM": "dumb"}, True, False),
        ("auto", "all", {}, True, False),
        ("auto", "all", {"TERM": "xterm", "CI": "true"}, True, False),
        ("auto", "plain", {"TERM": "xterm"}, True, False),
        ("auto", "json", {"TERM": "xterm"}, True, False),
        ("always", "all", {"CI": "true"}, False, True),
        ("never", "all", {"TERM": "xterm"}, True, False),
    ],
)
def test_there_is_one_where_somebody_looks(
    when: str, log: str, environment: dict[str, str], *, terminal: bool, live: bool
) -> None:
    assert wanted(when, log, environment, terminal=terminal) == live


class Shown:
    """A terminal, as pyte has it."""

    def __init__(self, columns: int = 40, lines: int = 12) -> None:
        self.size = columns, lines
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._screen.set_mode(pyte.modes.LNM)
        self._stream = pyte.ByteStream(self._screen)
        self._out = io.BytesIO()
        self.live = LiveTerminal(self._out, lambda: self.size)

    def resize(self, columns: int) -> None:
        self.size = columns, self.size[1]

    def lines(self) -> list[str]:
        """Return everything that stands there, also what was scrolled away."""
        self._stream.feed(self._out.getvalue())
        self._out.seek(0)
        self._out.truncate()
        past = ["".join(line[column].data for column in sorted(line)) for line in self._screen.history.top]
        return [text for line in [*past, *self._screen.display] if (text := line.rstrip())]


def test_the_log_scrolls_above_the_frame() -> None:
    shown = Shown()
    shown.live.paint(["── frame", "• web"])
    for number in range(30):
        shown.live.write(f"line {number}\n".encode())
    shown.live.paint(["── other frame"])
    assert shown.lines() == [*(f"line {number}" for number in range(30)), "── other frame"]


def test_at_the_end_the_log_alone_stands_there() -> None:
    shown = Shown()
    shown.live.write(b"one\n")
    shown.live.paint(["── frame", "• web", "✓ db"])
    shown.live.close()
    shown.live.paint(["── late"])
    shown.live.write(b"two\n")
    assert shown.lines() == ["one", "two"]


def test_a_line_that_wraps_is_not_written_over() -> None:
    shown = Shown(columns=40)
    shown.live.paint(["── frame"])
    shown.live.write(("x" * 100 + "\n").encode())
    shown.live.paint(["── next"])
    assert "".join(shown.lines()) == "x" * 100 + "── next"


def test_colours_are_not_counted_as_columns() -> None:
    lines = frame(HEAD, ROWS, (60, 24), NOW, colour=True)
    assert lines[1].startswith("\x1b[31m✗ smoke")
    shown = Shown(columns=60, lines=24)
    shown.live.paint(lines)
    shown.live.write(b"log\n")
    shown.live.close()
    assert shown.lines() == ["log"]
