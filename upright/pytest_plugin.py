"""The fixture ``upright`` for pytest: the Tiltfile is up while the tests run, and gone afterwards.

With pytest-xdist all workers share one run, or with ``upright_runs = worker`` have one each. Its report is kept where
tests fail, and the summary says where. Options are in the ini file (``upright_…``) or on the command line (``--upright-…``).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.session import Session
    from upright.shared_run import Desk
    from upright.started_session import CiRun

_OPTIONS = {
    "tiltfile": ("the Tiltfile that the fixture upright brings up", "Tiltfile"),
    "cluster": ("where it deploys: auto, embedded or a context", "auto"),
    "timeout": ("how long it may take to become healthy, as in 5m", ""),
    "report_dir": ("where its report goes; unless said, a folder that is kept where tests fail", ""),
    "runs": ("how many runs the workers of pytest-xdist have: shared (one) or worker (one each)", "shared"),
}
_RUNS = ("shared", "worker")
_OUTPUT_CHARACTERS = 4000
_DESK, _REPORTS = "upright_desk", "upright_reports"


class Plugin:
    """What one process of the test session knows: where reports go, and the desk of a run that is shared."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._worker: dict[str, str] = getattr(config, "workerinput", {})
        self._reports: Path | None = None
        self.desk: Desk | None = None
        self.failed = False

    def option(self, name: str) -> str:
        """Return the option: the command line's, else the ini file's."""
        return str(self._config.getoption(f"upright_{name}") or self._config.getini(f"upright_{name}"))

    @property
    def tiltfile(self) -> Path:
        """What is brought up."""
        return self._config.rootpath / self.option("tiltfile")

    @property
    def reports(self) -> Path:
        """The folder of the reports; workers have their controller's."""
        if self._reports is None:
            said = self._worker.get(_REPORTS) or self.option("report_dir")
            self._reports = self._config.rootpath / said if said else Path(tempfile.mkdtemp(prefix="upright-report-"))
            self._reports.mkdir(parents=True, exist_ok=True)
        return self._reports

    def written(self) -> list[Path]:
        """Return the reports that there are."""
        return sorted(self._reports.glob("upright*.*")) if self._reports is not None else []

    def clear(self) -> None:
        """Remove the reports that nobody needs."""
        temporary = self._reports is not None and not self._worker and not self.option("report_dir")
        if temporary and self._reports is not None and (not self.failed or not self.written()):
            shutil.rmtree(self._reports, ignore_errors=True)

    def run(self) -> CiRun:
        """Return a run as the options ask for it."""
        from upright.started_session import ci  # noqa: PLC0415  reason: pytest loads this in every project

        name = f"upright-{self._worker['workerid']}" if "workerid" in self._worker else "upright"
        flags = [f"--report={self.reports / name}.json", f"--report-html={self.reports / name}.html"]
        if timeout := self.option("timeout"):
            flags.append(f"--timeout={timeout}")
        flags += [str(flag) for flag in self._config.getini("upright_flags")]
        return ci(self.tiltfile, cluster=self.option("cluster"), flags=flags)

    def opened_desk(self) -> Desk:
        """Return the desk at which the workers ask for their run."""
        from upright.shared_run import Desk  # noqa: PLC0415  reason: as above

        if self.desk is None:
            run = self.run()
            self.desk = Desk(run.__enter__, run.__exit__)
        return self.desk


_PLUGIN = pytest.StashKey[Plugin]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("upright", "the fixture upright")
    for name, (help_text, default) in _OPTIONS.items():
        parser.addini(f"upright_{name}", help_text, default=default)
        flag = f"--upright-{name.replace('_', '-')}"
        group.addoption(flag, dest=f"upright_{name}", default="", help=help_text, metavar="VALUE")
    parser.addini("upright_flags", "further flags of upright ci", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Read the options."""
    plugin = config.stash[_PLUGIN] = Plugin(config)
    if plugin.option("runs") not in _RUNS:
        raise pytest.UsageError(f'upright_runs: "{plugin.option("runs")}" is none of {", ".join(_RUNS)}')


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist where reports go, and where to ask for the run."""
    plugin = node.config.stash[_PLUGIN]  # type: ignore[attr-defined]  # pytest-xdist has no types for it
    if not plugin.tiltfile.exists():
        return
    told = {_REPORTS: str(plugin.reports)}
    if plugin.option("runs") == "shared":
        told[_DESK] = plugin.opened_desk().address
    node.workerinput.update(told)  # type: ignore[attr-defined]  # as above


@pytest.fixture(scope="session")
def upright(pytestconfig: pytest.Config) -> Generator[Session]:
    """Have the Tiltfile up; what did not become healthy fails the tests that need it, with its cards and last lines."""
    plugin = pytestconfig.stash[_PLUGIN]
    if desk := getattr(pytestconfig, "workerinput", {}).get(_DESK):
        yield _shared(desk)
        return
    from upright.session import RunFailed  # noqa: PLC0415  reason: as above

    run = plugin.run()
    try:
        session = run.__enter__()
    except RunFailed as failed:
        _refuse(str(failed), failed.session.output)
    try:
        yield session
    finally:
        run.__exit__()


def _shared(desk: str) -> Session:
    from upright.shared_run import NoRun, asked  # noqa: PLC0415  reason: as above

    try:
        return asked(desk)
    except NoRun as error:
        _refuse(str(error), error.output)


def _refuse(why: str, output: str) -> NoReturn:
    pytest.fail(f"upright: {why}\n{output[-_OUTPUT_CHARACTERS:]}", pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End a run that was shared; its report is there when the summary is printed."""
    plugin = session.config.stash[_PLUGIN]
    plugin.failed = session.testsfailed > 0
    if plugin.desk is not None:
        plugin.desk.close()
        plugin.desk = None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the reports are."""
    plugin = config.stash[_PLUGIN]
    if plugin.failed and (written := plugin.written()):
        terminalreporter.section("upright")
        for path in written:
            terminalreporter.line(f"report: {path}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clear away what nobody needs."""
    plugin = config.stash.get(_PLUGIN, None)
    if plugin is not None:
        if plugin.desk is not None:
            plugin.desk.close()
        plugin.clear()
