"""How much of the past is kept: by age, also while nobody writes; by number; by bytes; in small steps."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from upright.apiserver.storage.forgetting import Forgetting
from upright.apiserver.storage.records import Address, Compacted, Loaded, Retention
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json

ADDRESS = Address("", "cmds", "", "a")


def give(body: Json, _current: Stored | None) -> Json:
    return body


def test_what_is_older_than_the_age_is_forgotten_and_nothing_younger() -> None:
    forgetting = Forgetting(Retention(age=160.0), Loaded(0, 0), now=0.0)
    for second in range(1, 201):
        forgetting.note(float(second), second, 1)
    assert forgetting.target(159.0, 200, 0) <= 0
    assert 20 <= forgetting.target(200.0, 200, 0) <= 40


def test_by_bytes_the_oldest_goes_first_and_enough_of_it() -> None:
    forgetting = Forgetting(Retention(size=1600, step=10_000), Loaded(0, 0), now=0.0)
    for revision in range(1, 51):
        forgetting.note(0.0, revision, 100)
    assert 34 <= forgetting.target(0.0, 50, 0) <= 36


def test_a_step_is_small_and_the_next_goes_on_from_there() -> None:
    forgetting = Forgetting(Retention(events=10, step=7), Loaded(100, 0), now=0.0)
    assert [forgetting.target(0.0, 100, done) for done in (0, 7, 84, 90)] == [7, 14, 90, 90]


def test_a_past_that_was_loaded_counts_too() -> None:
    forgetting = Forgetting(Retention(size=1000, step=1000), Loaded(50, 0, past_bytes=5000), now=0.0)
    assert forgetting.target(0.0, 50, 0) == 50


async def test_old_age_is_forgotten_also_while_nobody_writes(database: str) -> None:
    async with Store.open(database, durable=False, retention=Retention(age=0.2)) as store:
        for number in range(5):
            await store.write(ADDRESS, partial(give, {"metadata": {}, "n": number}))
        with anyio.fail_after(20):
            while store.compacted < 5:
                await store._commits._idle.wait()
        with pytest.raises(Compacted):
            store.watch("cmds", since=4)


async def test_many_writes_of_one_object_do_not_make_the_file_grow(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    retention = Retention(size=400_000, step=100)
    async with Store.open(str(path), durable=False, retention=retention) as store:
        for number in range(1500):
            body = {"metadata": {}, "n": number, "pad": "x" * 4000}
            await store.write(ADDRESS, partial(give, body))
        while store._commits.busy:
            await anyio.lowlevel.checkpoint()
        assert store.compacted >= 1350
    with closing(sqlite3.connect(path)) as connection:
        (kept,) = connection.execute("SELECT sum(length(data)) FROM events").fetchone()
    assert kept <= 500_000
    assert path.stat().st_size <= 1_500_000
