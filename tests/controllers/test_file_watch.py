"""Changes of files are seen, told together, left out where they are ignored, and kept over a restart."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.controllers.rooms import Room, now, room
from upright.controllers.file_watch import KEPT_EVENTS, FileWatchController
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.docker_image import IgnoreDef
from upright.openapi.v1alpha1.file_watch import FileWatch, FileWatchSpec
from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@asynccontextmanager
async def watching(tmp_path: Path) -> AsyncGenerator[Room]:
    (tmp_path / "src").mkdir(exist_ok=True)
    state = tmp_path / "state"
    state.mkdir(exist_ok=True)
    async with room(state, lambda _logs: [FileWatchController(now)]) as made:
        yield made


async def begin(made: Room, *paths: Path, ignores: tuple[IgnoreDef, ...] = ()) -> None:
    spec = FileWatchSpec(watched_paths=tuple(map(str, paths)), ignores=ignores)
    await made.client.create(FileWatch(metadata=ObjectMeta(name="w"), spec=spec))
    await made.until(FileWatch, "w", lambda watch: watch.status.monitor_start_time)


async def seen(made: Room, path: Path) -> FileWatch:
    """Return the watch as soon as it has seen the file."""
    return await made.until(
        FileWatch, "w", lambda watch: any(str(path) in event.seen_files for event in watch.status.file_events)
    )


def files(watch: FileWatch) -> set[str]:
    return {path for event in watch.status.file_events for path in event.seen_files}


async def test_files_that_change_come_and_go_are_seen(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        kept, gone = tmp_path / "src/kept", tmp_path / "src/gone"
        gone.write_text("")
        await begin(made, tmp_path / "src")
        kept.write_text("new")
        found = await seen(made, kept)
        assert found.status.last_event_time == found.status.file_events[-1].time
        kept.rename(tmp_path / "src/moved")
        await seen(made, tmp_path / "src/moved")
        gone.unlink()
        await seen(made, gone)


async def test_folders_that_come_later_are_watched_with_what_is_in_them(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        await begin(made, tmp_path / "src")
        deep = tmp_path / "src/a/b"
        deep.mkdir(parents=True)
        (deep / "one").write_text("")
        await seen(made, deep / "one")
        (deep / "two").write_text("")
        await seen(made, deep / "two")


async def test_a_file_that_is_not_there_yet_is_seen_when_it_comes_and_when_it_is_replaced(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        wanted = tmp_path / "src/later/config"
        await begin(made, wanted)
        (tmp_path / "src/other").write_text("")
        wanted.parent.mkdir()
        wanted.write_text("1")
        await seen(made, wanted)
        before = (await made.client.get(FileWatch, "w")).status.last_event_time
        (wanted.parent / "new").write_text("2")
        (wanted.parent / "new").rename(wanted)
        found = await made.until(FileWatch, "w", lambda watch: watch.status.last_event_time != before)
        assert files(found) == {str(wanted)}


async def test_what_is_ignored_is_not_seen(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        source = tmp_path / "src"
        for folder in (".git", "out", "keep"):
            (source / folder).mkdir()
        ignores = (
            IgnoreDef(base_path=str(source / ".git")),
            IgnoreDef(base_path=str(source / "Tiltfile")),
            IgnoreDef(base_path=str(source), patterns=("out", "**/*.log", "!**/kept.log")),
        )
        await begin(made, source, ignores=ignores)
        for name in (".git/index", "out/a", "keep/b.log", "Tiltfile", "keep/kept.log"):
            (source / name).write_text("")
        (source / "keep/last").write_text("")
        assert files(await seen(made, source / "keep/last")) == {
            str(source / "keep/kept.log"),
            str(source / "keep/last"),
        }


async def test_what_was_seen_stays_over_a_restart_and_no_more_than_the_newest_of_it(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        await begin(made, tmp_path / "src")
        (tmp_path / "src/one").write_text("")
        before = await seen(made, tmp_path / "src/one")
    async with watching(tmp_path) as made:
        again = await made.until(
            FileWatch, "w", lambda watch: watch.status.monitor_start_time != before.status.monitor_start_time
        )
        assert again.status.file_events == before.status.file_events
        (tmp_path / "src/two").write_text("")
        found = await seen(made, tmp_path / "src/two")
        assert found.status.file_events[:-1] == before.status.file_events[1 - KEPT_EVENTS :]


async def test_a_watch_that_is_switched_off_sees_nothing_and_begins_anew(tmp_path: Path) -> None:
    async with watching(tmp_path) as made:
        source = DisableSource(config_map=ConfigMapDisableSource(name="switch", key="isDisabled"))
        switch = await made.client.create(ConfigMap(metadata=ObjectMeta(name="switch"), data={"isDisabled": "true"}))
        spec = FileWatchSpec(watched_paths=(str(tmp_path / "src"),), disable_source=source)
        await made.client.create(FileWatch(metadata=ObjectMeta(name="w"), spec=spec))
        off = await made.until(FileWatch, "w", lambda watch: watch.status.disable_status)
        assert off.status.monitor_start_time is None
        await made.client.update(switch.model_copy(update={"data": {"isDisabled": "false"}}))
        await made.until(FileWatch, "w", lambda watch: watch.status.monitor_start_time)
        (tmp_path / "src/one").write_text("")
        await seen(made, tmp_path / "src/one")
