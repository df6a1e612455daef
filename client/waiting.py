"""What a program waits for: what the command line's ``--for`` takes, or a predicate; and how far the object is."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

from upright.client.cli.awaited import awaited
from upright.client.cli.troubles import WrongUsage
from upright.client.resuming import Resuming
from upright.openapi.meta import Object

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.client.cli.awaited import Awaited
    from upright.client.transport import Request, Transport
    from upright.openapi.meta import Json

T = TypeVar("T", bound=Object)
FOREVER = inf


class Until(Generic[T]):
    """One thing to wait for, said as text (``condition=Ready``, ``delete``) or as a predicate of the object."""

    def __init__(self, kind: type[T], wanted: str | Callable[[T], object]) -> None:
        self._kind = kind
        self._wanted: Awaited | Callable[[T], object] = _read(wanted) if isinstance(wanted, str) else wanted
        self.last: Json | None = None

    def holds(self, body: Json | None) -> bool:
        """Say whether the object (None: there is none) is as wanted."""
        self.last = body
        if not callable(self._wanted):
            return self._wanted.holds(body)
        return body is not None and bool(self._wanted(self._kind.model_validate(body)))

    async def found(self, transport: Transport, request: Request) -> Json | None:
        """Return the object, for which the request lists, as soon as it is as wanted; None where it is to be gone."""
        while True:
            answer = await transport.call(request)
            body = next(iter(answer["items"]), None)
            if self.holds(body):
                return body
            since = str(answer["metadata"]["resourceVersion"])
            watched = request._replace(verb="watch", resource_version=since)
            async with Resuming(transport, watched, FOREVER) as events:
                async for event in events:
                    if event.type == "RELISTED":
                        break
                    body = None if event.type == "DELETED" else event.object
                    if self.holds(body):
                        return body

    def remark(self) -> str:
        """Return what was waited for, and how far the object is."""
        words = "what was asked" if callable(self._wanted) else self._wanted.words
        if self.last is None:
            return f"{words}: there is no such object"
        said = "" if callable(self._wanted) else self._wanted.as_it_is(self.last)
        return f"{words}: {said or 'it is ' + str(self.last.get('status') or {})[:500]}"


def _read(text: str) -> Awaited:
    try:
        return awaited(text)
    except WrongUsage as error:
        raise ValueError(str(error)) from error
