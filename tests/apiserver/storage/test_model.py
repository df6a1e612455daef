"""The store and a dictionary are driven side by side, by Hypothesis: they must never differ, whatever the order.

On PostgreSQL two servers share the database, and each step is done by either.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.apiserver.storage.conftest import empty
from upright.apiserver.storage.records import Address, Compacted, KeyExists, KeyNotFound, Retention, Stored
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from anyio.from_thread import BlockingPortal

    from upright.apiserver.storage.records import Event
    from upright.openapi.meta import Json

RESOURCES = ("tilt.dev/cmds", "pods")
ADDRESSES = st.builds(
    Address, st.sampled_from(("", "s")), st.sampled_from(RESOURCES), st.sampled_from(("", "n")), st.sampled_from("abc")
)
VALUES = st.integers(0, 3)
RETENTION = Retention(events=8, step=3, window=4)


class Happened(NamedTuple):
    """What the dictionary remembers of a change; values are the bodies' ``n``."""

    type: str
    address: Address
    revision: int
    value: int
    before: int | None


def body(value: int) -> Json:
    return {"metadata": {}, "n": value}


def seen(event: Event) -> Happened:
    before = event.before.body["n"] if event.before else None
    return Happened(event.type, event.address, event.revision, event.stored.body["n"], before)


class StoreMachine(RuleBasedStateMachine):
    """The model: a dictionary of (value, revision), and the list of what happened."""

    servers = 1

    def __init__(self, database: str = "") -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = database or str(Path(self.folder.name) / "state.db")
        self.portal_context: AbstractContextManager[BlockingPortal] = start_blocking_portal()
        self.portal = self.portal_context.__enter__()
        self.model: dict[Address, tuple[int, int]] = {}
        self.history: list[Happened] = []
        self.turn = 0
        self._open()

    def _open(self) -> None:
        self.contexts: list[AbstractContextManager[Store]] = []
        self.stores: list[Store] = []
        for _ in range(self.servers):
            opening = Store.open(self.database, durable=False, retention=RETENTION)
            self.contexts.append(self.portal.wrap_async_context_manager(opening))
            self.stores.append(self.contexts[-1].__enter__())

    def _close(self) -> None:
        for context in self.contexts:
            context.__exit__(None, None, None)

    @property
    def store(self) -> Store:
        """The server whose turn it is."""
        self.turn += 1
        return self.stores[self.turn % self.servers]

    def teardown(self) -> None:
        self._close()
        self.portal_context.__exit__(None, None, None)
        self.folder.cleanup()

    @property
    def revision(self) -> int:
        return len(self.history)

    def _happens(self, kind: str, address: Address, value: int) -> None:
        before = self.model[address][0] if address in self.model else None
        self.history.append(Happened(kind, address, self.revision + 1, value, before))
        if kind == "DELETED":
            del self.model[address]
        else:
            self.model[address] = (value, self.revision)

    @rule(address=ADDRESSES, value=VALUES)
    def create(self, address: Address, value: int) -> None:
        if address in self.model:
            with pytest.raises(KeyExists):
                self.portal.call(self.store.create, address, body(value))
        else:
            stored = self.portal.call(self.store.create, address, body(value))
            self._happens("ADDED", address, value)
            assert stored.revision == self.revision

    @rule(address=ADDRESSES, value=VALUES)
    def update(self, address: Address, value: int) -> None:
        def change(_: Stored) -> Json:
            return body(value)

        if address not in self.model:
            with pytest.raises(KeyNotFound):
                self.portal.call(self.store.update, address, change)
            return
        stored = self.portal.call(self.store.update, address, change)
        if self.model[address][0] != value:
            self._happens("MODIFIED", address, value)
        assert stored.revision == self.model[address][1]

    @rule(address=ADDRESSES)
    def delete(self, address: Address) -> None:
        if address not in self.model:
            with pytest.raises(KeyNotFound):
                self.portal.call(self.store.delete, address)
            return
        stored = self.portal.call(self.store.delete, address)
        self._happens("DELETED", address, self.model[address][0])
        assert stored.revision == self.revision

    @rule(values=st.lists(VALUES, min_size=2, max_size=6), address=ADDRESSES)
    def change_together(self, values: list[int], address: Address) -> None:
        """Several writers at once, of one object: each sees what the one before it decided."""

        store = self.store

        async def put(value: int) -> None:
            await store.write(address, lambda _: body(value))

        async def all_at_once() -> None:
            async with anyio.create_task_group() as group:
                for value in values:
                    group.start_soon(put, value)

        self.portal.call(all_at_once)
        for value in values:
            if address not in self.model:
                self._happens("ADDED", address, value)
            elif self.model[address][0] != value:
                self._happens("MODIFIED", address, value)

    @rule()
    def reopen(self) -> None:
        self._close()
        self._open()

    @precondition(lambda self: self.revision > 0)
    @rule(data=st.data(), resource=st.sampled_from(RESOURCES), partition=st.sampled_from(("", "s", None)))
    def watch(self, data: st.DataObject, resource: str, partition: str | None) -> None:
        since = data.draw(st.integers(0, self.revision))
        wanted = [
            event
            for event in self.history[since:]
            if event.address.resource == resource and partition in {None, event.address.partition}
        ]
        store = self.store
        self.portal.call(self._caught_up, store)
        if since < store.compacted:
            with pytest.raises(Compacted):
                self.portal.call(self._watched, store, since, resource, partition, 0)
        else:
            assert self.portal.call(self._watched, store, since, resource, partition, len(wanted)) == wanted

    async def _caught_up(self, store: Store) -> None:
        """Wait until the server has heard of everything and has nothing more to do."""
        with anyio.fail_after(10):
            while store.revision < self.revision:
                with store.watch(RESOURCES[0], partition=None) as watch:
                    await watch.take(0.01)
            while store._commits.busy:
                await store._commits._idle.wait()

    async def _watched(
        self, store: Store, since: int, resource: str, partition: str | None, count: int
    ) -> list[Happened]:
        events: list[Event] = []
        with store.watch(resource, partition=partition, since=since) as watch, anyio.fail_after(5):
            while len(events) < count:
                events += await watch.take()
            events += await watch.take(0.0)
        return [seen(event) for event in events]

    @invariant()
    def what_is_there_is_the_same(self) -> None:
        for store in self.stores:
            found, revision = self.portal.call(self._everything, store)
            assert revision == self.revision
            assert {stored.address: (stored.body["n"], stored.revision) for stored in found} == self.model
            assert [stored.address for stored in found] == sorted(found_address for found_address in self.model)

    async def _everything(self, store: Store) -> tuple[list[Stored], int]:
        await self._caught_up(store)
        listed = [store.list(resource, partition=None)[0] for resource in RESOURCES]
        return sorted((one for some in listed for one in some), key=lambda one: one.address), store.revision


class TwoServersMachine(StoreMachine):
    """Two servers on one database, in turns."""

    servers = 2


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_on_a_file_the_store_does_what_a_dictionary_does() -> None:
    run_state_machine_as_test(StoreMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_on_postgresql_two_servers_together_do_what_a_dictionary_does(postgresql: str) -> None:
    def fresh() -> TwoServersMachine:
        empty(postgresql)
        return TwoServersMachine(postgresql)

    run_state_machine_as_test(
        cast("type[TwoServersMachine]", fresh),  # reason: it is only called
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None),
    )
