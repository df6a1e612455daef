"""custom_build: the command is told what to make, what it made is found, and named by what is in it."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.controllers.fake_engine import FakeEngine, engines
from tests.controllers.rooms import Room, now, room
from tests.engines import IMAGE
from upright.controllers.cmd_image import CmdImageController
from upright.controllers.delivery import Delivery
from upright.controllers.engines import Engines
from upright.controllers.fingerprint import CAUSE, RESOURCE
from upright.controllers.images import path
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import (
    Cluster,
    ClusterConnection,
    ClusterSpec,
    ClusterStatus,
    KubernetesConnection,
    RegistryHosting,
)
from upright.openapi.v1alpha1.cmd_image import CmdImage, CmdImageSpec
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.controllers.world.engine.docker_engine import DockerEngine
    from upright.openapi.v1alpha1.docker_image import ImageStatus


@dataclass
class World:
    room: Room
    engine: FakeEngine

    async def ended(self, name: str = "web:shop") -> ImageStatus:
        return (await self.room.until(CmdImage, name, lambda one: one.status.completed)).status


@asynccontextmanager
async def world(folder: Path, given: Engines | None = None) -> AsyncGenerator[World]:
    engine = FakeEngine()
    chosen = given or engines(engine)

    async with LocalProcesses() as processes:

        def environment() -> dict[str, str]:
            return dict(os.environ)

        delivery = Delivery(chosen, processes, environment)
        async with room(
            folder,
            lambda logs: [CmdImageController(chosen, delivery, processes, environment, logs, now)],
            chosen.run,
        ) as opened:
            yield World(opened, engine)


def image(script: str, name: str = "web:shop", cause: str = "", **spec: object) -> CmdImage:
    fields: dict[str, object] = {"ref": "shop", "args": ("sh", "-c", script)}
    annotations = {RESOURCE: "web", CAUSE: cause}
    return CmdImage(
        metadata=ObjectMeta(name=name, annotations=annotations), spec=CmdImageSpec.model_validate(fields | spec)
    )


def error(status: ImageStatus) -> str:
    assert status.completed is not None
    return status.completed.error


NAMED = 'echo "$EXPECTED_REF $EXPECTED_IMAGE $EXPECTED_TAG $DOCKER_HOST registry:$EXPECTED_REGISTRY"'


async def test_an_image_is_found_by_the_name_the_command_was_told_and_named_by_its_content(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.engine.names["shop:dev"] = "sha256:" + "ab" * 32
        await w.room.put(image(NAMED, output_tag="dev"))
        status = await w.ended()
        assert (status.ref, error(status)) == ("shop:tilt-abababababababab", "")
        assert w.engine.names[status.ref] == w.engine.names["shop:dev"]
        assert "     shop:dev library/shop dev unix:///run/fake.sock registry:" in w.room.log("build:web:shop")


async def test_without_a_tag_of_its_own_the_command_is_told_one(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image(NAMED))
        why = error(await w.ended())
        assert why.startswith("Could not find image in Docker: shop:tilt-build-")
        assert "Did your custom_build script properly tag the image?" in why
        assert "skips_local_docker=True" in why


async def test_its_own_environment_folder_and_images_are_handed_in(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        made = ImageMap(metadata=ObjectMeta(name="base"), spec=ImageMapSpec(selector="base"))
        await w.room.put(made, ImageMapStatus(image="base:tilt-1", image_from_local="base:tilt-1"))
        w.engine.names["shop:dev"] = "sha256:1"
        script = 'echo "$MINE $TILT_IMAGE_MAP_0=$TILT_IMAGE_0 in $PWD"'
        await w.room.put(image(script, output_tag="dev", env=("MINE=yes",), dir=str(tmp_path), image_maps=("base",)))
        await w.ended()
        assert f"     yes base=base:tilt-1 in {tmp_path}" in w.room.log("build:web:shop")


async def test_it_waits_for_the_images_it_needs(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.engine.names["shop:dev"] = "sha256:1"
        await w.room.put(image("true", output_tag="dev", image_maps=("base",)))
        await w.room.until(CmdImage, "web:shop", lambda one: one.status.waiting)
        made = ImageMap(metadata=ObjectMeta(name="base"), spec=ImageMapSpec(selector="base"))
        await w.room.put(made, ImageMapStatus(image="base:1", image_from_local="base:1"))
        assert error(await w.ended()) == ""


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("sh", "-c", "echo no >&2; exit 3"), 'Custom build "echo no >&2; exit 3" failed: exit status 3'),
        (("no-such", "an arg"), 'Custom build "no-such \'an arg\'" failed: exec: "no-such": executable file not found'),
    ],
)
async def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path, args: tuple[str, ...], why: str) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image("", args=args))
        assert error(await w.ended()).startswith(why)


async def test_what_the_command_prints_is_logged(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image("echo one; echo two >&2; printf three; exit 1"))
        await w.ended()
        logged = w.room.log("build:web:shop")
        assert logged[0] == "STEP — Building Custom Build: [shop]"
        assert logged[-3:] == ["     one", "     two", "     three"]


# the command says itself what it made


async def test_the_command_may_write_the_images_name_to_a_file(tmp_path: Path) -> None:
    said = tmp_path / "ref"
    said.write_text("an older one")
    async with world(tmp_path) as w:
        w.engine.names["elsewhere/shop:7"] = "sha256:1"
        script = f'test ! -e {said} && test -z "$EXPECTED_REF" && echo elsewhere/shop:7 > {said}'
        await w.room.put(image(script, outputs_image_ref_to=str(said)))
        status = await w.ended()
        assert (status.ref, error(status)) == ("elsewhere/shop:7", "")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("true", "Could not find image ref in output. Your custom_build script should have written to "),
        ("echo shop > {}", "was invalid: want"),
        ("echo shop:1 shop:2 > {}", "was invalid: want"),
        ("echo shop:1 > {}", "Could not find image in Docker: shop:1"),
    ],
)
async def test_a_file_without_a_name_of_an_image_is_told(tmp_path: Path, script: str, why: str) -> None:
    said = tmp_path / "ref"
    async with world(tmp_path) as w:
        await w.room.put(image(script.format(said), outputs_image_ref_to=str(said)))
        assert why in error(await w.ended())


# where it is


async def test_an_image_that_is_only_in_a_registry_is_not_looked_for_here(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(image("true", output_mode="remote", output_tag="dev"))
        status = await w.ended()
        assert (status.ref, error(status)) == ("shop:dev", "")


async def test_what_the_command_pushed_itself_keeps_its_name(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.engine.names["shop:dev"] = "sha256:1"
        await w.room.put(image("true", output_mode="local-docker-and-remote", output_tag="dev"))
        assert (await w.ended()).ref == "shop:dev"


REGISTRY = RegistryHosting(host="localhost:5001", host_from_container_runtime="registry:5000")


def cluster(registry: RegistryHosting | None) -> tuple[Cluster, ClusterStatus]:
    spec = ClusterSpec(connection=ClusterConnection(kubernetes=KubernetesConnection(context="c")))
    made = Cluster(metadata=ObjectMeta(name="default"), spec=spec)
    return made, ClusterStatus(arch="amd64", connected_at=now(), registry=registry)


TAG_IT = 'echo "$EXPECTED_REF" > {}'


async def test_with_a_registry_the_command_is_told_names_on_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(*cluster(REGISTRY))
        await w.room.put(image(NAMED, cluster="default", output_mode="remote"))
        status = await w.ended()
        assert status.ref.startswith("localhost:5001/shop:tilt-build-")
        assert status.ref_from_cluster == status.ref.replace("localhost:5001", "registry:5000")
        told = next(line for line in w.room.log("build:web:shop") if line.startswith("     localhost:5001/shop:"))
        assert told.split()[1] == "shop"
        assert told.endswith("registry:localhost:5001")


async def test_an_image_of_the_engine_is_brought_to_the_cluster(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.room.put(*cluster(REGISTRY))
        w.engine.names["shop:dev"] = "sha256:" + "ab" * 32
        await w.room.put(image("true", cluster="default", output_tag="dev"))
        status = await w.ended()
        assert status.ref == "localhost:5001/shop:tilt-abababababababab"
        assert status.ref_from_cluster == "registry:5000/shop:tilt-abababababababab"
        assert w.engine.pushed == [status.ref]


async def test_the_registry_must_be_known_before_the_command_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    async with world(tmp_path) as w:
        await w.room.put(image(f"touch {ran}", cluster="default", output_mode="remote", output_tag="dev"))
        waits = await w.room.until(CmdImage, "web:shop", lambda one: one.status.waiting)
        assert waits.status.waiting
        assert (waits.status.waiting.reason, ran.exists()) == ("waiting-for-cluster", False)
        await w.room.put(*cluster(None))
        await w.ended()
        assert ran.exists()


async def test_a_name_from_a_file_is_also_told_as_the_cluster_has_it(tmp_path: Path) -> None:
    said = tmp_path / "ref"
    async with world(tmp_path) as w:
        await w.room.put(*cluster(REGISTRY))
        script = f"echo localhost:5001/shop:7 > {said}"
        await w.room.put(image(script, cluster="default", output_mode="remote", outputs_image_ref_to=str(said)))
        status = await w.ended()
        assert (status.ref, status.ref_from_cluster) == ("localhost:5001/shop:7", "registry:5000/shop:7")


# once


async def test_what_was_made_is_not_made_again_by_another_server(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    script = f"echo run >> {runs}"
    async with world(tmp_path) as w:
        await w.room.put(image(script, output_mode="remote", output_tag="dev"))
        before = await w.ended()
    async with world(tmp_path) as w:
        await w.room.settled()
        assert (await w.room.client.get(CmdImage, "web:shop")).status == before
        assert runs.read_text() == "run\n"
        await w.room.client.delete(CmdImage, "web:shop")
        await w.room.put(image(script, cause="again", output_mode="remote", output_tag="dev"))
        await w.ended()
        assert runs.read_text() == "run\nrun\n"


async def test_an_image_of_another_resource_of_the_run_is_shared(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    async with world(tmp_path) as w:
        for name in ("web:shop", "api:shop"):
            await w.room.put(image(f"echo run >> {runs}", name, output_mode="remote", output_tag="dev"))
            await w.ended(name)
        assert runs.read_text() == "run\n"


@pytest.mark.parametrize(
    ("repository", "bare"),
    [
        ("shop", "library/shop"),
        ("team/shop", "team/shop"),
        ("gcr.io/team/shop", "team/shop"),
        ("localhost/shop", "shop"),
        ("localhost:5001/shop", "shop"),
    ],
)
def test_a_repository_without_its_registry_is_as_docker_fills_it_in(repository: str, bare: str) -> None:
    assert path(repository) == bare


@pytest.mark.engine
async def test_a_real_engine_keeps_what_a_command_tagged(tmp_path: Path, engine: DockerEngine) -> None:
    @asynccontextmanager
    async def opened() -> AsyncGenerator[DockerEngine]:
        yield engine

    await engine.tag(IMAGE, "shop:dev")  # what a command with a docker CLI would do
    async with world(tmp_path, Engines(opened)) as w:
        await w.room.put(image("true", output_tag="dev"))
        status = await w.ended()
        assert (await engine.image(status.ref)).id == (await engine.image(IMAGE)).id
        await engine.remove_image(status.ref)
        await engine.remove_image("shop:dev")
