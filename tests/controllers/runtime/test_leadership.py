"""Of several candidates one works; the next begins when it ends, vanishes, or is overtaken."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.runtime.leadership import NAMESPACE, Leadership, Pace
from upright.openapi import coordination_v1
from upright.openapi.coordination_v1.lease import Lease
from upright.openapi.errors import ServiceUnavailable
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from upright.client.transport import Request
    from upright.openapi.meta import Json

PACE = Pace(duration=1.0, give_up=0.6, renew=0.1, look=0.05)


class Cuttable(InProcess):
    """A road to the server that can be cut."""

    cut = False

    async def call(self, request: Request) -> Json:
        if self.cut:
            raise ServiceUnavailable("cut")
        return await super().call(request)


class Candidate:
    def __init__(self, registry: Registry, name: str) -> None:
        self.road = Cuttable(registry)
        self.began, self.ended = anyio.Event(), anyio.Event()
        clock = partial(datetime, 2026, 1, 1, tzinfo=UTC)
        self.leadership = Leadership(Client(self.road), "work", name, clock, PACE)

    async def work(self) -> None:
        self.began.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()

    async def run(self) -> None:
        await self.leadership.lead(self.work)


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with Store.open(str(tmp_path / "state.db"), durable=False) as store:
        yield Registry(discover(coordination_v1), store, partial(datetime, 2026, 1, 1, tzinfo=UTC))


async def test_one_works_and_the_other_begins_when_it_ends(registry: Registry) -> None:
    one, other = Candidate(registry, "one"), Candidate(registry, "other")
    async with anyio.create_task_group() as group:
        async with anyio.create_task_group() as first:
            first.start_soon(one.run)
            await one.began.wait()
            group.start_soon(other.run)
            await anyio.sleep(0.2)  # several looks of the other's
            assert not other.began.is_set()
            first.cancel_scope.cancel()
        with anyio.fail_after(PACE.duration):
            await other.began.wait()
        lease = await Client(InProcess(registry)).get(Lease, "work", namespace=NAMESPACE)
        assert (lease.spec.holder_identity, lease.spec.lease_transitions) == ("other", 1)
        group.cancel_scope.cancel()


@pytest.mark.slow
async def test_one_that_cannot_renew_stops_before_another_begins(registry: Registry) -> None:
    one, other = Candidate(registry, "one"), Candidate(registry, "other")
    async with anyio.create_task_group() as group:
        group.start_soon(one.run)
        await one.began.wait()
        group.start_soon(other.run)
        await anyio.sleep(0.3)  # it renews, and nobody takes that from it
        assert not other.began.is_set()
        one.road.cut = True
        with anyio.fail_after(10):
            await other.began.wait()
        assert one.ended.is_set()
        group.cancel_scope.cancel()


async def test_one_that_is_overtaken_stops(registry: Registry) -> None:
    one = Candidate(registry, "one")
    client = Client(InProcess(registry))
    async with anyio.create_task_group() as group:
        group.start_soon(one.run)
        await one.began.wait()
        lease = await client.get(Lease, "work", namespace=NAMESPACE)
        await client.patch(lease, {"spec": {"holderIdentity": "somebody"}})
        with anyio.fail_after(5):
            await one.ended.wait()
        group.cancel_scope.cancel()
