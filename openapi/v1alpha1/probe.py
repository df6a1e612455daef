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


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: str
    value: str


class HTTPGetAction(Model):
    """Healthy while a GET answers 200 to 399."""

    path: str = omit("")
    port: int
    host: str = omit("")
    scheme: str = omit("")
    http_headers: tuple[HTTPHeader, ...] = omit(())


class TCPSocketAction(Model):
    """Healthy while the port accepts a connection."""

    port: int
    host: str = omit("")


class Probe(Model):
    """Exactly one action, and its timing in seconds; 0 stands for Kubernetes' default (timeout 1, period 10, success 1, failure 3)."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    initial_delay_seconds: int = omit(0)
    timeout_seconds: int = omit(0)
    period_seconds: int = omit(0)
    success_threshold: int = omit(0)
    failure_threshold: int = omit(0)

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
