"""A page of a list: where it begins, where it ends, and the token that the next one continues from."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

import orjson

from upright.apiserver.options import Listing
from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from upright.apiserver.options import ListOptions
    from upright.apiserver.selection import Selection
    from upright.apiserver.storage.records import Stored

NEWEST = -1
"""The revision in a token that gives up the snapshot: go on from the same place in what is there now."""


class Token(NamedTuple):
    """Continue a list of ``revision`` after the object with this namespace and name."""

    revision: int
    namespace: str
    name: str

    def encode(self) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([*self])).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Token:
        """Read a token that a list gave. Raises BadRequest."""
        try:
            revision, namespace, name = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls(int(revision), str(namespace), str(name))
        except (ValueError, TypeError, binascii.Error) as error:
            raise BadRequest("continue key is not valid: use the one that the list returned") from error


def page(
    items: list[Stored], revision: int, selection: Selection, options: ListOptions, token: Token | None
) -> Listing:
    """Return the page of the (sorted) items that the options ask for."""
    if token:
        after = (token.namespace, token.name)
        items = items[bisect_right(items, after, key=lambda item: (item.address.namespace, item.address.name)) :]
    if not options.limit:
        return Listing(selection.of(items), revision)
    chosen: list[Stored] = []
    for at, item in enumerate(items):
        chosen += selection.of([item])
        if len(chosen) == options.limit and at + 1 < len(items):
            last = item.address
            remaining = None if selection.has_conditions else len(items) - at - 1
            return Listing(chosen, revision, Token(revision, last.namespace, last.name).encode(), remaining)
    return Listing(chosen, revision)
