"""As much of the DNS' wire format as a cluster's name server needs: one question in, addresses out."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

A, ANY, IN = 1, 255, 1
NO_ERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE, _OPCODE, _AUTHORITATIVE, _RECURSION_WANTED, _RECURSION_HERE = 0x8000, 0x7800, 0x0400, 0x0100, 0x0080
_NAME_AT_QUESTION = b"\xc0\x0c"


class Malformed(Exception):
    """The datagram is no question that can be answered."""


class Question(Struct, frozen=True):
    """What is asked: the name in lower case without its last dot, the type; ``wire`` is the question as it came."""

    id: int
    flags: int
    name: str
    type: int
    wire: bytes


def read_question(message: bytes) -> Question:
    """Read a query with one question; raises Malformed."""
    try:
        ident, flags, questions, *_ = _HEADER.unpack_from(message)
        if flags & (_RESPONSE | _OPCODE) or questions != 1:
            raise Malformed("not a query with one question")
        labels: list[str] = []
        at = _HEADER.size
        while length := message[at]:
            if length > 63:
                raise Malformed("a question is not compressed")
            labels.append(message[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        kind, _ = struct.unpack_from("!HH", message, at + 1)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error
    return Question(ident, flags, ".".join(labels).lower(), kind, message[_HEADER.size : at + 5])


def answer(question: Question, addresses: Sequence[str], *, code: int = NO_ERROR, ttl_seconds: int = 1) -> bytes:
    """Return the answer; to a question for anything but addresses the answer is empty."""
    records = addresses if question.type in {A, ANY} else ()
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION_HERE | (question.flags & _RECURSION_WANTED) | code
    header = _HEADER.pack(question.id, flags, 1, len(records), 0, 0)
    body = b"".join(
        _NAME_AT_QUESTION + struct.pack("!HHIH", A, IN, ttl_seconds, 4) + IPv4Address(address).packed
        for address in records
    )
    return header + question.wire + body


def ask(ident: int, name: str) -> bytes:
    """Return a query for a name's addresses."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return _HEADER.pack(ident, _RECURSION_WANTED, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", A, IN)
