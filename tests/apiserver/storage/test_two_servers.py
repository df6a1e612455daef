"""Two servers on one PostgreSQL database: each sees what the other writes, in one order, and none writes over the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.apiserver.storage.conftest import empty
from upright.apiserver.storage.records import Address, Compacted, KeyExists, Retention, WriteFailed
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from upright.apiserver.storage.records import Event, Stored
    from upright.apiserver.storage.watchers import Subscription
    from upright.openapi.meta import Json

RESOURCE = "tilt.dev/cmds"


def at(name: str) -> Address:
    return Address("", RESOURCE, "", name)


@pytest.fixture
async def two(postgresql: str) -> AsyncIterator[tuple[Store, Store]]:
    empty(postgresql)
    async with Store.open(postgresql) as one, Store.open(postgresql) as other:
        yield one, other


async def taken(watch: Subscription, count: int) -> list[Event]:
    events: list[Event] = []
    with anyio.fail_after(10):
        while len(events) < count:
            events += await watch.take()
    return events


def added(current: Stored | None) -> Json:
    return {"metadata": {}, "n": (current.body["n"] if current else 0) + 1}


async def test_a_watch_on_one_server_hears_of_a_write_on_the_other(two: tuple[Store, Store]) -> None:
    one, other = two
    with other.watch(RESOURCE) as watch:
        await one.create(at("a"), {"metadata": {}, "n": 1})
        await one.write(at("a"), added)
        await one.delete(at("a"))
        events = await taken(watch, 3)
    assert [(event.type, event.revision) for event in events] == [("ADDED", 1), ("MODIFIED", 2), ("DELETED", 3)]
    assert [event.before.revision if event.before else 0 for event in events] == [0, 1, 2]
    assert other.get(at("a")) is None
    assert other.revision == one.revision == 3


async def test_counting_on_both_at_once_loses_nothing(two: tuple[Store, Store]) -> None:
    with two[0].watch(RESOURCE) as first, two[1].watch(RESOURCE) as second:

        async def count(store: Store) -> None:
            for _ in range(50):
                await store.write(at("a"), added)

        async with anyio.create_task_group() as group:
            for store in two:
                group.start_soon(count, store)
                group.start_soon(count, store)
        seen = [await taken(watch, 200) for watch in (first, second)]
    for events in seen:
        assert [event.stored.body["n"] for event in events] == list(range(1, 201))
        assert [event.revision for event in events] == list(range(1, 201))


async def test_what_the_other_made_first_cannot_be_made_again(two: tuple[Store, Store]) -> None:
    made: list[int] = []

    async def create(store: Store, number: int) -> None:
        try:
            await store.create(at("only"), {"metadata": {}, "n": number})
        except KeyExists:
            return
        made.append(number)

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(create, two[number % 2], number)
    assert len(made) == 1
    stored = (await two[0].write(at("only"), lambda _: None), await two[1].write(at("only"), lambda _: None))
    assert [one.body["n"] for one in stored] == made * 2


async def test_what_one_has_forgotten_the_other_does_not_tell_either(postgresql: str) -> None:
    empty(postgresql)
    retention = Retention(events=5, step=100, window=2)
    async with Store.open(postgresql, retention=retention) as one, Store.open(postgresql) as other:
        other._window._retention = Retention(window=2)
        with other.watch(RESOURCE) as watch:
            for _ in range(40):
                await one.write(at("a"), added)
                await taken(watch, 1)
        with pytest.raises(Compacted), other.watch(RESOURCE, since=1) as late:
            await taken(late, 39)
        with other.watch(RESOURCE, since=37) as recent:
            assert [event.revision for event in await taken(recent, 3)] == [38, 39, 40]


class Deaf:
    """A database that tells its server nothing of what others write, until it is asked again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hear = store._commits.news
        setattr(store._commits, "news", lambda _revision: None)  # noqa: B010  reason: as if the network were cut
        listener = store._database._listener  # type: ignore[union-attr]  # reason: it is open
        assert listener is not None
        listener.close()

    def hear(self) -> None:
        self._hear(0)


async def test_a_server_that_lags_behind_what_another_forgot_begins_anew(postgresql: str) -> None:
    empty(postgresql)
    forgets = Retention(events=2, step=100)
    async with Store.open(postgresql, retention=forgets) as one, Store.open(postgresql) as other:
        with other.watch(RESOURCE) as watch:
            await one.create(at("gone"), {"metadata": {}, "n": 1})
            await one.create(at("stays"), {"metadata": {}, "n": 1})
            await taken(watch, 2)
            deaf = Deaf(other)
            await one.delete(at("gone"))
            for _ in range(20):
                await one.write(at("stays"), added)
            with anyio.fail_after(10):
                while one.compacted < 20:
                    await one.write(at("stays"), added)
            assert other.get(at("gone")) is not None
            deaf.hear()
            with pytest.raises(Compacted, match="list again"):
                await taken(watch, 1)
        assert other.get(at("gone")) is None
        assert other.revision == one.revision
        stays, there = one.get(at("stays")), other.get(at("stays"))
        assert stays
        assert there
        assert there.data == stays.data
        assert other.compacted >= 20
        with other.watch(RESOURCE) as watch:
            await other.write(at("stays"), added)
            assert (await taken(watch, 1))[0].before == there
        with pytest.raises(Compacted):
            other.watch(RESOURCE, since=5)


async def test_a_decision_made_on_what_was_forgotten_is_made_anew(postgresql: str) -> None:
    empty(postgresql)
    async with Store.open(postgresql, retention=Retention(events=2, step=100)) as one, Store.open(postgresql) as other:
        await one.create(at("a"), {"metadata": {}, "n": 0})
        Deaf(other)
        with anyio.fail_after(10):
            while one.compacted < 20:
                await one.write(at("a"), added)
        n = (await one.write(at("a"), added)).body["n"]
        assert (await other.write(at("a"), added)).body["n"] == n + 1


async def test_a_server_goes_on_when_its_connections_were_cut(two: tuple[Store, Store], postgresql: str) -> None:
    await two[0].write(at("a"), added)
    await anyio.to_thread.run_sync(partial(empty, postgresql, only_cut=True))
    for store in (*two, *two):
        try:
            await store.write(at("a"), added)
        except WriteFailed:
            continue
    for store in two:
        assert (await store.write(at(f"after-{id(store)}"), added)).body["n"] == 1
    assert (await two[0].write(at("a"), added)).body["n"] >= 4
    with anyio.fail_after(20), two[1].watch(RESOURCE) as watch:
        await two[0].write(at("last"), added)
        while "last" not in [event.address.name for event in await watch.take()]:
            pass
