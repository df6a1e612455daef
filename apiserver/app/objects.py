"""Serves the verbs on objects: get, list, create, update, patch, delete, deletecollection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from msgspec.structs import replace

from upright.apiserver.app.asked import delete_options, list_options, write_options
from upright.apiserver.app.bodies import PROTOBUF, media_type, read_object, read_optional, read_patch
from upright.apiserver.app.duplicates import duplicates
from upright.apiserver.app.exchange import JSON
from upright.apiserver.app.forms import OBJECT, Form, wanted
from upright.apiserver.app.rendering import include_object, many, one
from upright.apiserver.lifecycle import generated_name
from upright.apiserver.options import ListOptions, Patch, Target
from upright.openapi import causes
from upright.openapi.errors import BadRequest, MethodNotAllowed, invalid, named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from upright.apiserver.app.exchange import Exchange
    from upright.apiserver.app.places import Place
    from upright.apiserver.app.watches import Watches
    from upright.apiserver.options import Deleted, WriteOptions, Written
    from upright.apiserver.registry import Registry
    from upright.openapi.documents.tables import IncludeObject
    from upright.openapi.meta import Json

    Handler = Callable[[Exchange, Target], Awaitable[None]]

SESSIONS = "tilt.dev/sessions"
_WARNING = 299
_WARNINGS_AT_MOST = 50


class Objects:
    """The verbs over one registry; ``now`` is for the ages in tables."""

    def __init__(
        self, registry: Registry, watches: Watches, now: Callable[[], datetime], *, sessions_apart: bool = False
    ) -> None:
        self._registry = registry
        self._sessions_apart = sessions_apart
        self._watches = watches
        self._now = now
        self._of_one: dict[str, Handler] = {
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._update,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        self._of_many: dict[str, Handler] = {
            "GET": self._list,
            "HEAD": self._list,
            "POST": self._create,
            "DELETE": self._delete_many,
        }

    async def serve(self, exchange: Exchange, place: Place) -> None:
        """Answer a request for an object, its status, or a collection."""
        handler = (self._of_one if place.name else self._of_many).get(exchange.method)
        if handler is None:
            raise MethodNotAllowed(f"the method {exchange.method} is not allowed on {exchange.path[:200]}")
        where = target(place)
        if self._sessions_apart and where.kind.definition.resource == SESSIONS and not place.partition:
            await handler(exchange, replace(where, partition=where.name or None))
            return
        await handler(exchange, self._of_any_session(where) if _may_be_elsewhere(exchange, place) else where)

    def _of_any_session(self, where: Target) -> Target:
        """Return where the Session of this name is: with the server's own objects, or among its own."""
        if self._registry.store.get(where.address) is not None:
            return where
        wanted = ListOptions(field_selector=f"metadata.name={where.name}")
        found = self._registry.list(replace(where, name="", partition=None), wanted).items
        return replace(where, partition=found[0].address.partition) if len(found) == 1 else where

    async def _get(self, exchange: Exchange, where: Target) -> None:
        if exchange.scope.get("query_string") and exchange.flag("watch"):
            await self._watches.serve(exchange, where)
            return
        form, include = _asked(exchange)
        stored = self._registry.get(where)
        await exchange.answer(one(where.kind.definition, stored, form, include, self._now))

    async def _list(self, exchange: Exchange, where: Target) -> None:
        if exchange.scope.get("query_string") and exchange.flag("watch"):
            await self._watches.serve(exchange, where)
            return
        form, include = _asked(exchange)
        listing = self._registry.list(where, list_options(exchange))
        await exchange.answer(many(where.kind.definition, listing, form, include, self._now))

    async def _create(self, exchange: Exchange, where: Target) -> None:
        raw = await exchange.body()
        body = read_object(raw, exchange.header(b"content-type"))
        options = _validating(exchange, raw, body)
        if self._sessions_apart and where.kind.definition.resource == SESSIONS:
            where, body = _apart(where, body)
        written = await self._registry.create(where, body, options)
        await self._written(exchange, where, written, 201)

    async def _update(self, exchange: Exchange, where: Target) -> None:
        whole = not where.subresource
        raw = await exchange.body()
        body = read_object(raw, exchange.header(b"content-type"), whole=whole)
        written = await self._registry.update(where, body, _validating(exchange, raw, body))
        await self._written(exchange, where, written, 201 if written.created else 200)

    async def _patch(self, exchange: Exchange, where: Target) -> None:
        raw = await exchange.body()
        kind, body = read_patch(raw, exchange.header(b"content-type"))
        if kind == "apply" and not exchange.one("fieldManager"):
            wrong = [causes.required("fieldManager", "is required for apply patch")]
            raise invalid("meta.k8s.io", "PatchOptions", "", wrong)
        options = _validating(exchange, raw, body)
        if options.force and kind != "apply":
            wrong = [causes.forbidden("force", "may not be specified for non-apply patch")]
            raise invalid("meta.k8s.io", "PatchOptions", "", wrong)
        written = await self._registry.patch(where, Patch(kind, body), options)
        await self._written(exchange, where, written, 201 if written.created else 200)

    async def _delete(self, exchange: Exchange, where: Target) -> None:
        body = read_optional(await exchange.body(), exchange.header(b"content-type"))
        deleted = await self._registry.delete(where, delete_options(exchange, body))
        await exchange.answer(_farewell(where, deleted))

    async def _delete_many(self, exchange: Exchange, where: Target) -> None:
        body = read_optional(await exchange.body(), exchange.header(b"content-type"))
        asked = list_options(exchange)
        listing = await self._registry.delete_collection(where, asked, delete_options(exchange, body))
        await exchange.answer(many(where.kind.definition, listing, OBJECT, "None", self._now))

    async def _written(self, exchange: Exchange, where: Target, written: Written, status: int) -> None:
        form, include = _asked(exchange)
        body = one(where.kind.definition, written.stored, form, include, self._now)
        await exchange.answer(body, status, JSON, warning_headers(written.warnings))


