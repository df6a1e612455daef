"""What ``upright ci`` was asked to do, read from its line and the environment; ``upright.run`` does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from upright.openapi.v1alpha1.limits import Limits

Engine = Literal["auto", "host", "dockerd", "podman"]
LogLevel = Literal["", "warn", "error"]
LogSource = Literal["all", "build", "runtime"]
FailFast = Literal["first", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions:
    """One run.

    ``args`` are resources to bring up, or what the Tiltfile's own config takes; empty means everything.
    ``port`` 0 takes a free one. ``timeout`` None is no limit; the Tiltfile's ci_settings outweigh it, as in Tilt.
    ``cluster`` is ``auto``, ``embedded`` or a kubeconfig context. ``database`` empty is a file in the run's folder,
    ``state`` empty the usual place for that folder. ``limits`` are those of ``--set``.
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
    log_level: LogLevel = ""
    log_source: LogSource = "all"
    log_resources: tuple[str, ...] = ()
    output_snapshot_on_exit: str = ""
    debug: bool = False
    verbose: bool = False
    color: bool = False
