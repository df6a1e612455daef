"""PortForward: ports of this machine that lead to a pod's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json

LARGEST_PORT = 65535


class Forward(Model):
    """One port of this machine (0: any free one) and the container's port it leads to (0: decided by the pod's ports)."""

    local_port: int = omit(0)
    """The port of this machine; 0: a free one."""
    container_port: int = 0
    """The container's port; 0: the pod's spec decides."""
    host: str = omit("")
    """The address of this machine to listen on; empty: localhost."""
    name: str = omit("")
    """What people call it."""
    path: str = omit("")
    """What follows the port in its link."""


class PortForwardTemplateSpec(Model):
    """The forwards to open to the best pod."""

    forwards: tuple[Forward, ...] = ()


class PortForwardSpec(Model):
    """The pod and the ports."""

    pod_name: str
    """The pod's name."""
    namespace: str = omit("")
    """The pod's namespace."""
    forwards: tuple[Forward, ...] = ()
    cluster: str = omit("")
    """The Cluster that it runs in."""


class ForwardStatus(Model):
    """What one forward does: the addresses it listens on, or what went wrong."""

    local_port: int = 0
    """The port of this machine."""
    container_port: int = 0
    """The container's port."""
    addresses: tuple[str, ...] = omit(())
    """The addresses of this machine that it listens on."""
    started_at: MicroTime | None = None
    """Since when it listens."""
    error: str = omit("")
    """Why it does not."""


class PortForwardStatus(Model):
    """What each forward does."""

    forward_statuses: tuple[ForwardStatus, ...] = omit(())


def _ports(body: Json) -> str:
    statuses = body.get("status", {}).get("forwardStatuses") or body.get("spec", {}).get("forwards") or ()
    return ",".join(f"{one.get('localPort', 0)}:{one.get('containerPort', 0)}" for one in statuses)


class PortForward(Object):
    """Ports of this machine that lead to a pod's."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "PortForward",
        "portforwards",
        short_names=("pf",),
        columns=(
            NAME,
            Column("POD", at("spec", "podName"), description="The pod"),
            Column("PORTS", _ports, description="Local port and container port"),
            AGE,
        ),
    )

    spec: PortForwardSpec
    status: PortForwardStatus = PortForwardStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.pod_name:
            yield Cause("spec.podName", "Required value: cannot be empty", "FieldValueRequired")
        if not self.spec.forwards:
            yield Cause("spec.forwards", "Required value: at least one is needed", "FieldValueRequired")
        seen: set[int] = set()
        for index, forward in enumerate(self.spec.forwards):
            yield from _forward_problems(forward, f"spec.forwards[{index}]", seen)


def _forward_problems(forward: Forward, path: str, seen: set[int]) -> Iterator[Cause]:
    local = forward.local_port
    if not 0 <= local <= LARGEST_PORT:
        yield Cause(f"{path}.localPort", f"Invalid value: {local}: must be between 0 and 65535, inclusive")
    if not 1 <= forward.container_port <= LARGEST_PORT:
        yield Cause(
            f"{path}.containerPort", f"Invalid value: {forward.container_port}: must be between 1 and 65535, inclusive"
        )
    if local and local in seen:
        yield Cause(f"{path}.localPort", f"Duplicate value: {local}", "FieldValueDuplicate")
    seen.add(local)
