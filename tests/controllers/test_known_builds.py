"""The same inputs are built once, also over runs; each image says why it was built."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.controllers.fake_engine import FakeEngine, engines
from tests.controllers.rooms import Room, now, room
from tests.controllers.test_docker_image import image, image_map
from tests.engines import IMAGE
from upright.controllers.build_reason import FIRST, GONE, UNCHANGED, why
from upright.controllers.delivery import Delivery
from upright.controllers.docker_image import DockerImageController
from upright.controllers.image_map import ImageMapController
from upright.controllers.known_builds import KnownBuilds, Wanted
from upright.controllers.world.build_inputs import Inputs
from upright.controllers.world.build_memory import KEPT, BuildMemory, Known
from upright.controllers.world.engine.ignores import Ignore
from upright.controllers.world.engine.protocol import BuildRequest
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.v1alpha1.docker_image import DockerImage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.engines import RunningEngine
    from upright.controllers.world.engine.protocol import RegistryAuth
    from upright.openapi.v1alpha1.docker_image import ImageStatus


async def nobody(_image: str) -> RegistryAuth | None:
    return None


@asynccontextmanager
async def run(folder: Path, name: str, engine: FakeEngine) -> AsyncGenerator[Room]:
    """Run as a session of its own, with the memory that all have."""
    given = engines(engine)
    known = KnownBuilds(BuildMemory(folder / "memory"), nobody)
    state = folder / name
    state.mkdir()
    async with LocalProcesses() as processes:
        delivery = Delivery(given, processes, dict)
        async with room(
            state,
            lambda logs: [DockerImageController(given, delivery, logs, now, known), ImageMapController()],
            given.run,
        ) as opened:
            yield opened


async def build(opened: Room, made: DockerImage) -> tuple[ImageStatus, list[str]]:
    await opened.put(image_map(made.name.partition(":")[2]))
    await opened.put(made)
    found = await opened.until(DockerImage, made.name, lambda one: one.status.completed)
    return found.status, opened.log(f"build:{made.name}")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "app").write_text("one")
    return folder


async def test_what_was_built_of_the_same_is_not_built_by_the_next_run(tmp_path: Path, context: Path) -> None:
    engine = FakeEngine()
    wanted = image(context=str(context), extra_tags=("shop:latest",))
    async with run(tmp_path, "first", engine) as opened:
        first, log = await build(opened, wanted)
        assert first.completed
        assert first.completed.reason == FIRST
        assert log[1] == f"     Why: {FIRST}"
    del engine.names["shop:latest"]
    async with run(tmp_path, "second", engine) as opened:
        second, log = await build(opened, wanted)
        assert (second.ref, len(engine.builds)) == (first.ref, 1), second.completed
        assert second.completed
        assert second.completed.reason == UNCHANGED
        assert log[1] == f"     Not built: {UNCHANGED}"
        assert log[2].startswith(f"     Found {first.ref} in ")
        assert "shop:latest" in engine.names


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dockerfile": "FROM scratch\nCMD x"}, "its Dockerfile changed"),
        ({"args": ("A=2",)}, "option build arg A changed"),
        ({"target": "x"}, FIRST),
        ({"platform": "linux/arm64"}, "option platform changed"),
        ({"pull": True}, "pull=True asks for the newest base images"),
        ({"dockerfile": "FROM scratch\nADD https://x.io/y /y"}, "its Dockerfile fetches from the network (ADD)"),
        ({"dockerfile": "FROM nginx"}, "its base image nginx may have moved in its registry"),
    ],
)
async def test_what_changed_is_built_and_says_what_it_was(
    tmp_path: Path, context: Path, change: dict[str, Any], reason: str
) -> None:
    engine = FakeEngine()
    async with run(tmp_path, "first", engine) as opened:
        await build(opened, image(context=str(context), args=("A=1",)))
    async with run(tmp_path, "second", engine) as opened:
        fields: dict[str, Any] = {"dockerfile": "FROM scratch", "args": ("A=1",), **change}
        status, _ = await build(opened, image(context=str(context), **fields))
        assert status.completed
        assert (status.completed.reason, len(engine.builds)) == (reason, 2)


async def test_files_that_changed_are_named(tmp_path: Path, context: Path) -> None:
    engine = FakeEngine()
    for number in range(5):
        (context / f"f{number}").write_text("")
    async with run(tmp_path, "first", engine) as opened:
        await build(opened, image(context=str(context)))
    for number in range(5):
        (context / f"f{number}").write_text("new")
    os.utime(context / "app", (1, 1))  # a checkout writes all files anew
    async with run(tmp_path, "second", engine) as opened:
        status, log = await build(opened, image(context=str(context)))
        assert status.completed
        assert status.completed.reason == "f0, f1, f2 and 2 more changed"
        assert log[1] == "     Why: f0, f1, f2 and 2 more changed"


async def test_an_image_that_is_gone_is_built_again(tmp_path: Path, context: Path) -> None:
    engine = FakeEngine()
    async with run(tmp_path, "first", engine) as opened:
        await build(opened, image(context=str(context)))
    async with run(tmp_path, "second", FakeEngine()) as opened:
        status, _ = await build(opened, image(context=str(context)))
        assert status.completed
        assert status.completed.reason == GONE


async def test_a_base_that_was_built_anew_is_a_reason(tmp_path: Path) -> None:
    engine, reasons = FakeEngine(), list[str]()
    for name, base in (("first", "FROM scratch"), ("second", "FROM scratch\nCMD x")):
        async with run(tmp_path, name, engine) as opened:
            await build(opened, image("web:base", base))
            status, _ = await build(opened, image("web:shop", "FROM base", image_maps=("base",)))
            reasons.append(status.completed.reason if status.completed else "")
    assert (reasons, len(engine.builds)) == ([FIRST, "base image base changed"], 4)


async def test_what_is_written_during_a_build_is_not_taken_for_what_was_built(tmp_path: Path, context: Path) -> None:
    known = KnownBuilds(BuildMemory(tmp_path / "memory"), nobody)
    wanted = Wanted("shop", "FROM scratch", BuildRequest(dockerfile="FROM scratch", context=context), {})
    engine = FakeEngine()
    look = await known.look(wanted, engine)  # type: ignore[arg-type]  # the part of an Engine that is used here
    (context / "app").write_text("two")
    await known.learn(wanted, look, "sha256:1", engine)  # type: ignore[arg-type]  # as above
    assert (await known.look(wanted, engine)).known is None  # type: ignore[arg-type]  # as above


async def test_what_is_ignored_and_when_files_were_written_does_not_count(tmp_path: Path, context: Path) -> None:
    known = KnownBuilds(BuildMemory(tmp_path / "memory"), nobody)
    request = BuildRequest(dockerfile="FROM scratch", context=context, ignores=(Ignore(context, ("log",)),))
    wanted = Wanted("shop", "FROM scratch", request, {})
    engine = FakeEngine()
    look = await known.look(wanted, engine)  # type: ignore[arg-type]  # the part of an Engine that is used here
    await known.learn(wanted, look, "sha256:1", engine)  # type: ignore[arg-type]  # as above
    (context / "log").write_text("x")
    os.utime(context / "app", (1, 1))
    assert (await known.look(wanted, engine)).known  # type: ignore[arg-type]  # as above
    (context / "app").chmod(0o755)
    assert (await known.look(wanted, engine)).why == "app changed"  # type: ignore[arg-type]  # as above


def test_memory_is_a_cache_that_may_be_lost_or_broken(tmp_path: Path) -> None:
    memory = BuildMemory(tmp_path / "memory")
    assert memory.recall("a") == ()
    for number in range(KEPT + 3):
        memory.keep("a", Known(f"k{number}", f"sha256:{number}", inputs=Inputs("", {}, {}, {})))
    found = memory.recall("a")
    assert [one.key for one in found] == [f"k{number}" for number in range(KEPT + 2, 2, -1)]
    assert [one.inputs is not None for one in found] == [True] + [False] * (KEPT - 1)
    (tmp_path / "memory/a.json").write_text("{")
    assert memory.recall("a") == ()
    BuildMemory(tmp_path / "memory/a.json/x").keep("b", found[0])


def test_a_reason_is_told_in_few_words() -> None:
    one = Inputs("d", {"target": "1"}, {"b": "1"}, {"x": "1"})
    assert why(one, None) == FIRST
    assert why(one, one) == GONE
    assert why(one, Inputs("d", {}, {"b": "1"}, {"x": "1"})) == "option target changed"
    assert why(one, Inputs("d", {"target": "1"}, {"b": "1"}, {"y": "1"})) == "x, y changed"


@pytest.mark.engine
async def test_a_real_engine_has_what_was_built_of_the_same(
    private_dockerd: RunningEngine, tmp_path: Path, context: Path
) -> None:
    known = KnownBuilds(BuildMemory(tmp_path / "memory"), nobody)
    dockerfile = f"FROM {IMAGE}\nCOPY app /app\n"
    request = BuildRequest(dockerfile=dockerfile, context=context)
    wanted = Wanted("shop", dockerfile, request, {})
    async with private_dockerd.connected() as engine:
        look = await known.look(wanted, engine)
        assert (look.known, look.why) == (None, FIRST)
        built = await engine.build(request, lambda _: None)
        await known.learn(wanted, look, built, engine)
        again = await known.look(wanted, engine)
        assert again.known
        assert again.known.image == built
        assert (await engine.image(again.known.image)).id == built
        await engine.tag(built, IMAGE)  # the base moved
        assert (await known.look(wanted, engine)).why == f"base image {IMAGE} changed"
