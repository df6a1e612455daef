"""What a server does about the database it finds: it migrates the old, sets the damaged aside, shares no file."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.storage import schema
from upright.apiserver.storage.records import Address, Damaged, StorageError
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from upright.apiserver.storage.connections import Connection

ADDRESS = Address("", "cmds", "", "a")


async def write_some(path: Path, count: int = 200) -> None:
    async with Store.open(str(path)) as store:
        for number in range(count):
            await store.create(ADDRESS._replace(name=f"a{number}"), {"metadata": {}, "pad": "x" * 2000})


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


async def test_a_damaged_database_is_set_aside_and_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await write_some(path)
    shutil.copy(path, tmp_path / "good.db")
    overwrite(path, 8192, b"\xff" * 30_000)
    for _ in range(2):
        with pytest.raises(Damaged, match=r"set aside as .*state.db.damaged-1"):
            async with Store.open(str(path)):
                pass
    assert not path.exists()
    assert (tmp_path / "state.db.damaged-1").read_bytes()[8192:9000] == b"\xff" * 808
    (tmp_path / "good.db").rename(path)
    async with Store.open(str(path)) as store:
        assert store.revision == 200


async def test_an_empty_database_is_begun_when_the_damaged_one_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database, and was one once" * 1000)
    with pytest.raises(Damaged, match="not a database"):
        async with Store.open(str(path)):
            pass
    (tmp_path / "state.db.damaged-1").rename(tmp_path / "old")
    async with Store.open(str(path)) as store:
        assert store.revision == 0


async def test_an_object_without_its_body_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await write_some(path, 3)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM events WHERE revision = 2")
    with pytest.raises(Damaged, match="1 objects have no body"):
        async with Store.open(str(path)):
            pass


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(StorageError, match=r"another program \(songs"):
        async with Store.open(str(path)):
            pass
    assert path.exists()


async def test_two_servers_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await write_some(path, 1)
    async with Store.open(str(path)):
        with pytest.raises(StorageError, match="in use by another server"):
            async with Store.open(str(path)):
                pass
    async with Store.open(str(path)) as store:
        assert store.revision == 1


async def test_an_older_database_is_migrated_step_by_step_and_keeps_its_objects(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store.open(database) as store:
        await store.create(ADDRESS, {"metadata": {}, "n": 1})
    done: list[int] = []

    def step(number: int, connection: Connection) -> None:
        connection.execute(f"CREATE INDEX step_{number} ON events (resource)")
        done.append(number)

    monkeypatch.setattr(schema, "MIGRATIONS", {2: lambda c: step(2, c), 3: lambda c: step(3, c)})
    for _ in range(2):
        async with Store.open(database) as store:
            assert store.get(ADDRESS)
    assert done == [2, 3]


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store.open(database) as store:
        await store.create(ADDRESS, {"metadata": {}, "n": 1})

    def breaks(connection: Connection) -> None:
        connection.execute("DELETE FROM objects")
        raise StorageError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", {2: breaks})
        with pytest.raises(StorageError, match="no room"):
            async with Store.open(database):
                pass
    async with Store.open(database) as store:
        assert store.get(ADDRESS)


async def test_a_newer_database_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", {2: lambda _: None})
        async with Store.open(database) as store:
            await store.create(ADDRESS, {"metadata": {}})
    with pytest.raises(StorageError, match=r"newer version \(schema 2\); this one knows 1"):
        async with Store.open(database):
            pass
