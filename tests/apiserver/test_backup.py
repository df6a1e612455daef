"""A backup of a running server's database is whole, of one moment, and holds nobody up."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from upright.apiserver import backup
from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json


def give(body: Json, _current: Stored | None) -> Json:
    return body


async def test_a_backup_made_while_others_write_is_a_whole_moment_of_the_past(tmp_path: Path) -> None:
    source, target = tmp_path / "state.db", tmp_path / "copy" / "monday.db"
    before = after = code = -1
    async with Store.open(str(source)) as store, anyio.create_task_group() as group:
        many = anyio.Event()

        async def write() -> None:
            for number in itertools.count():
                body = {"metadata": {}, "n": number, "pad": "x" * 4000}
                await store.write(Address("", "cmds", "", f"a{number % 50}"), partial(give, body))
                if number == 300:
                    many.set()

        group.start_soon(write)
        await many.wait()
        before = store.revision
        code = await anyio.to_thread.run_sync(backup.main, [str(target), f"--database={source}"])
        after = store.revision
        group.cancel_scope.cancel()
    assert code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["monday.db"]
    async with Store.open(str(target)) as store:
        assert before <= store.revision <= after
        with store.watch("cmds", since=0) as watch:
            assert [event.revision for event in await watch.take()][:256] == list(range(1, 257))


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["new.db", "--database=nothing.db"], 1, "there is no database at nothing.db"),
        (["old.db", "--database=state.db"], 1, "old.db is there already"),
        (["new.db", "--database=postgresql://db/upright"], 2, "pg_dump"),
    ],
)
async def test_what_cannot_be_backed_up_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.db").touch()
    async with Store.open("state.db") as store:
        await store.create(Address("", "cmds", "", "a"), {"metadata": {}})
        assert backup.main(arguments) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "new.db").exists()
