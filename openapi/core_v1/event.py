"""Event: what somebody saw happen to an object, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.core_v1.references import ObjectReference
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import MicroTime, Model, Time, omit
from upright.openapi.scheme import NAME, Column, Kind, at

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_OF = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


class EventSource(Model):
    """Who saw it, and on which node."""

    component: str = omit("")
    host: str = omit("")


class EventSeries(Model):
    """How often it was seen, and last when."""

    count: int = omit(0)
    last_observed_time: MicroTime | None = None


def _object(body: Json) -> str:
    about = body.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _source(body: Json) -> str:
    source = body.get("source") or {}
    return ", ".join(part for part in (source.get("component"), source.get("host")) if part)


class Event(EmbeddedObject):
    """What somebody saw happen to an object, and how often."""

    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Event",
        "events",
        short_names=("ev",),
        categories=(),
        namespaced=True,
        status=False,
        columns=(
            Column("LAST SEEN", at("lastTimestamp"), "date", "Time since it was last seen"),
            Column("TYPE", at("type"), description="Normal or Warning"),
            Column("REASON", at("reason"), description="What happened, in a word"),
            Column("OBJECT", _object, description="To what"),
            Column("SUBOBJECT", at("involvedObject", "fieldPath"), description="To which part of it", priority=1),
            Column("SOURCE", _source, description="Who saw it", priority=1),
            Column("MESSAGE", at("message"), description="What happened"),
            Column("FIRST SEEN", at("firstTimestamp"), "date", "Time since it was first seen", priority=1),
            Column("COUNT", at("count"), "integer", "How often it was seen", priority=1),
            Column(NAME.name, NAME.value, description="Name of the event", priority=1),
        ),
        selectable={
            **{f"involvedObject.{name}": at("involvedObject", name) for name in _OF},
            "reason": at("reason"),
            "type": at("type"),
            "reportingComponent": at("reportingComponent"),
            "source": at("source", "component"),
        },
        merge_keys={},
    )

    involved_object: ObjectReference = ObjectReference()
    reason: str = omit("")
    message: str = omit("")
    source: EventSource = EventSource()
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    count: int = omit(0)
    type: str = omit("")
    event_time: MicroTime | None = None
    series: EventSeries | None = None
    action: str = omit("")
    related: ObjectReference | None = None
    reporting_component: str = ""
    reporting_instance: str = ""
