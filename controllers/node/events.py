"""Events: what a controller did or saw, told to whoever reads ``kubectl describe``; the same again is counted."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Literal

from upright.openapi.core_v1.event import Event, EventSource
from upright.openapi.core_v1.references import ObjectReference
from upright.openapi.errors import AlreadyExists, APIError, Conflict, NotFound
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from upright.client.client import Client
    from upright.openapi.meta import Object

ATTEMPTS = 5
MESSAGE_CHARACTERS = 1024

_log = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]


class Recorder:
    """Records events as one component. An event that cannot be recorded is dropped: nothing may depend on it."""

    def __init__(self, client: Client, component: str, clock: Callable[[], datetime], host: str = "") -> None:
        self._client = client
        self._source = EventSource(component=component, host=host)
        self._clock = clock

    async def record(self, about: Object, kind: EventType, reason: str, message: str, *, field_path: str = "") -> None:
        """Say that this happened to the object, now; the same as before raises the count."""
        event = first_event(
            about, (kind, reason, message[:MESSAGE_CHARACTERS]), self._source, self._clock(), field_path
        )
        for _ in range(ATTEMPTS):
            try:
                await self._write(event)
            except (Conflict, AlreadyExists):
                continue
            except APIError as error:
                _log.debug("event %s of %s is lost: %s", reason, about.name, error)
            return

    async def _write(self, event: Event) -> None:
        meta = event.metadata
        try:
            known = await self._client.get(Event, meta.name, namespace=meta.namespace)
        except NotFound:
            await self._client.create(event)
        else:
            again = {"count": known.count + 1, "last_timestamp": event.last_timestamp}
            await self._client.update(known.model_copy(update=again))


def first_event(
    about: Object, said: tuple[EventType, str, str], source: EventSource, now: datetime, field_path: str = ""
) -> Event:
    """Return the event seen for the first time; ``said`` is type, reason and message.

    Its name is made of all that must be the same for it to be the same event again.
    """
    kind, reason, message = said
    meta = about.metadata
    definition = about.definition
    same = f"{meta.uid}\n{kind}\n{reason}\n{source.component}\n{field_path}\n{message}"
    digest = hashlib.sha256(same.encode()).hexdigest()[:16]
    return Event(
        metadata=ObjectMeta(name=f"{meta.name}.{digest}", namespace=meta.namespace or "default"),
        involved_object=ObjectReference(
            api_version=definition.api_version,
            kind=definition.kind,
            namespace=meta.namespace,
            name=meta.name,
            uid=meta.uid,
            resource_version=meta.resource_version,
            field_path=field_path,
        ),
        type=kind,
        reason=reason,
        message=message,
        source=source,
        first_timestamp=now,
        last_timestamp=now,
        count=1,
        reporting_component=source.component,
        reporting_instance=source.host,
    )
