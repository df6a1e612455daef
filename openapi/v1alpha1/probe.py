"""A probe: what to ask a server, how often, and how many answers count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.errors import Cause
from upright.openapi.meta import Model, omit

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExecAction(Model):
    """Healthy while the command exits 0."""

    command: tuple[str, ...] = ()
    """The program and its arguments; no shell is added."""


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: str
    """Its name."""
    value: str
    """Its value."""


class HTTPGetAction(Model):
    """Healthy while a GET answers 200 to 399."""

    path: str = omit("")
    """What to GET."""
    port: int
    """The port to ask."""
    host: str = omit("")
    """The host to ask; empty: localhost."""
    scheme: str = omit("")
    """http or https; empty: http."""
    http_headers: tuple[HTTPHeader, ...] = omit(())


class TCPSocketAction(Model):
    """Healthy while the port accepts a connection."""

    port: int
    """The port to connect to."""
    host: str = omit("")
    """The host to connect to; empty: localhost."""


class Probe(Model):
    """Exactly one action, and its timing in seconds; 0 stands for Kubernetes' default (timeout 1, period 10, success 1, failure 3)."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    initial_delay_seconds: int = omit(0)
    """How long to wait before the first look."""
    timeout_seconds: int = omit(0)
    """How long a look may take."""
    period_seconds: int = omit(0)
    """How long from one look to the next."""
    success_threshold: int = omit(0)
    """How many looks in a row must pass to be ready."""
    failure_threshold: int = omit(0)
    """How many looks in a row must fail to be ready no more."""

    def problems_at(self, path: str) -> Iterator[Cause]:
        """Yield what is wrong with the probe, with its place."""
        actions = [a for a in (self.exec, self.http_get, self.tcp_socket) if a is not None]
        if len(actions) != 1:
            yield Cause(
                path, "Required value: must specify exactly one of exec, httpGet, tcpSocket", "FieldValueRequired"
            )
        for name in (
            "initial_delay_seconds",
            "timeout_seconds",
            "period_seconds",
            "success_threshold",
            "failure_threshold",
        ):
            if getattr(self, name) < 0:
                field = type(self).model_fields[name].alias
                yield Cause(f"{path}.{field}", f"Invalid value: {getattr(self, name)}: must not be negative")
