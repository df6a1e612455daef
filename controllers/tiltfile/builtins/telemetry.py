"""Settings of what Tilt reports to its makers: understood and checked; nothing is reported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import Builtin
from upright.controllers.tiltfile.readers import Command, command, directory_path, duration, string_map
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from datetime import timedelta

    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project


class AnalyticsArguments(Arguments):
    """analytics_settings(enable)."""

    enable: bool = required(boolean)


class ReportArguments(Arguments):
    """experimental_analytics_report(tags)."""

    tags: dict[str, str] = required(string_map)


class TelemetryArguments(Arguments):
    """experimental_telemetry_cmd(cmd, cmd_bat, period, dir)."""

    cmd: tuple[str, ...] = required(command)
    cmd_bat: Value = optional(anything, None)
    period: timedelta | None = optional(duration, None, none_is_unset=True)
    dir: str | None = optional(directory_path, None)


class TeamArguments(Arguments):
    """set_team(team_id)."""

    team_id: str = required(string)


def analytics_settings(project: Project, given: AnalyticsArguments) -> None:
    """Note whether Tilt may report how it is used; nothing is reported here."""
    project.noted.analytics = given.enable


def experimental_analytics_report(_project: Project, _given: ReportArguments) -> None:
    """Check the argument; nothing is reported."""


def experimental_telemetry_cmd(project: Project, given: TelemetryArguments) -> None:
    """Check the arguments; the command is never run."""
    if not given.cmd:
        raise Failure("cmd cannot be empty")
    noted = project.noted
    if noted.telemetry is not None:
        raise Failure(f"experimental_telemetry_cmd called multiple times; already set to {noted.telemetry}")
    noted.telemetry = Command(given.cmd, given.dir or project.directory)
    noted.telemetry_folder = project.directory
    noted.telemetry_period = given.period


def set_team(project: Project, given: TeamArguments) -> None:
    """Note the team's name."""
    known = project.noted.team_id
    if not given.team_id:
        raise Failure("team_id cannot be empty")
    if known:
        raise Failure(f"team_id set multiple times (to '{known}' and '{given.team_id}')")
    project.noted.team_id = given.team_id


def _metrics(project: Project) -> Builtin:
    def run(_args: tuple[Value, ...], _kwargs: dict[str, Value]) -> None:
        project.warn("experimental_metrics_settings() is deprecated, and does nothing")

    return Builtin("experimental_metrics_settings", run)


VALUES = {
    "analytics_settings": function("analytics_settings", AnalyticsArguments, analytics_settings),
    "experimental_analytics_report": function(
        "experimental_analytics_report", ReportArguments, experimental_analytics_report
    ),
    "experimental_metrics_settings": _metrics,
    "experimental_telemetry_cmd": function(
        "experimental_telemetry_cmd", TelemetryArguments, experimental_telemetry_cmd
    ),
    "set_team": function("set_team", TeamArguments, set_team),
}
