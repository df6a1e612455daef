"""Probe: how a container is asked whether it has started, lives, and is ready."""

from __future__ import annotations

from upright.openapi.embedded import Refused
from upright.openapi.meta import Model, omit


class ExecAction(Model):
    """Runs a command in the container; exit code 0 is good."""

    command: tuple[str, ...] = omit(())


class HTTPHeader(Model):
    """A header of a probe's request."""

    name: str
    value: str = ""


class HTTPGetAction(Model):
    """Makes a GET; 200 to 399 is good. ``port`` is a number or the name of a container's port."""

    path: str = omit("")
    port: int | str
    host: str = omit("")
    scheme: str = omit("")
    protocol: Refused = None
    http_headers: tuple[HTTPHeader, ...] = omit(())


class TCPSocketAction(Model):
    """Opens a connection; that it opens is good."""

    port: int | str
    host: str = omit("")


class Probe(Model):
    """One handler, and how often, how long and how many times it is asked (seconds)."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: Refused = None
    initial_delay_seconds: int = omit(0)
    timeout_seconds: int = omit(1)
    period_seconds: int = omit(10)
    success_threshold: int = omit(1)
    failure_threshold: int = omit(3)
    termination_grace_period_seconds: int | None = None
