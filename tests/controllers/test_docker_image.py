"""An image is built once for each wish, on the bases that were built for it, and its ImageMap names the newest."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.controllers.fake_engine import FakeEngine, engines
from tests.controllers.rooms import Room, now, room
from upright.controllers.build_reason import FIRST as FIRST_BUILD
from upright.controllers.delivery import Delivery
from upright.controllers.docker_image import BUILT_LABELS, DockerImageController
from upright.controllers.fingerprint import AHEAD, CAUSE, LOCALS, RESOURCE
from upright.controllers.image_map import ImageMapController
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.docker_image import DockerImage, DockerImageSpec
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.openapi.v1alpha1.docker_image import ImageStatus


@dataclass
class World:
    room: Room
    engine: FakeEngine

    async def ended(self, name: str = "web:shop", since: str = "") -> ImageStatus:
        return (await self.room.until(DockerImage, name, lambda one: one.status.completed, since)).status

    async def again(self, name: str, cause: str) -> ImageStatus:
        """Ask for the image to be built again, and wait for it."""
        known = await self.room.client.get(DockerImage, name)
        meta = known.metadata.model_copy(update={"annotations": {**known.metadata.annotations, CAUSE: cause}})
        asked = await self.room.client.update(known.model_copy(update={"metadata": meta}))
        found = await self.room.until(
            DockerImage,
            name,
            lambda one: one.status.completed and one.status.built != known.status.built,
            asked.metadata.resource_version,
        )
        return found.status


@asynccontextmanager
async def world(folder: Path, engine: FakeEngine | None = None) -> AsyncGenerator[World]:
    fake = engine or FakeEngine()
    given = engines(fake)
    async with LocalProcesses() as processes:
        delivery = Delivery(given, processes, dict)
        async with room(
            folder,
            lambda logs: [DockerImageController(given, delivery, logs, now), ImageMapController()],
            given.run,
        ) as opened:
            yield World(opened, fake)


def image(name: str = "web:shop", dockerfile: str = "FROM scratch", **spec: object) -> DockerImage:
    ref = name.partition(":")[2]
    fields: dict[str, object] = {"ref": ref, "dockerfile_contents": dockerfile, "context": "-"}
    return DockerImage(
        metadata=ObjectMeta(name=name, annotations={RESOURCE: "web", CAUSE: "c1"}),
        spec=DockerImageSpec.model_validate(fields | spec),
    )


def image_map(name: str = "shop") -> ImageMap:
    return ImageMap(metadata=ObjectMeta(name=name), spec=ImageMapSpec(selector=name))


FIRST = "shop:tilt-0000000000000000"


async def test_an_image_is_built_and_named_by_what_is_in_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image(args=("A=1", "B"), target="app", extra_tags=("shop:latest",)))
        status = await w.ended()
        assert status.ref == FIRST
        assert status.completed
        assert status.completed.error == ""
        (request,) = w.engine.builds
        assert (request.args, request.target, request.context) == ({"A": "1", "B": None}, "app", None)
        assert request.labels == BUILT_LABELS
        assert {FIRST, "shop:latest"} <= set(w.engine.names)
        logged = w.room.log("build:web:shop")
        assert logged[:3] == [
            "STEP — Building Dockerfile: [shop]",
            f"     Why: {FIRST_BUILD}",
            "     Step 1/1 : FROM scratch",
        ]
        assert logged[3].startswith(f"     Built {FIRST} in ")


async def test_its_image_map_names_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image_map())
        await w.room.put(image())
        found = await w.room.until(ImageMap, "shop", lambda one: one.status.image)
        assert (found.status.image, found.status.image_from_local) == (FIRST, FIRST)
        assert found.status.build_start_time


async def test_a_failed_build_is_told_and_names_no_image(tmp_path: Path) -> None:
    async with world(tmp_path, FakeEngine(fails=["step 2/3: exit code 1"])) as w:
        await w.room.put(image_map())
        await w.room.put(image())
        status = await w.ended()
        assert status.completed
        assert (status.ref, status.completed.error) == ("", "step 2/3: exit code 1")
        await w.room.settled()
        assert (await w.room.client.get(ImageMap, "shop")).status.image == ""


async def test_it_is_built_on_the_bases_that_were_built_for_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image("web:shop", "FROM base\nCOPY --from=base /a /b\n", image_maps=("base",)))
        waits = await w.room.until(DockerImage, "web:shop", lambda one: one.status.waiting)
        assert waits.status.waiting
        assert waits.status.waiting.reason == "waiting-for-base-image"
        await w.room.put(image_map("base"))
        await w.room.put(image("web:base"))
        await w.ended()
        built = (await w.ended("web:base")).ref
        assert w.engine.builds[-1].dockerfile == f"FROM {built}\nCOPY --from={built} /a /b\n"


async def test_an_image_is_not_built_again_without_a_cause(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image())
        first = await w.ended()
        await w.room.settled()
        assert len(w.engine.builds) == 1
        second = await w.again("web:shop", "c2")
        assert len(w.engine.builds) == 2
        assert second.built != first.built


async def test_the_map_follows_the_newest_image(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image_map())
        await w.room.put(image())
        first = await w.room.until(ImageMap, "shop", lambda one: one.status.image)
        w.engine.builds.extend(w.engine.builds * 20)  # the fake's ids count the builds
        await w.again("web:shop", "c2")
        await w.room.until(ImageMap, "shop", lambda one: one.status.build_start_time != first.status.build_start_time)


async def test_an_image_is_shared_by_all_who_want_the_same_but_what_is_asked_for_again_is_built(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image("web:shop"))
        first = await w.ended()
        await w.room.put(image("api:shop"))
        assert (await w.ended("api:shop")).ref == first.ref
        assert len(w.engine.builds) == 1
        await w.again("web:shop", "c2")
        assert len(w.engine.builds) == 2
        await w.again("api:shop", "c2")
        assert len(w.engine.builds) == 2


async def test_what_was_built_is_not_built_again_by_another_server(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image_map())
        await w.room.put(image())
        await w.ended()
        mapped = await w.room.until(ImageMap, "shop", lambda one: one.status.image)
        before = await w.room.client.get(DockerImage, "web:shop")
    async with world(tmp_path) as again:
        await again.room.settled()
        assert again.engine.builds == []
        assert await again.room.client.get(DockerImage, "web:shop") == before
        assert await again.room.client.get(ImageMap, "shop") == mapped


async def test_what_was_built_before_local_resources_were_done_is_no_twin(tmp_path: Path) -> None:
    def after(name: str, cause: str, writers: str) -> DockerImage:
        made = image(name)
        notes = {**made.metadata.annotations, CAUSE: cause, LOCALS: writers}
        return made.model_copy(update={"metadata": made.metadata.model_copy(update={"annotations": notes})})

    async with world(tmp_path) as w:
        await w.room.put(after("web:shop", f"c1{AHEAD}", "compile"))
        await w.ended()
        await w.room.put(image("db:shop"))
        await w.ended("db:shop")
        assert len(w.engine.builds) == 2
        await w.room.put(after("api:shop", "c1", "compile"))
        await w.ended("api:shop")
        assert len(w.engine.builds) == 3
        await w.room.put(after("last:shop", "c1", "compile"))
        await w.ended("last:shop")
        assert len(w.engine.builds) == 3
        assert w.room.log("build:web:shop")[0].endswith(
            "(ahead of its local resources: looked at again when they are done)"
        )
