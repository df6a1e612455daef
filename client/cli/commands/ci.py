"""Build, deploy, and say whether all is healthy."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from upright.client.cli import interruption
from upright.client.cli.asked import environment
from upright.client.cli.colours import coloured
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.limit_values import limits_of
from upright.client.cli.live_terminal import wanted as live_wanted
from upright.client.cli.options import CiOptions, Engine, FailFast, LogLevel, LogMode, LogSource
from upright.client.cli.troubles import WrongUsage
from upright.client.report.files import obstacle
from upright.openapi import validator_plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from upright.client.cli.flags import Given

_ENTRY_POINT = "upright.run"
_TILTS = "taken as Tilt takes it; does nothing here"

FLAGS = (
    Flag("file", "the Tiltfile", "PATH", short="f", default="Tiltfile"),
    Flag(
        "port",
        "port of the API and the dashboard; 0 takes a free one",
        "PORT",
        default="10350",
        variables=("UPRIGHT_PORT", "TILT_PORT"),
    ),
    Flag(
        "host",
        "loopback name to listen on, and where port forwards begin",
        "HOST",
        default="localhost",
        variables=("UPRIGHT_HOST", "TILT_HOST"),
    ),
    Flag(
        "cluster",
        "where to deploy: auto (the kubeconfig's context, else embedded), embedded, a context, or in a pod in-cluster",
        "WHERE",
        default="auto",
        variables=("UPRIGHT_CLUSTER",),
    ),
    Flag("context", "the kubeconfig context to deploy to", "CONTEXT", variables=("UPRIGHT_CONTEXT",)),
    Flag("namespace", "namespace of objects that name none", "NAMESPACE", variables=("UPRIGHT_NAMESPACE",)),
    Flag(
        "engine",
        "what builds images and runs containers: auto, host (one that is there), dockerd or podman (one of our own)",
        "ENGINE",
        default="auto",
        choices=("auto", "host", "dockerd", "podman"),
        variables=("UPRIGHT_ENGINE",),
    ),
    Flag(
        "timeout",
        "how long all of it may take, as in 90s or 1h; 0: as long as it likes",
        "DURATION",
        default="30m",
        variables=("UPRIGHT_TIMEOUT",),
    ),
    Flag(
        "set", "a limit or budget, as in crash_budget=5 or ready_timeout=2m; may be repeated", "NAME=VALUE", many=True
    ),
    Flag(
        "fail-fast",
        "what a failure ends: first (the run) or never (nothing; all is reported at the end)",
        "WHEN",
        default="first",
        choices=("first", "never"),
        variables=("UPRIGHT_FAIL_FAST",),
    ),
    Flag(
        "log",
        "what is printed: all (as it comes), failures (only what failed, at the end), github or gitlab (a fold a resource), "
        "json (an object a line), plain (no columns, no colours)",
        "WHAT",
        default="all",
        choices=("all", "failures", "github", "gitlab", "json", "plain"),
        variables=("UPRIGHT_LOG",),
    ),
    Flag("report", "write a report to this file at the end: JSON, or a page if its name ends in .html", "FILE"),
    Flag("report-html", "write a page with the report and the logs to this file at the end", "FILE"),
    Flag("junit", "write JUnit XML to this file at the end, a case a target", "FILE"),
    Flag(
        "live",
        "a line a resource at the bottom of the terminal: auto (with --log=all or failures, not in CI), always or never",
        "WHEN",
        default="auto",
        choices=("auto", "always", "never"),
        variables=("UPRIGHT_LIVE",),
    ),
    Flag("log-level", "print only lines of this level: warn or error", "LEVEL"),
    Flag(
        "log-source",
        "print only lines from: all, build, runtime",
        "SOURCE",
        default="all",
        choices=("all", "build", "runtime"),
    ),
    Flag("log-resource", "print only lines of these resources; may be repeated", "NAME", many=True),
    Flag("record", "keep all that the verdict is made of in this file, for upright replay; also after a crash", "FILE"),
    Flag("output-snapshot-on-exit", "write a snapshot of the run to this file at its end", "PATH"),
    Flag("stay", "keep what was brought up after the verdict, until interrupted"),
    Flag(
        "no-tilt-config",
        "do not enter the run in ~/.tilt-dev/config (or TILT_CONFIG), where Tilt's own clients look",
        variables=("UPRIGHT_NO_TILT_CONFIG",),
    ),
    Flag("state", "folder for the run's database, logs and kubeconfig", "DIR", variables=("UPRIGHT_STATE",)),
    Flag(
        "database",
        "file or URL of the database; a file in the run's folder unless said",
        "URL",
        variables=("UPRIGHT_DATABASE",),
    ),
    Flag("web-mode", _TILTS, "MODE", hidden=True),
    Flag("webdev-port", _TILTS, "PORT", hidden=True),
    Flag("logactions", _TILTS, hidden=True),
)


def command() -> Command:
    """Return what help says."""
    return Command(
        "ci",
        "Runs a Tiltfile to its verdict: builds, deploys, and exits 0 when everything is healthy, or says what is not.\n\n"
        "Exit codes: 0 healthy, 1 something failed, 2 wrong usage, 3 cannot tell (no engine, cluster lost),\n"
        "5 the Tiltfile is wrong, 124 out of time, 130 and 143 interrupted.",
        "upright ci [flags] [RESOURCE …] [-- TILTFILE ARGUMENTS …]",
        "upright ci\n"
        "upright ci web db                      # only these, and what they need\n"
        "upright ci -f deploy/Tiltfile --cluster=embedded --timeout 10m\n"
        "upright ci --log-resource web -- --env staging\n"
        "upright ci --log=failures --junit junit.xml --report report.json --report-html report.html",
        FLAGS,
    )


def run(arguments: list[str]) -> int:
    """Bring everything up, and return the exit code."""
    validator_plugins.forgo()
    asked = options(arguments, environment(), terminal=sys.stdout.isatty())
    _check_outputs(asked)
    with interruption.until_heeded():
        return int(import_module(_ENTRY_POINT).ci(asked))


def options(arguments: Sequence[str], variables: Mapping[str, str], *, terminal: bool = False) -> CiOptions:
    """Read a line and its environment. Raises WrongUsage."""
    given = parse(command(), arguments, variables)
    report, page = _reports(given)
    return CiOptions(
        file=given.text("file"),
        args=tuple(given.arguments),
        host=given.text("host"),
        port=given.number("port", 0, 65535),
        namespace=given.text("namespace"),
        cluster=_cluster(given),
        engine=cast("Engine", given.text("engine")),  # reason: one of its choices
        database=given.text("database"),
        state=given.text("state"),
        timeout=_timeout(given),
        limits=limits_of(given.many("set")),
        fail_fast=cast("FailFast", given.text("fail-fast")),  # reason: one of its choices
        log=cast("LogMode", given.text("log")),  # reason: one of its choices
        log_level=_log_level(given),
        log_source=cast("LogSource", given.text("log-source")),  # reason: one of its choices
        log_resources=given.many("log-resource"),
        report=report,
        report_html=page,
        junit=given.text("junit"),
        output_snapshot_on_exit=given.text("output-snapshot-on-exit"),
        record=given.text("record"),
        stay=given.on("stay"),
        tilt_config=not given.on("no-tilt-config"),
        debug=given.on("debug"),
        verbose=given.on("verbose"),
        color=coloured(given.text("color"), variables, terminal=terminal),
        live=live_wanted(given.text("live"), given.text("log"), variables, terminal=terminal),
    )


def _reports(given: Given) -> tuple[str, str]:
    """Return where the report goes as JSON and as a page; ``--report`` of an .html file asks for the page."""
    report, page = given.text("report"), given.text("report-html")
    if not report.lower().endswith((".html", ".htm")):
        return report, page
    if page and page != report:
        raise WrongUsage(f"--report={report} and --report-html={page} ask for two pages")
    return "", report


def _check_outputs(asked: CiOptions) -> None:
    """Refuse files that could not be written at the end, before anything begins."""
    places: dict[str, str] = {}
    files = {**asked.outputs, **({"--record": asked.record} if asked.record else {})}
    for flag, path in files.items():
        if why := obstacle(path):
            raise WrongUsage(f"{flag}={path}: {why}")
        place = str(Path(path).resolve())
        if (other := places.setdefault(place, flag)) != flag and not Path(place).is_char_device():
            raise WrongUsage(f"{flag} and {other} name the same file: {path}")


def _cluster(given: Given) -> str:
    """Return where to deploy; ``--context`` is Tilt's word for it."""
    cluster, context = given.text("cluster"), given.text("context")
    if context and cluster not in {"auto", context}:
        raise WrongUsage(
            f"{given.source('cluster')}={cluster} and {given.source('context')}={context} contradict each other"
        )
    return context or cluster


def _log_level(given: Given) -> LogLevel:
    """Return the level to filter by; as in Tilt, what is neither warn nor error filters nothing."""
    level = given.text("log-level").lower()
    return "warn" if level in {"warn", "warning"} else "error" if level == "error" else ""


def _timeout(given: Given) -> timedelta | None:
    from upright.openapi.meta import parse_duration  # noqa: PLC0415  reason: a run imports it in any case, help does not

    try:
        span = cast("timedelta", parse_duration(given.text("timeout")))  # reason: that is what it makes of text
    except ValueError as error:
        raise WrongUsage(f"{given.source('timeout')}: {error}") from error
    if span.total_seconds() < 0:
        raise WrongUsage(f"{given.source('timeout')}: a limit cannot be negative")
    return span or None
