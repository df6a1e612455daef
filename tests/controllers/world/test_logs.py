from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from upright.client.log_folder import LogFolder, Selection, file_name
from upright.client.logs import LogLine
from upright.controllers.world.logs import Logs

if TYPE_CHECKING:
    from pathlib import Path

    from upright.controllers.world.log_follower import LogFollower

START = datetime(2026, 11, 23, 6, 4, 28, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def said(lines: list[LogLine]) -> list[str]:
    return [f"{line.span}: {line.text}" for line in lines]


async def rest(follower: LogFollower) -> list[str]:
    return [text async for batch in follower for text in said(batch)]


async def test_a_line_comes_back_as_it_was_written(tmp_path: Path) -> None:
    async with Logs(tmp_path / "logs", Clock()) as logs:
        fields = {"buildEvent": "init", "progressID": "a b"}
        logs.open("build:1", "web").write("Initial Build\n", fields=fields)
        assert list(logs.read(Selection())) == [LogLine(START, "web", "build:1", "INFO", "Initial Build", fields)]


async def test_a_message_of_several_lines_has_one_anchor(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        logs.open("cmd:x", "x").write("bad\r\n  worse\n\n", level="ERROR")
        got = [(line.text, line.level, line.anchor) for line in logs.read(Selection())]
    assert got == [("bad", "ERROR", True), ("  worse", "ERROR", False), ("", "ERROR", False)]


async def test_lines_of_all_spans_come_in_the_order_they_were_written(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        one, two = logs.open("one", "a"), logs.open("two", "b")
        for number in range(5):
            (two if number % 2 else one).write(f"{number}\n")
        assert said([*logs.read(Selection())]) == ["one: 0", "two: 1", "one: 2", "two: 3", "one: 4"]


async def test_lines_can_be_chosen(tmp_path: Path) -> None:
    clock = Clock()
    async with Logs(tmp_path, clock) as logs:
        for span, owner in (("cmd:a", "a"), ("build:1", "a"), ("cmd:b", "b"), ("", "")):
            logs.open(span, owner).write(f"early {span}\nsecond")
        clock.now += timedelta(seconds=5)
        logs.open("cmd:b", "b").write("late")
        assert said([*logs.read(Selection(resource="a", tail=1))]) == ["build:1: second"]
        assert len([*logs.read(Selection(resource="a"))]) == 4
        assert said([*logs.read(Selection(span="cmd:b", tail=2))]) == ["cmd:b: second", "cmd:b: late"]
        assert said([*logs.read(Selection(since=clock.now))]) == ["cmd:b: late"]
        assert said([*logs.read(Selection(resource=""))]) == [": early ", ": second"]
        assert logs.tail("cmd:b", 2) == ["second", "late"]
        assert logs.tail("none", 2) == []
        assert not [*logs.read(Selection(tail=0))]
        assert len([*logs.read(Selection(tail=100))]) == 9


async def test_the_tail_of_a_long_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upright.client.log_folder._CHUNK_BYTES", 100)
    async with Logs(tmp_path, Clock()) as logs:
        for number in range(50):
            logs.open("x", "x").write(f"{number:03} {'long' * (number % 40)}")
        for tail in (1, 2, 7, 49, 50, 51):
            texts = [line.text[:3] for line in logs.read(Selection(tail=tail))]
            assert texts == [f"{number:03}" for number in range(max(0, 50 - tail), 50)]


async def test_a_follower_gets_the_past_then_the_future_then_its_end(tmp_path: Path) -> None:
    got: list[str] = []
    async with Logs(tmp_path, Clock()) as logs, anyio.create_task_group() as group:
        logs.open("x", "x").write("one\ntwo")
        follower = logs.follow(Selection(resource="x", tail=1))

        async def follow() -> None:
            got.extend(await rest(follower))

        group.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        logs.open("y", "y").write("another's")
        logs.open("x", "x").write("three")
        logs.open("z", "x").write("four")
        logs.finish()
    assert got == ["x: two", "x: three", "z: four"]


async def test_lines_are_flushed_without_being_asked(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        logs.open("x", "x").write("before")
        follower = logs.subscribe()
        logs.open("x", "x").write("after")
        with anyio.fail_after(1):
            assert said(await anext(follower)) == ["x: after"]


async def test_a_slow_follower_holds_nobody_up_and_loses_nothing(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        follower = logs.subscribe()
        for number in range(5000):
            logs.open(f"span {number % 7}", "x").write(f"{number}")
            if number % 500 == 0:
                await anyio.lowlevel.checkpoint()
        logs.finish()
        assert [text.split(": ")[1] for text in await rest(follower)] == [str(number) for number in range(5000)]


async def test_a_follower_that_left_is_told_nothing(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        async with logs.subscribe() as follower:
            pass
        follower.close()
        logs.open("x", "x").write("unheard")
        logs.finish()
        assert not follower._grown


async def test_threads_may_write(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        follower = logs.subscribe()

        def speak(name: str) -> None:
            for number in range(200):
                logs.open(name, "x").write(f"{number}")

        threads = [threading.Thread(target=speak, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        with anyio.fail_after(5):
            assert await anext(follower)
        for thread in threads:
            thread.join()
        logs.flush()
        assert len([*logs.read(Selection(span="b"))]) == 200
        assert len([*logs.read(Selection())]) == 600


async def test_a_span_goes_on_after_a_restart_even_over_a_torn_line(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        logs.open("cmd:x", "x").write("whole")
    with (tmp_path / file_name("cmd:x")).open("ab") as file:
        file.write(b"2026-11-23T06:04:2")
    clock = Clock()
    clock.now += timedelta(seconds=5)
    async with Logs(tmp_path, clock) as logs:
        follower = logs.subscribe()
        logs.open("cmd:x", "x").write("again")
        logs.finish()
        assert await rest(follower) == ["cmd:x: again"]
    assert said([*LogFolder(tmp_path).read(Selection())]) == ["cmd:x: whole", "cmd:x: again"]
    assert [span.resource for span in LogFolder(tmp_path).spans()] == ["x"]


async def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock(), lambda text: text.replace("hunter2", "***")) as logs:
        logs.open("x", "x").write("it is hunter2")
    assert b"hunter2" not in (tmp_path / "x.log").read_bytes()


async def test_a_full_disk_is_told_once_and_nothing_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        (tmp_path / "x.log").symlink_to("/dev/full")
        for _ in range(3):
            logs.open("x", "x").write("lost")
            logs.flush()
        logs.open("y", "y").write("kept")
        logs.flush()
        assert said([*logs.read(Selection(span="y"))]) == ["y: kept"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("span", ["build:1", "a/b", "..", "é", "x" * 300, "pod:web:web-1/%"])
def test_every_span_has_a_file_name(span: str) -> None:
    name = file_name(span)
    assert "/" not in name
    assert len(name.encode()) < 255


async def test_an_empty_folder_has_no_lines(tmp_path: Path) -> None:
    assert not [*LogFolder(tmp_path / "none").read(Selection())]


async def test_ten_thousand_lines_cost_little(tmp_path: Path) -> None:
    async with Logs(tmp_path, Clock()) as logs:
        writers = [logs.open(f"cmd:{number}", f"r{number}") for number in range(100)]
        follower = logs.subscribe()
        before = time.process_time()
        for number in range(10_000):
            writers[number % 100].write("a line of about the usual length, with some text in it, as they come\n")
        logs.finish()
        count = len(await rest(follower))
        spent = time.process_time() - before
    assert count == 10_000
    assert spent < 1.0, f"{spent * 100:.0f} us a line"
