"""The contract of storage: what any database must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import orjson
import pytest

from upright.apiserver.storage.records import (
    Address,
    Closed,
    Compacted,
    Event,
    KeyExists,
    KeyNotFound,
    Remove,
    Retention,
    Stored,
    TooSlow,
    WriteFailed,
)
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from upright.apiserver.storage.watchers import Subscription
    from upright.openapi.meta import Json


def at(name: str, namespace: str = "", resource: str = "tilt.dev/cmds", partition: str = "") -> Address:
    return Address(partition, resource, namespace, name)


def body(name: str, **more: object) -> Json:
    return {"metadata": {"name": name}, **more}


async def put(store: Store, name: str, n: int) -> None:
    await store.update(at(name), lambda _: body(name, n=n))


async def taken(watch: Subscription, count: int) -> list[Event]:
    events: list[Event] = []
    with anyio.fail_after(5):
        while len(events) < count:
            events += await watch.take()
    return events


def told(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.type, event.address.name, event.revision) for event in events]


async def test_what_is_created_can_be_read_with_its_revision(store: Store) -> None:
    stored = await store.create(at("a"), body("a", spec={"x": 1}))
    assert stored.revision == store.revision == 1
    assert store.get(at("a")) is stored
    assert stored.body == {"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {"x": 1}}
    assert orjson.loads(stored.data) == stored.body


async def test_create_over_what_is_there_is_refused(store: Store) -> None:
    await store.create(at("a"), body("a"))
    with pytest.raises(KeyExists):
        await store.create(at("a"), body("a"))
    assert store.revision == 1


async def test_update_and_delete_of_what_is_not_there_are_refused(store: Store) -> None:
    with pytest.raises(KeyNotFound):
        await store.update(at("a"), lambda old: old.body)
    with pytest.raises(KeyNotFound):
        await store.delete(at("a"))


async def test_an_update_sees_the_newest_version_even_before_it_is_committed(store: Store) -> None:
    await store.create(at("a"), body("a", n=0))

    async def add_one() -> None:
        await store.update(at("a"), lambda old: {**old.body, "n": old.body["n"] + 1})

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(add_one)
    stored = store.get(at("a"))
    assert stored
    assert stored.body["n"] == 50
    assert stored.revision == 51


async def test_equal_content_makes_no_new_revision(store: Store) -> None:
    first = await store.create(at("a"), body("a", b=1, c=2))
    second = await store.update(at("a"), lambda _: {"c": 2, "b": 1, "metadata": {"name": "a"}})
    third = await store.update(at("a"), lambda _: None)
    assert second is third is first
    assert store.revision == 1


async def test_one_and_true_are_not_equal_content(store: Store) -> None:
    await store.create(at("a"), body("a", b=1))
    assert (await store.update(at("a"), lambda _: body("a", b=True))).revision == 2


async def test_no_change_to_an_uncommitted_version_waits_for_its_commit(store: Store) -> None:
    revisions: list[int] = []

    async def change(n: int) -> None:
        await store.update(at("a"), lambda old: {**old.body, "n": n})
        revisions.append(store.revision)

    await store.create(at("a"), body("a"))
    async with anyio.create_task_group() as group:
        group.start_soon(change, 1)
        group.start_soon(change, 1)
    assert revisions == [2, 2]


async def test_what_a_decision_raises_is_raised_and_nothing_is_written(store: Store) -> None:
    await store.create(at("a"), body("a"))

    def refuse(_: Stored) -> Json:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.update(at("a"), refuse)
    assert store.revision == 1


async def test_delete_returns_the_last_body_under_its_own_revision(store: Store) -> None:
    await store.create(at("a"), body("a", x=1))
    gone = await store.delete(at("a"))
    assert gone.revision == store.revision == 2
    assert gone.body == {"metadata": {"name": "a", "resourceVersion": "2"}, "x": 1}
    assert store.get(at("a")) is None
    assert store.list("tilt.dev/cmds") == ([], 2)


async def test_a_check_can_refuse_a_delete(store: Store) -> None:
    await store.create(at("a"), body("a"))

    def refuse(_: Stored) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.delete(at("a"), refuse)
    assert store.get(at("a"))


async def test_an_update_can_remove_in_the_same_step(store: Store) -> None:
    await store.create(at("a"), body("a", x=1))
    with store.watch("tilt.dev/cmds") as watch:
        await store.update(at("a"), lambda old: Remove({**old.body, "x": 2}))
        (event,) = await taken(watch, 1)
    assert (event.type, event.stored.body["x"], event.before and event.before.body["x"]) == ("DELETED", 2, 1)


async def test_a_list_is_sorted_and_keeps_resources_partitions_and_namespaces_apart(store: Store) -> None:
    for address in (at("b", "n"), at("a", "n"), at("c", "m"), at("x", resource="pods"), at("p", partition="other")):
        await store.create(address, body(address.name))
    found, revision = store.list("tilt.dev/cmds")
    assert [s.address.name for s in found] == ["c", "a", "b"]
    assert revision == 5
    assert [s.address.name for s in store.list("tilt.dev/cmds", namespace="n")[0]] == ["a", "b"]
    assert [s.address.name for s in store.list("tilt.dev/cmds", partition="other")[0]] == ["p"]
    assert [s.address.name for s in store.list("tilt.dev/cmds", partition=None)[0]] == ["c", "a", "b", "p"]
    assert store.list("nothing") == ([], 5)


async def test_a_list_can_be_had_as_it_was(store: Store) -> None:
    await store.create(at("a"), body("a", n=1))
    await store.create(at("b"), body("b"))
    then = store.revision
    await store.update(at("a"), lambda _: body("a", n=2))
    await store.delete(at("b"))
    await store.create(at("c"), body("c"))
    found = store.list_at(then, "tilt.dev/cmds")
    assert [(s.address.name, s.body.get("n")) for s in found] == [("a", 1), ("b", None)]


async def test_a_watch_tells_every_later_change_once_and_in_order(store: Store) -> None:
    await store.create(at("early"), body("early"))
    with store.watch("tilt.dev/cmds") as watch:
        await store.create(at("a"), body("a"))
        await store.create(at("other", resource="pods"), body("other"))
        await store.update(at("a"), lambda old: {**old.body, "n": 2})
        await store.delete(at("a"))
        events = await taken(watch, 3)
        assert told(events) == [("ADDED", "a", 2), ("MODIFIED", "a", 4), ("DELETED", "a", 5)]
        assert watch.revision == 5
    assert events[1].before is events[0].stored
    assert orjson.loads(events[2].line) == {"type": "DELETED", "object": events[2].stored.body}


async def test_a_watch_from_the_past_is_told_the_past_first(store: Store) -> None:
    for name in "abc":
        await store.create(at(name), body(name))
    with store.watch("tilt.dev/cmds", since=1) as watch:
        await store.create(at("d"), body("d"))
        assert told(await taken(watch, 3)) == [("ADDED", "b", 2), ("ADDED", "c", 3), ("ADDED", "d", 4)]


async def test_a_watch_can_be_of_a_namespace_or_a_name(store: Store) -> None:
    with (
        store.watch("tilt.dev/cmds", namespace="n") as within,
        store.watch("tilt.dev/cmds", namespace="n", name="b") as one,
        store.watch("tilt.dev/cmds", partition=None) as everywhere,
    ):
        for address in (at("a", "n"), at("b", "n"), at("b", "m"), at("b", "m", partition="other")):
            await store.create(address, body(address.name))
        assert [e.revision for e in await taken(within, 2)] == [1, 2]
        assert [e.revision for e in await taken(one, 1)] == [2]
        assert [e.revision for e in await taken(everywhere, 4)] == [1, 2, 3, 4]


async def test_a_filter_may_drop_events_or_replace_them(store: Store) -> None:
    def accept(event: Event) -> Event | None:
        if event.stored.body["n"] < 2:
            return None
        return Event("ADDED", event.address, event.revision, event.stored, None)

    await store.create(at("a"), body("a", n=0))
    with (
        store.watch("tilt.dev/cmds", accept=accept) as watch,
        store.watch("tilt.dev/cmds", accept=accept, since=0) as since,
    ):
        for n in (1, 2):
            await put(store, "a", n)
        assert told(await taken(watch, 1)) == told(await taken(since, 1)) == [("ADDED", "a", 3)]


async def test_waiting_for_events_has_a_limit(store: Store) -> None:
    with store.watch("tilt.dev/cmds") as watch:
        assert await watch.take(0.001) == []


async def test_a_reader_that_falls_behind_is_cut_off_and_nobody_waits_for_it(store: Store) -> None:
    store._hub.backlog = 10
    with store.watch("tilt.dev/cmds") as slow, store.watch("tilt.dev/cmds") as quick:
        for n in range(11):
            await store.create(at(f"a{n}"), body(f"a{n}"))
            await taken(quick, 1)
        with pytest.raises(TooSlow):
            await slow.take()
        await store.create(at("more"), body("more"))
        assert told(await taken(quick, 1)) == [("ADDED", "more", 12)]


async def test_what_is_forgotten_cannot_be_watched(database: str) -> None:
    async with Store.open(database, durable=False, retention=Retention(events=5, step=2)) as store:
        for n in range(20):
            await store.create(at(f"a{n}"), body(f"a{n}"))
        await settled(store, 15)
        with pytest.raises(Compacted):
            store.watch("tilt.dev/cmds", since=14)
        with store.watch("tilt.dev/cmds", since=15) as watch:
            assert [e.revision for e in await taken(watch, 5)] == [16, 17, 18, 19, 20]
        assert len(store.list("tilt.dev/cmds")[0]) == 20


async def settled(store: Store, compacted: int) -> None:
    with anyio.fail_after(5):
        while store.compacted < compacted or store._commits.busy:
            await anyio.lowlevel.checkpoint()


async def test_compaction_keeps_what_is_and_what_was_before_the_events_that_stay(database: str) -> None:
    retention = Retention(events=3, step=100)
    async with Store.open(database, durable=False, retention=retention) as store:
        await store.create(at("kept"), body("kept"))
        await store.create(at("gone"), body("gone"))
        await store.delete(at("gone"))
        await store.create(at("busy"), body("busy", n=0))
        for n in range(1, 7):
            await put(store, "busy", n)
        await settled(store, 7)
    async with Store.open(database, durable=False, retention=retention) as store:
        assert (store.revision, store.compacted) == (10, 7)
        assert [s.address.name for s in store.list("tilt.dev/cmds")[0]] == ["busy", "kept"]
        rows = store._database.replay(store.watch("tilt.dev/cmds").scope, 0, 10).past
        assert [row.revision for row in rows] == [1, 7, 8, 9, 10]
        with store.watch("tilt.dev/cmds", since=7) as watch:
            events = await taken(watch, 3)
        assert [(e.before.body["n"] if e.before else None, e.stored.body["n"]) for e in events] == [
            (3, 4),
            (4, 5),
            (5, 6),
        ]


async def test_revisions_go_on_when_everything_was_deleted_and_forgotten(database: str) -> None:
    retention = Retention(events=0, step=100)
    async with Store.open(database, durable=False, retention=retention) as store:
        await store.create(at("a"), body("a"))
        await store.delete(at("a"))
        await settled(store, 2)
    async with Store.open(database, durable=False, retention=retention) as store:
        assert (await store.create(at("a"), body("a"))).revision == 3


async def test_old_age_is_forgotten_too(database: str) -> None:
    async with Store.open(database, durable=False, retention=Retention(age=0.0)) as store:
        await store.create(at("a"), body("a"))
        await store.create(at("b"), body("b"))
        await settled(store, 2)


async def test_opened_again_the_state_and_the_revision_are_the_same(database: str) -> None:
    async with Store.open(database) as store:
        for n in range(10):
            await store.create(at(f"a{n}", "n"), body(f"a{n}", n=n))
        await store.delete(at("a3", "n"))
        await store.update(at("a4", "n"), lambda old: {**old.body, "n": 44})
        before = [(s.address, s.revision, s.data) for s in store.list("tilt.dev/cmds")[0]]
    async with Store.open(database) as store:
        assert store.revision == 12
        assert [(s.address, s.revision, s.data) for s in store.list("tilt.dev/cmds")[0]] == before
        with store.watch("tilt.dev/cmds", since=9) as watch:
            await store.create(at("z", "n"), body("z"))
            events = await taken(watch, 4)
    assert told(events) == [("ADDED", "a9", 10), ("DELETED", "a3", 11), ("MODIFIED", "a4", 12), ("ADDED", "z", 13)]
    assert [e.before.revision if e.before else 0 for e in events] == [0, 4, 5, 0]


async def test_a_long_past_is_replayed_in_pieces_and_joined_to_the_present(database: str) -> None:
    async with Store.open(database, durable=False) as store:
        await many(store, 700)
    async with Store.open(database, durable=False) as store:
        with store.watch("tilt.dev/cmds", since=0) as watch:
            await many(store, 3, prefix="b")
            assert [e.revision for e in await taken(watch, 703)] == list(range(1, 704))


async def many(store: Store, count: int, prefix: str = "a") -> None:
    async def create(name: str) -> None:
        await store.create(at(name), body(name))

    async with anyio.create_task_group() as group:
        for n in range(count):
            group.start_soon(create, f"{prefix}{n}")


async def test_a_failed_commit_fails_its_writers_and_leaves_what_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.create(at("a"), body("a"))
    failed: list[str] = []

    async def create(name: str) -> None:
        with pytest.raises(WriteFailed, match="disk full"):
            await store.create(at(name), body(name))
        failed.append(name)

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("upright.apiserver.storage.tables.commit", refuse)
        async with anyio.create_task_group() as group:
            for name in "xyz":
                group.start_soon(create, name)
        with anyio.fail_after(5):
            assert await store.refusing(0.01) == "disk full"
    assert failed == ["x", "y", "z"]
    assert store.newest(at("x")) is None
    assert (await store.create(at("x"), body("x"))).revision == 2
    with anyio.move_on_after(0.05) as nothing_refused:
        await store.refusing(0.0)
    assert nothing_refused.cancelled_caught


async def test_closing_commits_what_was_accepted_and_tells_the_streams(database: str) -> None:
    async with anyio.create_task_group() as group:
        async with Store.open(database) as store:
            watch = store.watch("tilt.dev/cmds")
            for n in range(5):
                group.start_soon(store.create, at(f"a{n}"), body(f"a{n}"))
            await anyio.lowlevel.checkpoint()
        assert [event.revision async for event in watch] == [1, 2, 3, 4, 5]
        with pytest.raises(Closed):
            await store.create(at("late"), body("late"))
    async with Store.open(database) as store:
        assert len(store.list("tilt.dev/cmds")[0]) == 5


async def test_a_writer_that_goes_away_harms_nobody(store: Store) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(store.create, at("a"), body("a"))
        group.start_soon(store.create, at("b"), body("b"))
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    await store.create(at("c"), body("c"))
    assert len(store.list("tilt.dev/cmds")[0]) == 3
