"""Controllers on the real registry in this process, over a store on a file: stop it and start another, and it is a restart."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.client.log_folder import Selection
from upright.controllers.runtime.manager import Manager
from upright.controllers.world.logs import Logs
from upright.openapi import v1alpha1
from upright.openapi.meta import Object, ObjectMeta
from upright.openapi.scheme import discover
from upright.openapi.v1alpha1.config_map import ConfigMap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from pathlib import Path

    from upright.controllers.runtime.controller import Controller
    from upright.openapi.meta import Model

K = TypeVar("K", bound=Object)
SCHEME = discover(v1alpha1)
PATIENCE_SECONDS = 20.0


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  reason: the outermost place, where the clock is handed in


@dataclass
class Room:
    """A server with some controllers."""

    client: Client
    logs: Logs
    manager: Manager

    async def until(self, kind: type[K], name: str, wanted: Callable[[K], object], since: str = "") -> K:
        """Return the object as soon as it is as wanted."""
        last: K | None = None
        with anyio.move_on_after(PATIENCE_SECONDS):
            async with self.client.watch(
                kind, resource_version=since, field_selector=f"metadata.name={name}"
            ) as changes:
                async for change in changes:
                    last = change.object or last
                    if change.object is not None and change.type != "DELETED" and wanted(change.object):
                        return change.object
        raise AssertionError(f"{kind.__name__} {name} did not come to that: {last}")

    async def until_gone(self, kind: type[Object], name: str) -> None:
        """Return as soon as the object is not there."""
        with anyio.fail_after(PATIENCE_SECONDS):
            async with self.client.watch(kind, field_selector=f"metadata.name={name}") as changes:
                if not (await self.client.list(kind, field_selector=f"metadata.name={name}")).items:
                    return
                async for change in changes:
                    if change.type == "DELETED":
                        return

    async def put(self, obj: K, status: Model | None = None) -> K:
        """Have the object, with this status, as if its controller had written it."""
        made = await self.client.create(obj)
        return await self.say(made, status) if status is not None else made

    async def say(self, obj: K, status: Model) -> K:
        """Write the object's status, as its controller would."""
        return await self.client.update_status(obj.model_copy(update={"status": status}))

    async def settled(self) -> None:
        """Wait until no controller has anything to do: what now is will stay, as long as nothing happens outside."""
        quiet = 0
        with anyio.fail_after(PATIENCE_SECONDS):
            while quiet < 3:
                mark = await self.client.create(ConfigMap(metadata=ObjectMeta(name="everything-before-is-written")))
                await self.client.delete(ConfigMap, mark.name)
                await anyio.wait_all_tasks_blocked()
                quiet = quiet + 1 if all(loop.queue.idle for loop in self.manager.loops) else 0

    def log(self, span: str) -> list[str]:
        return [line.text for line in self.logs.read(Selection(span=span))]


@asynccontextmanager
async def room(
    folder: Path, make: Callable[[Logs], Iterable[Controller[Any]]], *services: Callable[[], Any]
) -> AsyncGenerator[Room]:
    """Run these controllers over the state in the folder; ``services`` run beside them."""
    async with (
        Store.open(str(folder / "state.db"), durable=False) as store,
        Logs(folder / "logs", now) as logs,
        anyio.create_task_group() as group,
    ):
        client = Client(InProcess(Registry(SCHEME, store, now)))
        manager = Manager(client, now, make(logs))
        for service in services:
            group.start_soon(service)
        await group.start(manager.run)
        yield Room(client, logs, manager)
        group.cancel_scope.cancel()