def _validating(exchange: Exchange, raw: bytes, body: object) -> WriteOptions:
    """Return the options of a write, with what stood twice in its body."""
    options = write_options(exchange)
    if options.field_validation == "Ignore" or media_type(exchange.header(b"content-type")) == PROTOBUF:
        return options
    found = duplicates(raw, body)
    return replace(options, duplicates=found) if found else options


def _apart(where: Target, body: Json) -> tuple[Target, Json]:
    """Return where a new Session lives, and its body with the name that says so."""
    metadata = body.get("metadata")
    given = metadata if isinstance(metadata, dict) else {}
    name = str(given.get("name") or "")
    if not name and given.get("generateName"):
        name = generated_name(str(given["generateName"]))
    if where.partition is not None and where.partition != name:
        raise BadRequest(f'a Session lives under its own name: create "{name}" at /apis/tilt.dev/v1alpha1/sessions')
    return replace(where, partition=name), {**body, "metadata": {**given, "name": name}}


def _may_be_elsewhere(exchange: Exchange, place: Place) -> bool:
    """Say whether it is a Session that is read by its short path, which lists those of every partition."""
    reads = exchange.method in {"GET", "HEAD"} and not place.subresource
    return (
        reads
        and place.short
        and place.kind.definition.plural == "sessions"
        and bool(place.name)
        and not place.partition
    )


def target(place: Place) -> Target:
    """Return the registry's word for a place; the short path of the sessions lists those of every partition."""
    everybody = place.short and place.kind.definition.plural == "sessions" and not (place.name or place.partition)
    partition = None if everybody else place.partition
    return Target(place.kind, place.namespace, place.name, place.subresource, partition)


def warning_headers(warnings: tuple[str, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Return a Warning header for each text, quoted as RFC 7234 wants it."""
    return tuple((b"warning", _quoted(text)) for text in warnings[:_WARNINGS_AT_MOST])


def _quoted(text: str) -> bytes:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'{_WARNING} - "{escaped}"'.encode("latin-1", "replace")


def _asked(exchange: Exchange) -> tuple[Form, IncludeObject]:
    form = wanted(exchange.header(b"accept"))
    return form, include_object(exchange) if form.shape == "table" else "Metadata"


def _farewell(where: Target, deleted: Deleted) -> bytes:
    """Return the object while it waits for its end, a Status with its uid when it is gone."""
    if not deleted.gone:
        return deleted.stored.data
    about = where.kind.definition
    details = {**named(about.group, about.plural, where.name), "uid": deleted.stored.body["metadata"].get("uid", "")}
    return orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
