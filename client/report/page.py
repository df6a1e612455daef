"""The report as one HTML page that needs nothing else: verdict, failures, times, and the logs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from upright.client.cli.cards import card_lines
from upright.client.report.summary import path_words, remark, took

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from upright.openapi.report import Report, ResourceReport

_STYLE = """
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #cf222e; --held: #9a6700; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.healthy { color: var(--ok); } .failed, .timeout, .unknown, .interrupted { color: var(--bad); }
.held-back, .pending { color: var(--held); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
td, th { padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t { width: 40%; } .lane { position: relative; height: 1rem; background: #8882; border-radius: 2px; }
.bar { position: absolute; top: 0; bottom: 0; min-width: 2px; background: #0969da; border-radius: 2px; }
.bar.failed { background: var(--bad); } .bar.on-path { outline: 2px solid #bf8700; }
pre { overflow: auto; background: #8881; padding: .8rem; border-radius: 4px; font-size: 13px; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.card { border-left: 4px solid var(--bad); } details { border-bottom: 1px solid var(--line); padding: .3rem 0; }
summary { cursor: pointer; } .dim { opacity: .7; }
"""
_CONTENT = "default-src 'none'; style-src 'unsafe-inline'"


def html_page(report: Report, logs: Mapping[str, Iterable[str]]) -> str:
    """Return the page; ``logs`` are the lines of each resource, the empty name's those that are nobody's."""
    return "".join(f"{line}\n" for line in _page(report, logs))


def _page(report: Report, logs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    verdict = report.verdict
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_CONTENT}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(verdict.state)}: upright ci {escape(report.tiltfile)}</title><style>{_STYLE}</style></head><body>"
    yield f'<h1>upright ci: <span class="{escape(verdict.state)}">{escape(verdict.state)}</span></h1>'
    yield f'<p class="dim">{escape(report.tiltfile)} · {_moment(report.start_time)} · {took(report.seconds)} · exit code {verdict.exit_code}</p>'
    if verdict.reason:
        yield f"<p>{escape(verdict.reason)}</p>"
    if report.failures:
        yield "<h2>Failures</h2>"
        for card in report.failures:
            yield f'<pre class="card">{escape(card_lines(card.to_wire()).strip(chr(10)))}</pre>'
    yield from _resources(report)
    yield "<h2>Logs</h2>"
    for name, lines in logs.items():
        text = "\n".join(escape(line) for line in lines)
        if text:
            opened = " open" if any(card.resource == name for card in report.failures) else ""
            yield f"<details{opened}><summary>{escape(name or 'upright')}</summary><pre>{text}</pre></details>"
    yield f'<p class="dim">upright {escape(report.upright)}</p></body></html>'


def _resources(report: Report) -> Iterator[str]:
    shown = [one for one in report.resources if one.state not in {"disabled", "idle"}]
    if not shown:
        return
    yield '<h2>Resources</h2><table><tr><th>resource<th>result<th class="n">update<th class="n">all<th>'
    yield f"<th>0 – {took(report.seconds)}</tr>"
    for one in shown:
        state = f'<span class="{one.state}">{one.state.replace("-", " ")}</span>'
        times = f'<td class="n">{took(one.update_seconds)}<td class="n">{took(one.seconds)}'
        said = escape(remark(one, report))
        yield f'<tr><td>{escape(one.name)}<td>{state}{times}<td>{said}<td class="t">{_lane(one, report)}</tr>'
    yield "</table>"
    if path := path_words(report):
        yield f"<p>Critical path: {escape(path)}</p>"


def _lane(one: ResourceReport, report: Report) -> str:
    if report.start_time is None or one.start_time is None or not report.seconds or one.seconds is None:
        return ""
    left = min(max((one.start_time - report.start_time).total_seconds() / report.seconds, 0.0), 1.0)
    width = min(one.seconds / report.seconds, 1.0 - left)
    on_path = " on-path" if any(leg.resource == one.name for leg in report.critical_path) else ""
    bar = f'<div class="bar {one.state}{on_path}" style="left:{left:.2%};width:{width:.2%}"></div>'
    return f'<div class="lane">{bar}</div>'


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment is not None else ""
