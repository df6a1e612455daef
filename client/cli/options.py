"""What ``upright ci`` was asked to do, read from its line and the environment; ``upright.run`` does it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.limits import Limits

ReplayForm = Literal["text", "json"]
Engine = Literal["auto", "host", "dockerd", "podman"]
LogLevel = Literal["", "warn", "error"]
LogSource = Literal["all", "build", "runtime"]
FailFast = Literal["first", "never"]
LogMode = Literal["all", "failures", "github", "gitlab", "json", "plain"]


class TiltfileOptions(NamedTuple):
    """A Tiltfile to look at without running it.

    ``timings``: how long each call took is wanted instead, of those that took at least this. ``cluster`` as for a run. ``output``
    of a check is ``text`` or ``json``.
    """

    file: str = "Tiltfile"
    args: tuple[str, ...] = ()
    subcommand: str = "ci"
    cluster: str = "auto"
    namespace: str = ""
    verbose: bool = False
    timings: timedelta | None = None
    output: str = "text"


class ReplayOptions(NamedTuple):
    """A record to play: by which limits, until when (empty: its end), how many times as fast as it was (0: at once)."""

    file: str
    limits: Limits | None = None
    until: str = ""
    speed: float = 0.0
    report: str = ""
    junit: str = ""
    output: ReplayForm = "text"
    color: bool = False


class DownOptions(NamedTuple):
    """What a Tiltfile deploys, to be deleted; ``delete_namespaces`` and ``delete_volumes``: these too.

    ``running`` are the ports of those who run this Tiltfile at the moment.
    """

    tiltfile: TiltfileOptions
    running: tuple[int, ...] = ()
    delete_namespaces: bool = False
    delete_volumes: bool = False


class DoctorOptions(NamedTuple):
    """What to look at: the cluster and the engine of a run with these; ``form`` is text or json."""

    cluster: str = "auto"
    namespace: str = ""
    engine: Engine = "auto"
    form: Literal["text", "json"] = "text"


class CiOptions(NamedTuple):
    """One run.

    ``args`` are resources to bring up, or what the Tiltfile's own config takes; empty means everything.
    ``port`` 0 takes a free one. ``timeout`` None is no limit; the Tiltfile's ci_settings outweigh it, as in Tilt.
    ``cluster`` is ``auto``, ``embedded`` or a kubeconfig context. ``database`` empty is a file in the run's folder,
    ``state`` empty the usual place for that folder. ``limits`` are those of ``--set``. ``report``, ``report_html``, ``junit``
    and ``output_snapshot_on_exit`` are files to write at the end, however the run ends; empty: none.
    ``record`` is a file that is written all along. ``tilt_config``: Tilt's own clients are to find the run. ``stay``: what was brought up stays
    after the verdict until a signal comes. ``live``: how the resources are doing stands at the bottom of the terminal.
    """

    file: str = "Tiltfile"
    args: tuple[str, ...] = ()
    host: str = "localhost"
    port: int = 10350
    namespace: str = ""
    cluster: str = "auto"
    engine: Engine = "auto"
    database: str = ""
    state: str = ""
    timeout: timedelta | None = timedelta(minutes=30)
    limits: Limits | None = None
    fail_fast: FailFast = "first"
    log: LogMode = "all"
    log_level: LogLevel = ""
    log_source: LogSource = "all"
    log_resources: tuple[str, ...] = ()
    report: str = ""
    report_html: str = ""
    junit: str = ""
    output_snapshot_on_exit: str = ""
    record: str = ""
    tilt_config: bool = True
    stay: bool = False
    debug: bool = False
    verbose: bool = False
    color: bool = False
    live: bool = False

    @property
    def outputs(self) -> dict[str, str]:
        """The files to write at the end, by the flag that asks for each."""
        asked = {
            "--report": self.report,
            "--report-html": self.report_html,
            "--junit": self.junit,
            "--output-snapshot-on-exit": self.output_snapshot_on_exit,
        }
        return {flag: path for flag, path in asked.items() if path}
