"""The end of a run: what is said on the terminal, written to files, and returned to the shell; all say the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from upright import __version__
from upright.client.cli.cards import card_lines
from upright.client.report.summary import summary_lines
from upright.openapi.report import Report
from upright.openapi.v1alpha1.session import Verdict
from upright.outputs import Ended, tell_the_ci, write_outputs
from upright.telling import say

if TYPE_CHECKING:
    from upright.client.cli.options import CiOptions
    from upright.telling import Teller

EXIT_FAILED, EXIT_UNKNOWN = 1, 3


def conclude(options: CiOptions, ended: Ended, teller: Teller) -> int:
    """Write the files, print the rest, and say the verdict: on stdout, and the reason as the last line of stderr."""
    report = ended.report
    write_outputs(options, ended)
    commands = tell_the_ci(options, report)
    say(ended.scrub(teller.rest(report)) + _words(options, report) + commands)
    if report.verdict.state == "healthy":
        return 0
    sys.stderr.write(f"Error: {report.verdict.reason}\n")
    return report.verdict.exit_code if report.verdict.exit_code is not None else EXIT_FAILED


def conclude_broken(options: CiOptions, folder: Path, reason: str) -> None:
    """Write the files of a run that ended by a fault of ours: they say that nothing is known."""
    verdict = Verdict(state="unknown", reason=reason, exit_code=EXIT_UNKNOWN)
    report = Report(upright=__version__, tiltfile=str(Path(options.file).absolute()), verdict=verdict, logs=str(folder))
    session = {"spec": {"tiltfilePath": report.tiltfile}}
    write_outputs(options, Ended(report, session, (), (), (), folder, str))
    say(tell_the_ci(options, report))


def _words(options: CiOptions, report: Report) -> str:
    if options.log == "json":
        wire = report.to_wire()
        told = {name: wire[name] for name in ("verdict", "failures", "seconds") if name in wire}
        return json.dumps(told, ensure_ascii=False) + "\n"
    text = summary_lines(report, colour=options.color)
    if options.log == "failures":
        text += f"all logs: {report.logs}\n"
    if report.verdict.state == "healthy":
        return f"{text}SUCCESS. All workloads are healthy.\n"
    return text + "".join(card_lines(card.to_wire(), colour=options.color) for card in report.failures)
