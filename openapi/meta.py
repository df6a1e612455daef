"""The envelope every object wears: apiVersion, kind, metadata; and the types that dates, durations and lists have on the wire."""

from __future__ import annotations

import operator
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from upright.openapi.scheme import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause

Json = dict[str, Any]  # Any: a decoded JSON document, the one border where shapes are not known yet
"""A JSON object, decoded."""


def wire_name(name: str) -> str:
    """Return the camelCase of a field: ``k8s_grace_period`` is ``k8sGracePeriod`` (a digit starts no word)."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Model(BaseModel):
    """A part of an object: frozen, camelCase on the wire, unknown fields dropped (the registry reports them)."""

    model_config = ConfigDict(
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
    )

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return the model itself, which nobody changes: pydantic copies defaults wherever one is used."""
        del memo
        return self

    def to_wire(self) -> Json:
        """Return the JSON object: what is None or marked ``omit`` and empty is left out."""
        return self.model_dump(mode="json", exclude_none=True)


def omit(default: Any = None, **more: Any) -> Any:  # noqa: ANN401  reason: stands where a default of any type stands
    """Return a field that is left out of the JSON while it is empty (Go's ``omitempty``)."""
    return Field(default=default, exclude_if=operator.not_, **more)


_SECONDS_LENGTH, _MICROSECONDS_LENGTH = len("2026-11-23T06:00:00"), len("2026-11-23T06:00:00.000000")


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC to the second, as Kubernetes' Time."""
    return f"{_utc(moment).isoformat(timespec='seconds')[:_SECONDS_LENGTH]}Z"


def format_micro_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with six digits, as Kubernetes' MicroTime."""
    return f"{_utc(moment).isoformat(timespec='microseconds')[:_MICROSECONDS_LENGTH]}Z"


def parse_time(text: str) -> datetime:
    """Read RFC 3339; raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Time = Annotated[
    datetime,
    PlainSerializer(format_time, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
MicroTime = Annotated[
    datetime,
    PlainSerializer(format_micro_time, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

_GO_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_GO_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: object) -> object:
    """Read Go's duration text (``1h30m``, ``500ms``, ``0``) as a timedelta; what is not text passes through.

    Raises ValueError with what was expected.
    """
    if not isinstance(text, str):
        return text
    body = text.removeprefix("-").removeprefix("+")
    if body == "0":
        return timedelta()
    parts = _GO_DURATION.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        message = f'cannot read duration "{text}": want a number and a unit, such as "30s", "5m" or "1h30m"'
        raise ValueError(message)
    seconds = sum(float(number) * _GO_UNIT_SECONDS[unit] for number, unit in parts)
    return timedelta(seconds=-seconds if text.startswith("-") else seconds)


def format_duration(span: timedelta) -> str:
    """Return Go's text for a duration: ``30m0s``, ``1.5s``, ``0s``."""
    microseconds = span // timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if 0 < microseconds < 1_000_000:
        return f"{sign}{microseconds / 1000:g}ms" if microseconds >= 1000 else f"{sign}{microseconds}µs"
    whole, rest = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    second = f"{seconds}.{rest:06d}".rstrip("0") if rest else str(seconds)
    if hours:
        return f"{sign}{hours}h{minutes}m{second}s"
    return f"{sign}{minutes}m{second}s" if minutes else f"{sign}{second}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, when_used="json-unless-none"),
    WithJsonSchema({"type": "string"}),
]


class OwnerReference(Model):
    """Who an object belongs to: when the owner goes, the object goes."""

    api_version: str
    """Its apiVersion."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""
    uid: str
    """Its uid, which another object of that name would not have."""
    controller: bool | None = None
    """It is the one owner that manages the object."""
    block_owner_deletion: bool | None = None
    """A foreground deletion of the owner waits for this object."""


class ObjectMeta(Model):
    """Name, identity, versions, labels and owners of an object."""

    name: str = omit("")
    """Its name, of which its kind has one only."""
    generate_name: str = omit("")
    """What a name begins with that the server is to make."""
    namespace: str = omit("")
    """Its namespace; kinds of this group have none."""
    uid: str = omit("")
    """What tells it from any other object, also of that name."""
    resource_version: str = omit("")
    """Its version; a write that names an older one is refused."""
    generation: int = omit(0)
    """Counts changes of its spec."""
    creation_timestamp: Time | None = None
    """When it was made."""
    deletion_timestamp: Time | None = None
    """Since when it is being deleted."""
    deletion_grace_period_seconds: int | None = None
    """How long it may take to end."""
    labels: dict[str, str] = omit({})
    """Words to select it by."""
    annotations: dict[str, str] = omit({})
    """Further notes on it."""
    owner_references: tuple[OwnerReference, ...] = omit(())
    finalizers: tuple[str, ...] = omit(())
    """Who must let go before a deletion is complete."""
    managed_fields: tuple[Json, ...] = omit(())
    """Who set which field."""


class Object(Model):
    """An object of the API. A kind is a subclass with a ``definition``; usually it has ``spec`` and ``status``.

    Objects are frozen: change one with ``model_copy(update=…)``.
    """

    definition: ClassVar[Kind]
    # Whether problems() looks at what is replaced; where it does not, that is not read as a model.
    compares: ClassVar[bool] = False

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()

    @property
    def name(self) -> str:
        return self.metadata.name

    def problems(self, old: Object | None) -> Iterator[Cause]:
        """Yield what is wrong with this object beyond its fields' types; ``old`` is what it replaces, if anything (and the kind ``compares``)."""
        del old
        yield from ()

    def warnings(self) -> Iterator[str]:
        """Yield what the writer should know though the object is accepted, for Warning headers."""
        yield from ()

    def to_wire(self) -> Json:
        """Return the JSON object, with apiVersion and kind from the definition."""
        wire = super().to_wire()
        wire["apiVersion"] = self.definition.api_version
        wire["kind"] = self.definition.kind
        return wire
