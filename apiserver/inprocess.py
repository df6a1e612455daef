"""The client's road to a registry in the same process: no sockets, no JSON text, and no second validation."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from upright.apiserver.options import DeleteOptions, ListOptions, Patch, Target, WatchOptions, WriteOptions
from upright.client.heard_warnings import hear
from upright.client.transport import WatchEvent
from upright.openapi.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from upright.apiserver.options import Listing, Written
    from upright.apiserver.registry import Registry
    from upright.apiserver.streams import Stream
    from upright.client.transport import Request
    from upright.openapi.meta import Json


class InProcess:
    """A Transport over a registry. What it returns is shared with the store: read it, do not change it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def call(self, request: Request) -> Json:
        where = _target(request)
        match request.verb:
            case "get":
                return self._registry.get(where).body
            case "list":
                return _list(request, self._registry.list(where, _which(request)))
            case "delete":
                return (await self._registry.delete(where, _ending(request))).stored.body
            case "deletecollection":
                return _list(request, await self._registry.delete_collection(where, _which(request), _ending(request)))
            case _:
                written = await self._write(where, request)
                hear(written.warnings)
                return written.stored.body

    async def _write(self, where: Target, request: Request) -> Written:
        options = WriteOptions(
            dry_run=request.dry_run,
            field_validation="Warn"
            if request.model is None
            else "Ignore",  # what is typed has no field that nobody knows
            field_manager=request.field_manager,
            force=request.force,
            model=request.model,
        )
        if request.body is None:
            raise BadRequest(f"{request.verb} needs a body")
        if request.verb == "patch":
            return await self._registry.patch(where, Patch(request.patch_type, request.body), options)
        if isinstance(request.body, list):
            raise BadRequest("only a JSON patch is a list")
        if request.verb == "create":
            return await self._registry.create(where, request.body, options)
        if request.verb == "update":
            return await self._registry.update(where, request.body, options)
        raise BadRequest(f"{request.verb} is no call")

    @asynccontextmanager
    async def watch(self, request: Request) -> AsyncGenerator[AsyncIterator[WatchEvent]]:
        """Open a watch; the iterator ends when the server stops."""
        options = WatchOptions(
            label_selector=request.label_selector,
            field_selector=request.field_selector,
            resource_version=request.resource_version,
            timeout=request.timeout_seconds,
        )
        with self._registry.watch(_target(request), options) as stream:
            async with aclosing(_told(stream)) as events:
                yield events


async def _told(stream: Stream) -> AsyncGenerator[WatchEvent]:
    while events := await stream.take():
        for event in events:
            yield WatchEvent(event.type, event.stored.body)


def _target(request: Request) -> Target:
    return Target(request.kind, request.namespace, request.name, request.subresource, request.partition)


def _which(request: Request) -> ListOptions:
    return ListOptions(
        label_selector=request.label_selector,
        field_selector=request.field_selector,
        limit=request.limit,
        continue_=request.continue_,
        resource_version=request.resource_version,
    )


def _ending(request: Request) -> DeleteOptions:
    return DeleteOptions(
        uid=request.uid,
        resource_version=request.resource_version,
        propagation=request.propagation or "",
        grace_period_seconds=request.grace_seconds,
        dry_run=request.dry_run,
    )


def _list(request: Request, listing: Listing) -> Json:
    about = request.kind.definition
    metadata: Json = {"resourceVersion": str(listing.revision)}
    if listing.continue_:
        metadata["continue"] = listing.continue_
    if listing.remaining is not None:
        metadata["remainingItemCount"] = listing.remaining
    items = [stored.body for stored in listing.items]
    return {"apiVersion": about.api_version, "kind": f"{about.kind}List", "metadata": metadata, "items": items}
