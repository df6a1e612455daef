from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from upright.client.cli.log_lines import LogPrinter, source_prefix
from upright.client.cli.log_stream import print_logs
from upright.client.cli.log_styles import printer_of
from upright.client.log_filter import LogFilter
from upright.client.logs import LogLine, decode, encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from upright.client.cli.options import LogMode

START = datetime(2026, 11, 23, 6, 4, 28, 5, tzinfo=UTC)


def line(
    text: str, resource: str = "web", span: str = "cmd:web", level: str = "INFO", after: float = 0, **fields: str
) -> LogLine:
    return LogLine(START + timedelta(seconds=after), resource, span, level, text, fields, level in {"WARN", "ERROR"})


@pytest.mark.parametrize(
    ("resource", "prefix"),
    [
        ("web", "          web │ "),
        ("thirteen-char", "thirteen-char │ "),
        ("fourteen-chars", "fourteen-cha… │ "),
        ("(Tiltfile)", ""),
        ("", ""),
    ],
)
def test_a_resources_name_stands_right_in_13_columns(resource: str, prefix: str) -> None:
    assert source_prefix(resource) == prefix


def test_lines_look_as_in_tilt() -> None:
    lines = [
        line("Tilt started", ""),
        line("Beginning Tiltfile execution", "(Tiltfile)"),
        line("Initial Build", span="build:1", buildEvent="init"),
        line("odd", level="WARN"),
        line("", span="build:1"),
        line("Build Failed: exit status 1", level="ERROR"),
    ]
    assert LogPrinter().text(lines).splitlines() == [
        "Tilt started",
        "Beginning Tiltfile execution",
        "          web │ ",
        "          web │ Initial Build",
        "          web │ WARNING: odd",
        "          web │ ",
        "          web │ ERROR: Build Failed: exit status 1",
    ]


def test_no_blank_line_comes_before_everything_else() -> None:
    printer = LogPrinter()
    first = line("Initial Build", buildEvent="init")
    assert printer.text([first]) == "          web │ Initial Build\n"
    assert printer.text([first]) == "          web │ \n          web │ Initial Build\n"


def test_only_the_first_line_of_an_error_is_anchored() -> None:
    message = encode(START, "ERROR", "one\ntwo")
    lines = [decode(row, "web", "x") for row in message.splitlines()]
    assert LogPrinter().text([row for row in lines if row]) == "          web │ ERROR: one\n          web │ two\n"


def test_colour_is_for_the_anchor_and_only_when_wanted() -> None:
    assert LogPrinter(colour=True).text([line("x", "", level="ERROR")]) == "\x1b[31mERROR:\x1b[0m x\n"


def test_the_only_resource_needs_no_name() -> None:
    printer = LogPrinter(LogFilter(frozenset({"web"})))
    assert printer.text([line("one"), line("two", "db"), line("three", "")]) == "one\n"


@pytest.mark.parametrize(
    ("wanted", "texts"),
    [
        (LogFilter(), ["init", "built", "info", "warn", "error"]),
        (LogFilter(level="WARN"), ["init", "warn"]),
        (LogFilter(level="ERROR"), ["init", "error"]),
        (LogFilter(source="build"), ["init", "built"]),
        (LogFilter(source="runtime"), ["init", "info", "warn", "error"]),
        (LogFilter(least="DEBUG"), ["init", "built", "info", "debug", "warn", "error"]),
        (LogFilter(frozenset({"db"})), []),
    ],
)
def test_filters_are_those_of_tilt(wanted: LogFilter, texts: list[str]) -> None:
    lines = [
        line("init", span="build:1", buildEvent="init"),
        line("built", span="build:1"),
        line("info"),
        line("debug", level="DEBUG"),
        line("warn", level="WARN"),
        line("error", level="ERROR"),
    ]
    assert [row.text for row in lines if wanted.takes(row)] == texts


def test_progress_is_shown_ever_less_often() -> None:
    printer = LogPrinter()
    shown = [after for after in range(60) if printer.text([line(f"{after}%", after=after, progressID="layer")])]
    assert shown == [0, 6, 17, 38]
    assert printer.text([line("done", after=60, progressID="layer", progressMustPrint="1")])
    assert printer.text([line("other", after=60, progressID="other layer")])


async def test_batches_are_printed_as_they_come() -> None:
    async def batches() -> AsyncIterator[list[LogLine]]:
        yield [line("one", "")]
        yield [line("hidden", "", level="DEBUG")]
        yield [line("│", "")]

    out = io.BytesIO()
    await print_logs(batches(), LogPrinter(), out)
    assert out.getvalue().decode() == "one\n│\n"


def test_what_is_no_line_is_left_out() -> None:
    assert decode(b"2026-11", "x", "y") is None
    assert decode(b"yesterday INFO - text", "x", "y") is None


def printed(mode: LogMode, *lines: LogLine, colour: bool = False) -> list[str]:
    return printer_of(mode, LogFilter(), colour=colour).text(lines).splitlines()


def test_a_run_shows_whole_names() -> None:
    assert printed("all", line("up", "grafana-solo-instance"), line("up")) == [
        "grafana-solo-instance │ up",
        "          web │ up",
    ]


def test_plain_lines_have_neither_columns_nor_colours() -> None:
    lines = (line("up"), line("loading", "(Tiltfile)"), line("odd", level="WARN"))
    assert printed("plain", *lines, colour=True) == ["web: up", "loading", "web: WARNING: odd"]


def test_json_lines_have_everything() -> None:
    (one, two) = printed("json", line("é\x1b[0m"), line("Initial Build", "", "build:1", buildEvent="init"))
    assert json.loads(one) == {
        "time": "2026-11-23T06:04:28.000005Z",
        "resource": "web",
        "span": "cmd:web",
        "level": "INFO",
        "text": "é\x1b[0m",
    }
    assert json.loads(two)["fields"] == {"buildEvent": "init"}
