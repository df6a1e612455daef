"""What stands below an object and is not part of it: log, exec, attach, portforward, scale, eviction.

The server speaks HTTP and WebSocket; whoever runs the thing registers a handler here and sees neither. Raise an
APIError before the first byte, and the client gets it as a Status.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from anyio.abc import ByteStream

    from upright.openapi.meta import Json, Object

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
"""The channels of exec and attach, as Kubernetes numbers them."""


class Ask(Struct, frozen=True):
    """What is asked of an object's subresource; a query parameter may stand several times (``command``)."""

    kind: type[Object]
    name: str
    subresource: str
    namespace: str = ""
    partition: str = ""
    method: str = "GET"
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    body: Json | None = None

    def one(self, parameter: str, default: str = "") -> str:
        """Return the parameter's first value."""
        return (self.query.get(parameter) or (default,))[0]

    def flag(self, parameter: str) -> bool:
        """Return whether the parameter is switched on, in any of the ways clients write that."""
        return parameter in self.query and self.one(parameter).lower() in {"", "1", "true", "yes"}


class Sink(Protocol):
    """Takes the bytes of an answer; waits while the reader is slow, and is cancelled when the reader has gone."""

    async def write(self, data: bytes) -> None: ...


class Channels(Protocol):
    """A conversation in numbered channels.

    Iterating gives (channel, data) from the client; empty data means that the client has closed that channel (its end of
    stdin). When the client hangs up, the handler is cancelled.
    """

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]: ...

    async def send(self, channel: int, data: bytes) -> None: ...

    async def end(self, status: Json) -> None:
        """Say how it ended, on the error channel; see ``exit_status``."""
        ...


Answers = Callable[[Ask], Awaitable["Json"]]
Writes = Callable[[Ask, Sink], Awaitable[None]]
Talks = Callable[[Ask, Channels], Awaitable[None]]
Connects = Callable[[Ask, int], Awaitable["ByteStream"]]


class Subresources:
    """The handlers, by resource (``pods``, ``tilt.dev/resources``) and subresource."""

    def __init__(self) -> None:
        self.answering: dict[tuple[str, str], Answers] = {}
        self.writing: dict[tuple[str, str], Writes] = {}
        self.talking: dict[tuple[str, str], Talks] = {}
        self.connecting: dict[tuple[str, str], Connects] = {}

    def answers(self, resource: str, subresource: str, handler: Answers) -> None:
        """Register what takes an object and returns one: scale, eviction."""
        self.answering[resource, subresource] = handler

    def writes(self, resource: str, subresource: str, handler: Writes) -> None:
        """Register what writes text for as long as it likes: log."""
        self.writing[resource, subresource] = handler

    def talks(self, resource: str, subresource: str, handler: Talks) -> None:
        """Register what talks both ways: exec, attach, portforward."""
        self.talking[resource, subresource] = handler

    def connects(self, resource: str, subresource: str, handler: Connects) -> None:
        """Register what connects to a port, as often as it is asked for: portforward of kubectl."""
        self.connecting[resource, subresource] = handler


def exit_status(code: int) -> Json:
    """Return the Status by which exec tells a command's exit code."""
    if code == 0:
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
