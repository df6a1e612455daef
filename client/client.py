"""The typed verbs: get, list, watch, create, update, patch, delete; the class of a kind says what comes back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from upright.client.transport import PatchType, Propagation, Request, Transport, WatchEvent
from upright.openapi.meta import Object, ObjectMeta

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from upright.openapi.meta import Json

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A consistent snapshot: the objects, and the resourceVersion to watch from."""

    items: tuple[T, ...]
    resource_version: str


class Change(Generic[T]):
    """A watch event; ``object`` is made when it is first asked for, and None for a BOOKMARK."""

    __slots__ = ("_kind", "_object", "body", "type")

    def __init__(self, event: WatchEvent, kind: type[T]) -> None:
        self.type = event.type
        self.body = event.object
        self._kind = kind
        self._object: T | None = None

    @property
    def resource_version(self) -> str:
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def object(self) -> T | None:
        if self._object is None and self.type != "BOOKMARK":
            self._object = self._kind.model_validate(self.body)
        return self._object


class Client:
    """The verbs, typed by kind, over one Transport; ``partition`` is the Session whose objects are meant."""

    def __init__(self, transport: Transport, *, partition: str = "") -> None:
        self._transport = transport
        self._partition = partition

    async def get(self, kind: type[T], name: str, *, namespace: str = "") -> T:
        """Return the object; raises NotFound."""
        request = Request("get", kind, name, namespace, partition=self._partition)
        return kind.model_validate(await self._transport.call(request))

    async def list(
        self, kind: type[T], *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> Listing[T]:
        """Return all objects of the kind that the selectors match."""
        answer = await self._transport.call(
            Request(
                "list",
                kind,
                namespace=namespace,
                partition=self._partition,
                label_selector=label_selector,
                field_selector=field_selector,
            )
        )
        items = tuple(kind.model_validate(item) for item in answer["items"])
        return Listing(items, str(answer["metadata"]["resourceVersion"]))

    @asynccontextmanager
    async def watch(
        self, kind: type[T], *, resource_version: str = "", namespace: str = "", field_selector: str = ""
    ) -> AsyncGenerator[AsyncIterator[Change[T]]]:
        """Open a watch from a resourceVersion on; without one it begins with ADDED for what is there."""
        request = Request(
            "watch",
            kind,
            namespace=namespace,
            partition=self._partition,
            resource_version=resource_version,
            field_selector=field_selector,
        )
        async with self._transport.watch(request) as events:

            async def changes() -> AsyncIterator[Change[T]]:
                async for event in events:
                    yield Change(event, kind)

            yield changes()

    async def create(self, obj: T) -> T:
        """Create the object and return it as stored; raises AlreadyExists, Invalid."""
        return await self._write("create", obj)

    async def update(self, obj: T) -> T:
        """Replace the object (its status stays); raises Conflict if its resourceVersion is stale."""
        return await self._write("update", obj)

    async def update_status(self, obj: T) -> T:
        """Replace the object's status (all else stays); raises Conflict if its resourceVersion is stale."""
        return await self._write("update", obj, subresource="status")

    async def patch(
        self,
        obj: T,
        patch: Json | Sequence[Json],
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> T:
        """Patch the object that has this one's name and namespace."""
        kind = type(obj)
        answer = await self._transport.call(
            Request(
                "patch",
                kind,
                obj.metadata.name,
                obj.metadata.namespace,
                subresource,
                self._partition,
                body=patch if isinstance(patch, dict) else [*patch],
                patch_type=patch_type,
            )
        )
        return kind.model_validate(answer)

    async def delete(
        self,
        kind: type[Object],
        name: str,
        *,
        namespace: str = "",
        propagation: Propagation | None = None,
        uid: str = "",
        grace_seconds: int | None = None,
    ) -> None:
        """Ask for the object's end; it stays until its finalizers are gone, a Pod on a node for its grace too.

        Raises NotFound, Conflict (another uid).
        """
        await self._transport.call(
            Request(
                "delete",
                kind,
                name,
                namespace,
                partition=self._partition,
                propagation=propagation,
                uid=uid,
                grace_seconds=grace_seconds,
            )
        )

    async def _write(self, verb: Literal["create", "update"], obj: T, subresource: str = "") -> T:
        kind = type(obj)
        request = Request(
            verb,
            kind,
            obj.metadata.name,
            obj.metadata.namespace,
            subresource,
            self._partition,
            body=obj.to_wire(),
            model=obj,
        )
        answer = await self._transport.call(request)
        if verb == "update" and obj.metadata.resource_version and kind.definition.defaults is None:
            # what was sent is what is stored, for nobody else wrote in between: only the metadata is new
            return obj.model_copy(update={"metadata": ObjectMeta.model_validate(answer["metadata"])})
        return kind.model_validate(answer)
