"""Images are loaded into clusters without a registry by their own tools; scripts stand in for these, and take the image really."""

from __future__ import annotations

import json
import os
import tarfile
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.test_delivery import cluster
from tests.controllers.test_pushes import Ready
from tests.engines import IMAGE, RunningEngine
from upright.controllers.delivery import Delivered, Delivery, DeliveryFailed, Told
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

NODE = """#!/bin/sh
echo "$0 $*" | sed "s:.*/::" >> {folder}/argv
mkdir {folder}/busy || {{ echo two at once; exit 9; }}
for word; do case $word in {image}) docker save "$word" > {folder}/node.tar;; esac; done
echo 'Image: "{image}" with ID "sha256:1" not yet present on node "shop-control-plane", loading...' >&2
rmdir {folder}/busy
"""


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.mark.parametrize(
    ("product", "argv"),
    [
        ("kind", f"kind load docker-image {IMAGE} --name shop"),
        ("k3d", f"k3d image import {IMAGE} --cluster shop"),
        ("minikube", f"minikube image load {IMAGE} --profile minikube-shop"),
    ],
)
async def test_images_are_loaded_one_after_the_other_by_the_clusters_tool(
    private_dockerd: RunningEngine, tmp_path: Path, product: str, argv: str
) -> None:
    tool = tmp_path / product
    tool.write_text(NODE.format(folder=tmp_path, image=IMAGE))
    tool.chmod(0o755)
    told: list[str] = []
    async with private_dockerd.connected() as engine, LocalProcesses() as processes:
        delivery = Delivery(Ready(engine), processes, lambda: {"PATH": f"{tmp_path}:{os.environ['PATH']}"})

        async def load() -> None:
            assert await delivery(IMAGE, cluster(product), "push", Told(told.append)) == Delivered(IMAGE, IMAGE)

        async with anyio.create_task_group() as group:
            group.start_soon(load)
            group.start_soon(load)
    assert (tmp_path / "argv").read_text().splitlines() == [argv, argv]
    assert told[0] == f"STEP — Loading image to {product}: {IMAGE}"
    assert 'not yet present on node "shop-control-plane", loading...' in told[1]
    with tarfile.open(tmp_path / "node.tar") as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest
        assert json.load(manifest)[0]["RepoTags"] == [IMAGE]


async def test_a_tool_that_fails_or_is_not_there_is_told(private_dockerd: RunningEngine, tmp_path: Path) -> None:
    async with private_dockerd.connected() as engine, LocalProcesses() as processes:
        delivery = Delivery(Ready(engine), processes, lambda: {"PATH": str(tmp_path)})
        with pytest.raises(
            DeliveryFailed, match=r"no registry, and images cannot be loaded into it: .*Install kind, or"
        ):
            await delivery(IMAGE, cluster("kind"), "push", Told(print))
        (tmp_path / "kind").write_text("#!/bin/sh\necho 'ERROR: no nodes found for cluster \"shop\"' >&2\nexit 1\n")
        (tmp_path / "kind").chmod(0o755)
        words = f'`kind load docker-image {IMAGE} --name shop` ended with exit code 1: ERROR: no nodes found for cluster "shop"'
        with pytest.raises(DeliveryFailed, match=words):
            await delivery(IMAGE, cluster("kind"), "push", Told(print))


KIND_OF_MANY = """#!/bin/sh
echo "kind $*" >> {folder}/argv
[ "$2" = docker-image ] || exit 0
echo 'ctr: content digest sha256:7a1b: not found' >&2
echo 'ERROR: failed to load image' >&2
exit 1
"""


async def test_an_image_that_names_platforms_which_are_not_here_is_loaded_with_that_of_the_nodes(
    private_dockerd: RunningEngine, tmp_path: Path
) -> None:
    for name, text in (("kind", KIND_OF_MANY), ("docker", '#!/bin/sh\necho "docker $*" >> {folder}/argv\n')):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    told: list[str] = []
    async with private_dockerd.connected() as engine, LocalProcesses() as processes:
        delivery = Delivery(Ready(engine), processes, lambda: {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        await delivery(IMAGE, cluster("kind"), "push", Told(told.append))
        first, saved, loaded = (tmp_path / "argv").read_text().splitlines()
        assert first == f"kind load docker-image {IMAGE} --name shop"
        archive = saved.split()[5]
        assert saved == f"docker save --platform linux/amd64 --output {archive} {IMAGE}"
        assert loaded == f"kind load image-archive {archive} --name shop"
        assert not os.path.exists(archive)  # noqa: PTH110, ASYNC240  reason: nothing may be left
        (tmp_path / "docker").write_text("#!/bin/sh\necho 'unknown flag: --platform' >&2\nexit 125\n")
        with pytest.raises(
            DeliveryFailed, match=r"exit code 125: unknown flag: --platform\. Docker saves one platform"
        ):
            await delivery(IMAGE, cluster("kind"), "push", Told(told.append))
