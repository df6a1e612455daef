"""What a run leaves at its end for others to read: the report in its forms, and what the CI around it understands."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.client.log_folder import LogFolder, Selection
from upright.client.report.files import write_whole
from upright.client.report.scrubbed import scrubbed_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from upright.client.cli.options import CiOptions
    from upright.openapi.meta import Json
    from upright.openapi.report import Report

PAGE_LINES = 5000
"""How many of the last lines of a resource's log are on the page; the files have them all."""


class Ended(Struct, frozen=True):
    """A run that has ended: its report without secrets, its objects, the folder of its logs."""

    report: Report
    session: Json
    resources: tuple[Json, ...]
    clusters: tuple[Json, ...]
    buttons: tuple[Json, ...]
    logs: Path
    scrub: Callable[[str], str]


def write_outputs(options: CiOptions, ended: Ended) -> None:
    """Write all files that were asked for; one that cannot be written is told on stderr and keeps no other from it."""
    forms: dict[str, Callable[[], str]] = {
        "--report": lambda: json.dumps(ended.report.to_wire(), indent=2, ensure_ascii=False) + "\n",
        "--report-html": lambda: _page(ended),
        "--junit": lambda: _junit(ended),
        "--output-snapshot-on-exit": lambda: _snapshot(ended),
    }
    for flag, path in options.outputs.items():
        try:
            write_whole(path, forms[flag]())
        except OSError as error:
            sys.stderr.write(f"{flag}={path} could not be written: {os.strerror(error.errno or 0).lower()}\n")


def tell_the_ci(options: CiOptions, report: Report) -> str:
    """Write the step's summary where GitHub wants it; return the annotations that are to be printed."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return ""
    from upright.client.report.github import step_summary, workflow_commands  # noqa: PLC0415  reason: only where used

    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(step_summary(report))
        except OSError as error:
            sys.stderr.write(f"GITHUB_STEP_SUMMARY={summary} could not be written: {error.strerror}\n")
    told = workflow_commands(report)
    if options.log == "json":  # stdout is an object a line
        sys.stderr.write(told)
        return ""
    return told


def _page(ended: Ended) -> str:
    from upright.client.report.page import html_page  # noqa: PLC0415  reason: only where used

    return html_page(ended.report, {name: _lines(ended, name) for name in _names(ended)})


def _junit(ended: Ended) -> str:
    from upright.client.report.junit import junit_xml  # noqa: PLC0415  reason: only where used

    return junit_xml(ended.report)


def _names(ended: Ended) -> list[str]:
    return ["", *(one.name for one in ended.report.resources)]


def _lines(ended: Ended, name: str) -> Iterator[str]:
    found = list(LogFolder(ended.logs).read(Selection(resource=name, tail=PAGE_LINES)))
    if len(found) == PAGE_LINES:
        yield f"(the last {PAGE_LINES} lines; all are in {ended.logs})"
    yield from (ended.scrub(line.text) for line in found)


def _snapshot(ended: Ended) -> str:
    from upright.client.report.snapshot import snapshot  # noqa: PLC0415  reason: only where used

    lines = list(LogFolder(ended.logs).read(Selection()))
    made = snapshot(
        resources=ended.resources,
        others={"clusters": list(ended.clusters), "uiButtons": list(ended.buttons)},
        lines=lines,
        session=ended.session,
        version=ended.report.upright,
    )
    return json.dumps(scrubbed_json(json.loads(made), ended.scrub), indent=2, ensure_ascii=False) + "\n"
