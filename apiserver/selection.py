"""Which objects a list or a watch shows, and how a view shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from msgspec import Struct

from upright.apiserver.storage.records import Event, Stored
from upright.openapi.selectors import FieldSelector, LabelSelector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.openapi.meta import Json, Object


class Selection(Struct, frozen=True, dict=True):
    """What the selectors let through, as the kind shows it. Called with an event, it returns what a watcher sees of it.

    Two selections of the same words are equal, so that storage asks one of them for all their watchers.
    """

    kind: type[Object]
    labels: LabelSelector
    fields: FieldSelector

    @classmethod
    def parse(cls, kind: type[Object], label_selector: str, field_selector: str) -> Selection:
        """Read both selectors. Raises BadRequest."""
        labels = LabelSelector.parse(label_selector)
        return cls(kind, labels, FieldSelector.parse(field_selector, kind.definition))

    @property
    def name(self) -> str:
        return self.fields.exactly("metadata.name")

    @property
    def is_all(self) -> bool:
        """Say whether nothing is left out beyond other names and namespaces, and nothing shown otherwise."""
        return not self.labels and not self._asks_more and self.kind.definition.project is None

    @property
    def has_conditions(self) -> bool:
        return bool(self.labels) or bool(self.fields)

    @property
    def _asks_more(self) -> bool:
        return self.fields.beyond("metadata.name", "metadata.namespace")

    def matches(self, body: Json) -> bool:
        labels = body["metadata"].get("labels") or {}
        return self.labels.matches(labels) and self.fields.matches(body)

    def shown(self, stored: Stored) -> Stored:
        """Return the object as the kind shows it."""
        project = self.kind.definition.project
        return _remade(stored, project(stored.body), stored.revision) if project else stored

    def of(self, items: Iterable[Stored]) -> list[Stored]:
        """Return those that match, as the kind shows them."""
        if self.is_all and not self.fields:
            return list(items)
        shown = map(self.shown, items)
        return [stored for stored in shown if self.matches(stored.body)] if self.has_conditions else list(shown)

    def __call__(self, event: Event) -> Event | None:
        now = self.shown(event.stored)
        before = self.shown(event.before) if event.before else None
        was = before is not None and self.matches(before.body)
        if event.type == "DELETED":
            return self._told(event, now, before) if was else None
        if self.matches(now.body):
            if event.type == ("MODIFIED" if was else "ADDED"):
                return self._told(event, now, before)
            return Event("MODIFIED" if was else "ADDED", event.address, event.revision, now, before)
        if was and before:
            last = {**before.body, "metadata": {**before.body["metadata"], "resourceVersion": str(event.revision)}}
            return Event("DELETED", event.address, event.revision, _remade(before, last, event.revision), before)
        return None

    @staticmethod
    def _told(event: Event, now: Stored, before: Stored | None) -> Event:
        if now is event.stored:
            return event
        return Event(event.type, event.address, event.revision, now, before)


def _remade(stored: Stored, body: Json, revision: int) -> Stored:
    return stored.remade(revision, body, orjson.dumps(body))
