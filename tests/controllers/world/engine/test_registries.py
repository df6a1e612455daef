"""Images go to registries and come back, on every engine we start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.world.engine.small_registry import NAME, PASSWORD, SmallRegistry, small_registry
from tests.engines import IMAGE
from upright.controllers.world.engine.errors import (
    ImageNotFound,
    PullDenied,
    PullLimited,
    PullNotFound,
    PullUnavailable,
    PushDenied,
    PushUnavailable,
)
from upright.controllers.world.engine.protocol import Progress, RegistryAuth

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.engines import RunningEngine
    from upright.controllers.world.engine.docker_engine import DockerEngine

pytestmark = pytest.mark.engine
ME = RegistryAuth(username=NAME, password=PASSWORD)


@pytest.fixture
def registry(running: RunningEngine) -> Generator[SmallRegistry]:
    with small_registry(running.info.network_namespace or "") as made:
        yield made


async def push(engine: DockerEngine, registry: SmallRegistry, auth: RegistryAuth | None = None) -> tuple[str, str]:
    reference = f"{registry.address}/some/toolbox:v1"
    await engine.tag(IMAGE, reference)
    return reference, await engine.push(reference, auth=auth)


async def test_an_image_goes_to_a_registry_and_comes_back(engine: DockerEngine, registry: SmallRegistry) -> None:
    reference, digest = await push(engine, registry)
    assert digest or engine.info.product == "podman"  # podman 4 does not tell
    await engine.remove_image(reference)
    with pytest.raises(ImageNotFound):
        await engine.image(reference)
    told: list[Progress] = []
    image = await engine.pull(reference, tell=told.append)
    assert image.id == (await engine.image(IMAGE)).id
    stored = next(key.partition(":")[2] for key in registry.manifests if ":sha256:" in key)
    assert digest in {stored, ""}
    assert told
    repository = reference.removesuffix(":v1")
    assert (await engine.pull(f"{repository}@{stored}")).id == image.id
    await engine.remove_image(reference, force=True)


async def test_a_registry_may_want_to_know_who_asks(engine: DockerEngine, registry: SmallRegistry) -> None:
    registry.private = True
    with pytest.raises(PushDenied):
        await push(engine, registry)
    reference, _ = await push(engine, registry, ME)
    await engine.remove_image(reference)
    with pytest.raises(PullDenied, match=r"unauthorized|authentication required|no basic auth"):
        await engine.pull(reference)
    await engine.pull(reference, auth=ME)
    await engine.remove_image(reference)


async def test_what_a_registry_has_not_is_not_found(engine: DockerEngine, registry: SmallRegistry) -> None:
    with pytest.raises(PullNotFound, match="unknown"):
        await engine.pull(f"{registry.address}/some/nothing:v1")


async def test_a_registrys_limit_is_told_as_such(engine: DockerEngine, registry: SmallRegistry) -> None:
    if engine.info.product == "podman":
        pytest.skip("podman tries for a minute before it says so")
    registry.limited = True
    with pytest.raises(PullLimited):
        await engine.pull(f"{registry.address}/some/toolbox:v1")


async def test_a_registry_that_is_not_there_is_unavailable(engine: DockerEngine) -> None:
    reference = "127.0.0.1:1/some/toolbox:v1"
    with pytest.raises(PullUnavailable, match="refused"):
        await engine.pull(reference)
    await engine.tag(IMAGE, reference)
    with pytest.raises(PushUnavailable, match="refused"):
        await engine.push(reference)
    await engine.remove_image(reference)
    with pytest.raises(PullUnavailable, match=r"no such host|lookup|resolution"):
        await engine.pull("registry.invalid/some/toolbox:v1")


async def test_what_we_have_not_cannot_be_sent(engine: DockerEngine, registry: SmallRegistry) -> None:
    with pytest.raises(ImageNotFound):
        await engine.push(f"{registry.address}/some/nothing:v1")
