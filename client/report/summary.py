"""The end of a run as a table: each resource, how it did and how long it took, and what the time went into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.v1alpha1.resource import TILTFILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from upright.openapi.report import Report, ResourceReport

_HEAD = ("RESOURCE", "RESULT", "UPDATE", "ALL", "")
_COLOURS = {"healthy": "\x1b[32m", "failed": "\x1b[31m", "held-back": "\x1b[33m", "pending": "\x1b[33m"}
_PLAIN = "\x1b[0m"
_MINUTE = 60.0


def took(seconds: float | None) -> str:
    """Return a time as people say it: ``0.3s``, ``2m05s``; nothing for none."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s"


def remark(one: ResourceReport, report: Report) -> str:
    """Return what there is to say of a resource that is not well."""
    if rule := next((card.rule for card in report.failures if card.resource == one.name), ""):
        return rule
    if one.held_back_by:
        return f"by {', '.join(one.held_back_by)}"
    if one.state != "pending":
        return ""
    waits = next((target.waits for target in one.targets if target.waits), "")
    return waits or "not ready"


def path_words(report: Report) -> str:
    """Return the critical path in a line, without the Tiltfile where more is on it."""
    legs = [leg for leg in report.critical_path if leg.resource != TILTFILE] or list(report.critical_path)
    if not legs:
        return ""
    told = [
        f"{leg.resource} {took(leg.seconds)}"
        + (f" (after {took(leg.waited_seconds)})" if leg.waited_seconds >= 0.1 else "")
        for leg in legs
    ]
    return f"{' → '.join(told)}, of {took(report.seconds)} in all"


def summary_lines(report: Report, *, colour: bool = False) -> str:
    """Return the table as it is printed, with an empty line before it; nothing for a run that had no resources."""
    rows = [_row(one, report) for one in report.resources if one.state not in {"disabled", "idle"}]
    if not rows:
        return ""
    lines = ["", *_table([_HEAD, *rows], colour=colour)]
    if path := path_words(report):
        lines += [f"critical path: {path}"]
    return "".join(f"{line}\n" for line in lines)


def _row(one: ResourceReport, report: Report) -> tuple[str, ...]:
    state = one.state.replace("-", " ")
    return one.name, state, took(one.update_seconds), took(one.seconds), remark(one, report)


def _table(rows: Sequence[tuple[str, ...]], *, colour: bool) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row in rows:
        name, state, update, whole, said = row
        word = f"{state:<{widths[1]}}"
        if colour and (begin := _COLOURS.get(state.replace(" ", "-"))):
            word = f"{begin}{word}{_PLAIN}"
        yield f"{name:<{widths[0]}}  {word}  {update:>{widths[2]}}  {whole:>{widths[3]}}  {said}".rstrip()
