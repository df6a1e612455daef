"""What GitHub Actions understands: annotations, groups in the log, and the summary of a step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.client.cli.cards import card_lines
from upright.client.report.summary import path_words, remark, took

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.report import Report
    from upright.openapi.v1alpha1.failure import Failure

SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a longer summary of a step."""

_PLACE = re.compile(r"(?:^|\s)([^\s:]+):(\d+):(\d+)", re.MULTILINE)
_MARKS = {"healthy": "✅", "failed": "❌", "held-back": "⏸️", "pending": "⏳"}


def workflow_commands(report: Report) -> str:
    """Return a workflow command a failure; the Tiltfile's have their line."""
    lines = [_annotation(card) for card in report.failures]
    if not lines and report.verdict.state != "healthy":
        lines = [f"::error title=upright ci::{_data(report.verdict.reason or report.verdict.state)}"]
    return "".join(f"{line}\n" for line in lines)


def group(title: str, text: str) -> str:
    """Return the text as a group that can be folded; what a program prints cannot end it early or give commands."""
    return f"::group::{_data(title)}\n{text}::endgroup::\n"


def step_summary(report: Report) -> str:
    """Return Markdown: the verdict, a table of the resources, a section a failure; no longer than GitHub takes."""
    text = "".join(f"{line}\n" for line in _summary(report))
    data = text.encode()
    if len(data) <= SUMMARY_BYTES:
        return text
    note = "\n…\n"
    return data[: SUMMARY_BYTES - len(note.encode())].decode("utf-8", "ignore") + note


def _annotation(card: Failure) -> str:
    title = f"{card.resource}: {card.rule}"
    place = f",{_place(card)}" if _place(card) else ""
    where = f"{' → '.join(card.path)}: " if card.path else ""
    return f"::error title={_property(title)}{place}::{_data(where + card.message)}"


def _place(card: Failure) -> str:
    """Return where in the Tiltfile the failure is, as an annotation has it: the innermost line of its traceback."""
    if card.rule != "tiltfile" or not (found := _PLACE.findall(card.message)):
        return ""
    file, line, column = found[-1]
    return f"file={_property(file)},line={line},col={column}"


def _summary(report: Report) -> Iterator[str]:
    verdict = report.verdict
    yield f"## {'✅' if verdict.state == 'healthy' else '❌'} upright ci: {verdict.state}"
    if verdict.reason:
        yield f"\n{_text(verdict.reason)}"
    yield "\n| resource | result | update | all | |\n|---|---|--:|--:|---|"
    for one in report.resources:
        if one.state in {"disabled", "idle"}:
            continue
        state = f"{_MARKS.get(one.state, '')} {one.state.replace('-', ' ')}"
        yield f"| {_cell(one.name)} | {state} | {took(one.update_seconds)} | {took(one.seconds)} | {_cell(remark(one, report))} |"
    if path := path_words(report):
        yield f"\nCritical path: {_text(path)}"
    for card in report.failures:
        fence = _fence(card)
        yield f"\n<details open><summary><b>{_text(card.resource)}</b>: {_text(card.rule)}</summary>\n\n{fence}"
        yield card_lines(card.to_wire()).strip("\n")
        yield f"{fence}\n\n</details>"


def _fence(card: Failure) -> str:
    """Return a fence that nothing in the card ends."""
    longest = max((len(run) for run in re.findall(r"`+", card_lines(card.to_wire()))), default=0)
    return "`" * max(3, longest + 1)


def _text(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
