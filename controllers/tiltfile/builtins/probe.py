"""probe() and its three actions: how to ask a server whether it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string, wrong_type
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.values import List, Struct, Value
from upright.controllers.tiltfile.readers import int32, string_sequence
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.probe import ExecAction, HTTPGetAction, Probe, TCPSocketAction

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.arguments import Reader
    from upright.controllers.tiltfile.project import Project

_LARGEST_PORT = 65535


class ProbePart(Struct):
    """A probe or one of its actions, as the Tiltfile sees it, with what it means."""

    def __init__(self, kind: str, fields: dict[str, Value], meaning: object) -> None:
        super().__init__(fields, kind)
        self.meaning = meaning


def _part(kind: str) -> Reader[ProbePart | None]:
    def read(value: Value, _directory: str) -> ProbePart | None:
        if value is None:
            return None
        if not isinstance(value, ProbePart) or value.name != kind:
            raise wrong_type(value, kind)
        return value

    return read


def readiness_probe(value: Value, directory: str) -> Probe | None:
    """Read what probe() returned."""
    part = _part("Probe")(value, directory)
    return part.meaning if part and isinstance(part.meaning, Probe) else None


def _port(value: Value, directory: str) -> int:
    port = int32(value, directory)
    if not 1 <= port <= _LARGEST_PORT:
        raise WrongValue(f"port {port} is not in the valid range [1-65535]")
    return port


class ExecArguments(Arguments):
    """exec_action(command)."""

    command: tuple[str, ...] = required(string_sequence)


class HTTPArguments(Arguments):
    """http_get_action(port, host, scheme, path)."""

    port: int = required(_port)
    host: str = optional(string, "")
    scheme: str = optional(string, "")
    path: str = optional(string, "")


class TCPArguments(Arguments):
    """tcp_socket_action(port, host)."""

    port: int = required(_port)
    host: str = optional(string, "")


class ProbeArguments(Arguments):
    """probe(…), times in seconds."""

    initial_delay_secs: int = optional(int32, 0)
    timeout_secs: int = optional(int32, 0)
    period_secs: int = optional(int32, 0)
    success_threshold: int = optional(int32, 0)
    failure_threshold: int = optional(int32, 0)
    exec: ProbePart | None = optional(_part("ExecAction"), None)
    http_get: ProbePart | None = optional(_part("HTTPGetAction"), None)
    tcp_socket: ProbePart | None = optional(_part("TCPSocketAction"), None)


def exec_action(_project: Project, given: ExecArguments) -> ProbePart:
    """Return the action of running a command."""
    return ProbePart("ExecAction", {"command": List(given.command)}, ExecAction(command=given.command))


def http_get_action(_project: Project, given: HTTPArguments) -> ProbePart:
    """Return the action of a GET request."""
    fields = {"host": given.host, "port": given.port, "scheme": given.scheme, "path": given.path}
    if given.scheme.upper() not in {"", "HTTP", "HTTPS"}:
        raise Failure(f'http_get_action: scheme must be "http" or "https", got "{given.scheme}"')
    action = HTTPGetAction(port=given.port, host=given.host, scheme=given.scheme.upper(), path=given.path)
    return ProbePart("HTTPGetAction", fields, action)


def tcp_socket_action(_project: Project, given: TCPArguments) -> ProbePart:
    """Return the action of opening a connection."""
    fields = {"host": given.host, "port": given.port}
    return ProbePart("TCPSocketAction", fields, TCPSocketAction(port=given.port, host=given.host))


def probe(_project: Project, given: ProbeArguments) -> ProbePart:
    """Return a probe: exactly one action and its timing."""
    actions = {"exec": given.exec, "http_get": given.http_get, "tcp_socket": given.tcp_socket}
    chosen = {name: part.meaning for name, part in actions.items() if part}
    if len(chosen) != 1:
        raise Failure("exactly one of exec, http_get, or tcp_socket must be specified")
    spec = Probe.model_validate(
        {
            **chosen,
            "initial_delay_seconds": given.initial_delay_secs,
            "timeout_seconds": given.timeout_secs,
            "period_seconds": given.period_secs,
            "success_threshold": given.success_threshold,
            "failure_threshold": given.failure_threshold,
        }
    )
    problem = next(spec.problems_at("probe"), None)
    if problem:
        raise Failure(f"{problem.field}: {problem.message}")
    return ProbePart("Probe", {name: getattr(given, name) for name in ProbeArguments.parameters}, spec)


VALUES = {
    "exec_action": function("exec_action", ExecArguments, exec_action),
    "http_get_action": function("http_get_action", HTTPArguments, http_get_action),
    "probe": function("probe", ProbeArguments, probe),
    "tcp_socket_action": function("tcp_socket_action", TCPArguments, tcp_socket_action),
}
