"""port_forward(), and reading the forms in which forwards are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, integer, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.text import quote, to_repr
from upright.controllers.tiltfile.language.values import HostValue, List, Set, Value, type_name
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.port_forward import LARGEST_PORT, Forward

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class PortForwardValue(HostValue):
    """What port_forward() returns."""

    starlark_type = "port_forward"

    def __init__(self, forward: Forward) -> None:
        self.forward = forward

    def attributes(self) -> dict[str, Value]:
        one = self.forward
        return {
            "local_port": one.local_port,
            "container_port": one.container_port,
            "name": one.name,
            "link_path": one.path,
            "host": one.host,
        }

    def __str__(self) -> str:
        one = self.forward
        return f"port_forward(local_port={one.local_port}, container_port={one.container_port}, name={quote(one.name)})"


class ForwardArguments(Arguments):
    """port_forward(local_port, container_port=0, name="", link_path="", host="")."""

    local_port: int = required(integer)
    container_port: int = optional(integer, 0)
    name: str = optional(string, "")
    link_path: str = optional(string, "")
    host: str = optional(string, "")


def port_forward(_project: Project, given: ForwardArguments) -> PortForwardValue:
    """Return a forward for ``port_forwards=``."""
    for port in (given.local_port, given.container_port):
        _check_port(port)
    if given.host:
        _check_host(given.host)
    forward = Forward(
        local_port=given.local_port,
        container_port=given.container_port,
        name=given.name,
        path=given.link_path.removeprefix("/"),
        host=given.host,
    )
    return PortForwardValue(forward)


def _check_port(port: int) -> int:
    if not 0 <= port <= LARGEST_PORT:
        raise Failure(f"portForward port value {port} is not in the valid range [0-65535]")
    return port


def _check_host(host: str) -> None:
    numbers = host.split(".")
    is_address = len(numbers) == 4 and all(part.isdecimal() for part in numbers)
    if not _HOST.fullmatch(host) or (is_address and any(int(part) > 255 for part in numbers)):
        raise Failure(f"portForward host value {quote(host)} is not a valid hostname or IP address")


def forwards_unread(value: Value, _directory: str) -> Value:
    """Take a resource's forwards as they are: what is wrong with them is told with the resource's name."""
    return value


def port_forwards(value: Value) -> tuple[Forward, ...]:
    """Read a port, ``LOCAL:CONTAINER``, ``HOST:LOCAL:CONTAINER``, a port_forward(), or a sequence of these."""
    if value is None:
        return ()
    if isinstance(value, List | tuple | Set):
        return tuple(_forward(item, value) for item in value)
    if type(value) not in {int, str} and not isinstance(value, PortForwardValue):
        raise WrongValue(
            f"port_forwards must be an int, a port_forward, or a sequence of those; is a {type_name(value)}"
        )
    return (_forward(value, value),)


def _forward(item: Value, whole: Value) -> Forward:
    if isinstance(item, PortForwardValue):
        return item.forward
    if type(item) is int:
        return Forward(local_port=_check_port(item))
    if type(item) is not str:
        raise WrongValue(
            f"port_forwards arg {to_repr(whole)} includes element {to_repr(item)} which must be an int or a "
            f"port_forward; is a {type_name(item)}"
        )
    parts = item.split(":", 2)
    host = parts.pop(0) if len(parts) == 3 else ""
    if len(parts) == 2 and item.count(":") == 2:
        _check_host(host)
    ports = [_port(part) for part in parts]
    return Forward(local_port=ports[0], container_port=ports[1] if len(ports) > 1 else 0, host=host)


def _port(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > LARGEST_PORT:
        raise Failure(f"portForward port value {quote(text)} is not in the valid range [0-65535]")
    return int(text)


VALUES = {"port_forward": function("port_forward", ForwardArguments, port_forward)}
