"""Reads objects that clients send as Kubernetes' protobuf: helm's releases, what ``kubectl create`` makes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from upright.openapi.meta import format_micro_time, format_time
from upright.openapi.protobuf.numbers import Field, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from upright.openapi.meta import Json

MAGIC = b"k8s\x00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_VARINT_AT_MOST_BYTES = 10
_BYTES_OF_FIXED = {_FIXED64: 8, _FIXED32: 4}

Value = int | bytes


class ProtobufError(ValueError):
    """The bytes are not protobuf, or of a kind or a field that is not known here."""


def read(raw: bytes) -> Json:
    """Return the object in Kubernetes' envelope as JSON. Raises ProtobufError."""
    if not raw.startswith(MAGIC):
        raise ProtobufError("it does not begin as Kubernetes' protobuf does")
    envelope = dict(_fields(raw[len(MAGIC) :]))
    about = dict(_fields(_bytes(envelope.get(1, b""))))
    api_version, kind = _text(about.get(1, b"")), _text(about.get(2, b""))
    if kind not in messages():
        raise ProtobufError(f"{kind or 'an object without a kind'} is not read as protobuf")
    return {"apiVersion": api_version, "kind": kind, **_message(kind, _bytes(envelope.get(2, b"")))}


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the numbers and values of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        value: Value
        if wire == _VARINT:
            value, at = _varint(data, at)
        elif wire == _LENGTH or wire in _BYTES_OF_FIXED:
            size, at = _varint(data, at) if wire == _LENGTH else (_BYTES_OF_FIXED[wire], at)
            value, at = data[at : at + size], at + size
            if at > len(data):
                raise ProtobufError("it ends in the middle of a field")
        else:
            raise ProtobufError(f"it has a field of the unknown wire type {wire}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + _VARINT_AT_MOST_BYTES]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return (value - (1 << 64) if value >> 63 else value), at + index + 1
    raise ProtobufError("it ends in the middle of a number")


def _message(name: str, data: bytes) -> Json:
    known = messages()[name]
    body: Json = {}
    for number, value in _fields(data):
        field = known.get(number)
        if field is None:
            raise ProtobufError(f"field {number} of {name} is not known here")
        if field.type == "-":
            continue
        if not field.name:
            body |= _message(field.type, _bytes(value))
        else:
            _put(body, field, value)
    return body


def _put(body: Json, field: Field, value: Value) -> None:
    """Add a value; Go writes zeros that JSON leaves out, and only a pointer's zero says something."""
    if field.type.startswith("{"):
        body.setdefault(field.name, {}).update([_entry(field.type, _bytes(value))])
        return
    read_value = _READERS.get(field.type)
    found = read_value(value) if read_value else _message(field.type, _bytes(value))
    if field.many:
        body.setdefault(field.name, []).append(found)
    elif found is not None and (field.pointer or read_value is None or field.type == "?" or found not in (0, "")):
        body[field.name] = found


def _entry(kind: str, data: bytes) -> tuple[str, Any]:  # Any: as the map's values are
    entry = dict(_fields(data))
    return _text(entry.get(1, b"")), _READERS[kind.strip("{}")](entry.get(2, b""))


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a number stands where a text or a message belongs")
    return value


def _int(value: Value) -> int:
    if not isinstance(value, int):
        raise ProtobufError("a text or a message stands where a number belongs")
    return value


def _text(value: Value) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a text is not UTF-8") from error


def _moment(value: Value) -> datetime | None:
    """Return a moment; an empty one is Go's zero, which JSON has as null."""
    parts = dict(_fields(_bytes(value)))
    if not parts:
        return None
    try:
        return _EPOCH + timedelta(seconds=_int(parts.get(1, 0)), microseconds=_int(parts.get(2, 0)) // 1000)
    except OverflowError as error:
        raise ProtobufError("a moment is beyond all calendars") from error


def _time(value: Value) -> str | None:
    moment = _moment(value)
    return format_time(moment) if moment else None


def _micro_time(value: Value) -> str | None:
    moment = _moment(value)
    return format_micro_time(moment) if moment else None


def _int_or_string(value: Value) -> int | str:
    parts = dict(_fields(_bytes(value)))
    return _text(parts.get(3, b"")) if parts.get(1, 0) else _int(parts.get(2, 0))


_READERS: dict[str, Callable[[Value], Any]] = {  # Any: any JSON value
    "": _text,
    "int": _int,
    "bool": lambda value: bool(_int(value)),
    "bytes": lambda value: base64.b64encode(_bytes(value)).decode(),
    "quantity": lambda value: _text(dict(_fields(_bytes(value))).get(1, b"0")),
    "Time": _time,
    "MicroTime": _micro_time,
    "IntOrString": _int_or_string,
    "?": lambda _: {},
}
