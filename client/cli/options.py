"""What ``upright ci`` is told, after flags, environment and defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

DEFAULT_PORT = 10350
DEFAULT_TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CiOptions:
    """The options of ``upright ci``; see its help for what each means."""

    file: str = "Tiltfile"
    args: tuple[str, ...] = ()
    port: int = DEFAULT_PORT
    host: str = "localhost"
    context: str = ""
    namespace: str = ""
    cluster: str = "auto"
    engine: Literal["auto", "host", "dockerd", "podman"] = "auto"
    database: str = ""
    state: str = ""
    timeout: timedelta = DEFAULT_TIMEOUT
    fail_fast: Literal["first", "never"] = "first"
    log_level: str = ""
    log_source: Literal["all", "build", "runtime"] = "all"
    log_resources: tuple[str, ...] = ()
    output_snapshot_on_exit: str = ""
    debug: bool = False
    verbose: bool = False
    color: Literal["auto", "always", "never"] = "auto"
