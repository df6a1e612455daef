"""The report as JUnit XML, which every CI shows: a case a target."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from upright.client.cli.cards import card_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.report import Report, ResourceReport, TargetReport
    from upright.openapi.v1alpha1.failure import Failure

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def junit_xml(report: Report) -> str:
    """Return the whole document. It has a failure or an error exactly if the run is not healthy."""
    cases = [_case(target, one, report) for one in report.resources for target in one.targets]
    if report.verdict.state != "healthy" and not any("<failure" in case or "<error" in case for case in cases):
        cases.append(_of_verdict(report))
    counts = {word: sum(f"<{word}" in case for case in cases) for word in ("failure", "error", "skipped")}
    numbers = (
        f'tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )
    time = f'time="{report.seconds or 0.0:.3f}"'
    begun = f' timestamp="{report.start_time:%Y-%m-%dT%H:%M:%S}"' if report.start_time is not None else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="upright" {numbers} {time}>\n'
        f" <testsuite name={_attribute(report.tiltfile)} {numbers} {time}{begun}>\n"
        f"{''.join(cases)} </testsuite>\n</testsuites>\n"
    )


def _case(target: TargetReport, one: ResourceReport, report: Report) -> str:
    inside = "".join(_inside(target, one, report))
    head = f'  <testcase classname={_attribute(one.name)} name={_attribute(target.name)} time="{target.seconds or 0.0:.3f}"'
    return f"{head}>\n{inside}  </testcase>\n" if inside else f"{head}/>\n"


def _inside(target: TargetReport, one: ResourceReport, report: Report) -> Iterator[str]:
    cards = [card for card in report.failures if card.target == target.name]
    if cards:
        yield from (_failure(card) for card in cards)
    elif target.state == "failed":
        yield _element("failure", target.error, "failed", target.error)
    elif target.state in {"disabled", "idle"}:
        yield _element("skipped", "disabled" if target.state == "disabled" else "not asked for")
    elif target.state in {"waiting", "running"}:
        yield _unfinished(target, one, report)


def _unfinished(target: TargetReport, one: ResourceReport, report: Report) -> str:
    """Return what is said of a target that the run's end found on its way."""
    if one.held_back_by:
        return _element("skipped", f"held back by {', '.join(one.held_back_by)}")
    if report.verdict.state == "failed":
        return _element("skipped", "not finished: the run ended with the failure of another")
    waits = f": {target.waits}" if target.waits else ""
    word = "not begun" if target.state == "waiting" else "not ready"
    return _element("error", f"{word} when the run ended ({report.verdict.state}){waits}", report.verdict.state)


def _failure(card: Failure) -> str:
    return _element("failure", card.message, card.rule, card_lines(card.to_wire()).strip("\n"))


def _of_verdict(report: Report) -> str:
    verdict = report.verdict
    inside = _element("error", verdict.reason or verdict.state, verdict.state)
    return f'  <testcase classname="upright" name="verdict" time="0.000">\n{inside}  </testcase>\n'


def _element(name: str, message: str, kind: str = "", body: str = "") -> str:
    sort = f" type={_attribute(kind)}" if kind else ""
    end = f">{escape(_clean(body))}</{name}>" if body else "/>"
    return f"   <{name} message={_attribute(message)}{sort}{end}\n"


def _clean(text: str) -> str:
    """Return the text without what XML cannot have, and without colours."""
    return _NOT_IN_XML.sub("\ufffd", _ESCAPES.sub("", text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))
