"""Which events of a cluster reach the log of a run: warnings, and how images are pulled; each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent

EARLIER = timedelta(seconds=30)
"""As long as an apply may take: what it sets off may happen before anybody looks."""

_PULLS = frozenset({"Pulling", "Pulled"})


class EventLines:
    """Remembers what was said."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str, str]] = set()

    def unsaid(
        self, before: Iterable[ObservedEvent], events: Iterable[ObservedEvent], since: datetime | None
    ) -> Iterator[tuple[str, bool]]:
        """Yield each line that is new, and whether it is a warning.

        ``before`` are events that were there already, ``since`` when the look at them began: those from long before are
        of another run.
        """
        known = {_same(event) for event in before}
        for event in events:
            if _is_told(event, since) and _same(event) not in known and _same(event) not in self._said:
                self._said.add(_same(event))
                yield _line(event), event.type != "Normal"


def _same(event: ObservedEvent) -> tuple[str, str, str]:
    return event.uid, event.reason, event.message


def _is_told(event: ObservedEvent, since: datetime | None) -> bool:
    if event.type == "Normal" and event.reason not in _PULLS:
        return False
    return since is None or event.time is None or event.time >= since - EARLIER


def _line(event: ObservedEvent) -> str:
    where = f"{event.namespace}/" if event.namespace not in {"", "default"} else ""
    return f"[event: {event.kind.lower()} {where}{event.name}] {event.message}"
