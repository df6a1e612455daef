"""Keeping what a run sees, from which ``upright replay`` comes to the same verdict."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from upright import __version__
from upright.client.report.gathered import report_of
from upright.client.report.scrubbed import scrubbed
from upright.controllers.record.record_file import RecordWriter
from upright.controllers.record.recorder import RecordingJudge

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from upright.controllers.world.secrets import Secrets
    from upright.openapi.report import Report
    from upright.openapi.v1alpha1.resource import Resource
    from upright.openapi.v1alpha1.session import Session


@contextmanager
def recording(paths: Sequence[Path], tiltfile: str, logs: Path, secrets: Secrets) -> Generator[RecordingJudge]:
    """Keep what is seen in these files."""
    about = {"version": __version__, "tiltfile": str(Path(tiltfile).absolute()), "logs": str(logs)}
    writer = RecordWriter(*paths)
    judge = RecordingJudge(writer, secrets.scrub, about)
    try:
        yield judge
    finally:
        judge.close()
        for path, error in writer.failed.items():
            sys.stderr.write(f"the record {path} could not be written to its end: {error.strerror}\n")


def end_record(
    judge: RecordingJudge, session: Session, resources: Sequence[Resource], logs: Path, secrets: Secrets
) -> Report:
    """Write how the run ended, and return its report."""
    made = report_of(session, resources, version=__version__, logs=str(logs))
    report = scrubbed(made, secrets.scrub)
    judge.end(session, resources, report.to_wire())
    return report
