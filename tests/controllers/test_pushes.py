"""Pushes from a private engine: to Debian's docker-registry, with users, with TLS, full; and to one that falters."""

from __future__ import annotations

import json
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.controllers.real_registry import docker_config, docker_registry
from tests.controllers.test_delivery import cluster
from tests.controllers.world.engine.small_registry import refusal, small_registry
from tests.engines import IMAGE, RunningEngine
from upright.controllers import delivery as pushing
from upright.controllers import images
from upright.controllers.delivery import Delivered, Delivery, DeliveryFailed, Layers, Told
from upright.controllers.engines import Engines
from upright.controllers.known_builds import KnownBuilds, Wanted
from upright.controllers.node.network import Network
from upright.controllers.world.build_memory import BuildMemory
from upright.controllers.world.engine.errors import PushDenied
from upright.controllers.world.engine.protocol import BuildRequest, Progress
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.v1alpha1.cluster import RegistryHosting

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from tests.controllers.world.engine.small_registry import Answer, SmallRegistry
    from upright.controllers.world.engine.docker_engine import DockerEngine

engine_test = pytest.mark.engine
NAME = "shop/toolbox:tilt-0123456789abcdef"
TAG = "tilt-0123456789abcdef"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


class Ready(Engines):
    """Engines that is one which runs already."""

    def __init__(self, engine: DockerEngine) -> None:
        self._ready = engine

    async def get(self) -> DockerEngine:
        return self._ready


async def push(
    running: RunningEngine, address: str, environ: Mapping[str, str], told: list[str] | None = None
) -> Delivered:
    """Bring the test's image to a cluster with this registry."""
    to = cluster("kind", RegistryHosting(host=address, host_from_container_runtime="reg:5000"))
    async with running.connected() as engine, LocalProcesses() as processes:
        await engine.tag(IMAGE, NAME)
        delivery = Delivery(Ready(engine), processes, lambda: environ)
        return await delivery(NAME, to, "push", Told((told if told is not None else []).append))


def namespace(running: RunningEngine) -> str:
    return running.info.network_namespace or ""


@engine_test
@pytest.mark.parametrize("tls", [False, True])
async def test_an_image_is_pushed_and_named_as_the_cluster_pulls_it(
    private_dockerd: RunningEngine, tmp_path: Path, *, tls: bool
) -> None:
    with docker_registry(tmp_path / "registry", namespace(private_dockerd), tls=tls) as registry:
        told: list[str] = []
        sent = await push(private_dockerd, registry.address, {}, told)
        assert sent.local == f"{registry.address}/shop_toolbox:{TAG}"
        assert sent.cluster == f"reg:5000/shop_toolbox:{TAG}"
        assert any(line.endswith(": Pushed") for line in told)
        assert registry.tags("shop_toolbox") == {TAG}


@engine_test
async def test_what_the_registry_has_is_not_pushed_again(private_dockerd: RunningEngine, tmp_path: Path) -> None:
    with docker_registry(tmp_path / "registry", namespace(private_dockerd)) as registry:
        first = await push(private_dockerd, registry.address, {})
        told: list[str] = []
        assert await push(private_dockerd, registry.address, {}, told) == first
        assert told[0].startswith(
            f"     Not pushed: {first.local} is in the registry already, with this content (sha256:"
        )
        assert len(told) == 1


@engine_test
async def test_what_the_engine_has_lost_is_fetched_from_the_registry_and_not_built(
    private_dockerd: RunningEngine, tmp_path: Path
) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/app").write_text("one")
    dockerfile = "FROM scratch\nCOPY app /app\n"
    request = BuildRequest(dockerfile=dockerfile, context=tmp_path / "context")
    wanted = Wanted("shop/lost", dockerfile, request, {})
    known = KnownBuilds(BuildMemory(tmp_path / "memory"), nobody)
    with docker_registry(tmp_path / "registry", namespace(private_dockerd)) as registry:
        async with private_dockerd.connected() as engine:
            built = await engine.build(request, lambda _: None)
            await known.learn(wanted, await known.look(wanted, engine), built, engine)
            name = f"{registry.address}/shop_lost:tilt-{built.removeprefix('sha256:')[:16]}"
            await engine.tag(built, name)
            digest = await engine.push(name)
            await known.pushed(wanted, images.built_reference("shop/lost", built), name, digest)
            await engine.remove_image(built, force=True)
            look = await known.look(wanted, engine)
            assert await known.fetch(look, engine) == built
            assert (await engine.image(built)).digests == (f"{registry.address}/shop_lost@{digest}",)
            await engine.remove_image(built, force=True)
    async with private_dockerd.connected() as engine:
        assert await known.fetch(look, engine) == ""


async def nobody(_image: str) -> None:
    return None


@engine_test
async def test_a_registry_wants_the_users_credentials(private_dockerd: RunningEngine, tmp_path: Path) -> None:
    with docker_registry(tmp_path / "registry", namespace(private_dockerd), users=True) as registry:
        nobody = f"nobody is logged in: log in with `docker login {registry.address}`"
        with pytest.raises(DeliveryFailed, match=nobody):
            await push(private_dockerd, registry.address, docker_config(tmp_path / "nobody"))
        other = docker_config(tmp_path / "other", registry.address, "me:wrong")
        with pytest.raises(DeliveryFailed, match=r"the credentials of me are not enough: log in with `docker login"):
            await push(private_dockerd, registry.address, other)
        await push(private_dockerd, registry.address, docker_config(tmp_path / "me", registry.address))
        assert registry.tags("shop_toolbox") == {TAG}


@engine_test
@pytest.mark.parametrize("config", [{"credHelpers": {"{}": "safe"}}, {"credsStore": "safe"}])
async def test_credential_helpers_are_asked(
    private_dockerd: RunningEngine, tmp_path: Path, config: dict[str, object]
) -> None:
    with docker_registry(tmp_path / "registry", namespace(private_dockerd), users=True) as registry:
        environ = docker_config(tmp_path / "docker")
        (tmp_path / "docker/config.json").write_text(json.dumps(config).replace("{}", registry.address))
        helper = tmp_path / "docker-credential-safe"
        helper.write_text('#!/bin/sh\nread -r server; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"s3cret\\"}"\n')
        helper.chmod(0o755)
        await push(private_dockerd, registry.address, environ | {"PATH": f"{tmp_path}:{environ['PATH']}"})
        assert registry.tags("shop_toolbox") == {TAG}


@engine_test
async def test_a_certificate_that_the_engine_does_not_trust_is_told_with_what_to_do(
    private_dockerd: RunningEngine, tmp_path: Path
) -> None:
    host = address_of(private_dockerd)
    with docker_registry(tmp_path / "registry", namespace(private_dockerd), host=host, tls=True) as registry:
        told: list[str] = []
        with pytest.raises(DeliveryFailed, match=rf"x509: .*: give the engine .*/certs\.d/{registry.address}/ca\.crt"):
            await push(private_dockerd, registry.address, {}, told)
        assert not [line for line in told if "trying again" in line]


@engine_test
async def test_a_registry_without_tls_is_told_with_what_to_do(private_dockerd: RunningEngine, tmp_path: Path) -> None:
    words = r"HTTP response to HTTPS .*name \S+ in `insecure-registries`"
    with (
        docker_registry(tmp_path / "r", namespace(private_dockerd), host=address_of(private_dockerd)) as registry,
        pytest.raises(DeliveryFailed, match=words),
    ):
        await push(private_dockerd, registry.address, {})


@engine_test
@pytest.mark.slow
async def test_a_full_disk_is_told(private_dockerd: RunningEngine, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    with (
        small_disk(folder),
        docker_registry(folder, namespace(private_dockerd)) as registry,
        pytest.raises(DeliveryFailed, match=r"its log says why \(often a full disk\)$"),
    ):
        await push(private_dockerd, registry.address, {})


@engine_test
@pytest.mark.parametrize(
    ("method", "part", "answer"),
    [
        ("PUT", "manifests", (502, {}, b"bad gateway")),
        ("PUT", "manifests", None),
        ("GET", "/v2/", None),
        ("POST", "uploads", refusal(429, "TOOMANYREQUESTS", "slow down")),
    ],
)
async def test_a_registry_that_falters_is_asked_again(
    private_dockerd: RunningEngine, small: SmallRegistry, method: str, part: str, answer: Answer | None
) -> None:
    small.faults += [(method, part, answer)] * 2
    told: list[str] = []
    await push(private_dockerd, small.address, {}, told)
    assert [line for line in told if "trying again in 0.5s" in line]
    assert not small.faults


@engine_test
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((413, {}, b"<html>413 Request Entity Too Large</html>"), "takes nothing of that size: raise its limit"),
        (refusal(403, "DENIED", "requested access to the resource is denied"), "nobody is logged in: log in with"),
        ((507, {}, b"Insufficient Storage"), "a disk is full"),
    ],
)
async def test_a_refusal_is_told_with_what_to_do(
    private_dockerd: RunningEngine, small: SmallRegistry, answer: Answer, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "FIRST_PAUSE_SECONDS", 0.01)
    small.faults += [("PUT", "manifests", answer)] * 4
    with pytest.raises(DeliveryFailed, match=words):
        await push(private_dockerd, small.address, {})


@engine_test
async def test_a_registry_that_never_answers_is_given_up(
    private_dockerd: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(pushing, "PATIENCE_SECONDS", 0.0)
    with Network(namespace(private_dockerd)).entered():
        silent = socket.create_server(("127.0.0.1", 0))
    with silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DeliveryFailed, match=r"nothing has moved for 0\.3 s: is the registry running\?"):
            await push(private_dockerd, address, {})


async def test_docker_hub_that_refuses_leads_to_a_registry_of_ones_own() -> None:
    told = pushing.told_of_push(PushDenied("denied"), "shop/web:1", None)
    assert told.endswith("name a registry that the cluster pulls from: default_registry('HOST') in the Tiltfile")


@engine_test
async def test_a_registry_that_is_not_there_is_given_up(
    private_dockerd: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "FIRST_PAUSE_SECONDS", 0.01)
    told: list[str] = []
    with pytest.raises(DeliveryFailed, match=r"connection refused: is the registry running\?"):
        await push(private_dockerd, "127.0.0.1:1", {}, told)
    assert len([line for line in told if "trying again" in line]) == pushing.PUSH_ATTEMPTS - 1


async def test_a_countdown_of_the_engine_is_told_once() -> None:
    told: list[str] = []
    layers = Layers(Told(told.append))
    for seconds in (5, 5, 4, 3, 2, 1, 10, 9):
        layers.tell(Progress("a1", f"Retrying in {seconds} seconds"))
    assert told == ["     a1: Retrying in 5 seconds", "     a1: Retrying in 10 seconds"]


async def test_how_far_a_push_is_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "PROGRESS_SECONDS", 0.0)
    told: list[str] = []
    layers = Layers(Told(lambda _: None, told.append))
    for step in (
        Progress("a1", "Preparing"),
        Progress("a2", "Preparing"),
        Progress("a1", "Layer already exists"),
        Progress("a2", "Pushing", 1_000_000, 4_000_000),
        Progress("a2", "Pushed"),
    ):
        layers.tell(step)
    assert told == [
        "0 of 1 layers",
        "0 of 2 layers",
        "1 of 2 layers",
        "1 of 2 layers, 1.0 of 4.0 MB",
        "2 of 2 layers",
    ]


async def test_a_large_layer_is_told_at_each_quarter() -> None:
    told: list[str] = []
    layers = Layers(Told(told.append))
    for done in range(0, 9_000_000, 1_000_000):
        layers.tell(Progress("a1", "Pushing", done, 8_000_000))
    assert told == ["     a1: 25% of 8.0 MB", "     a1: 50% of 8.0 MB", "     a1: 75% of 8.0 MB"]


@pytest.fixture
def small(private_dockerd: RunningEngine) -> Generator[SmallRegistry]:
    with small_registry(namespace(private_dockerd)) as made:
        yield made


def address_of(running: RunningEngine) -> str:
    """Return an address in the engine's network that is not a loopback's, which engines trust blindly."""
    said = subprocess.run(
        ["nsenter", f"--net={namespace(running)}", "ip", "-json", "address"], check=True, capture_output=True
    ).stdout
    found = [one["local"] for link in json.loads(said) for one in link["addr_info"] if one["family"] == "inet"]
    return next(str(one) for one in found if not one.startswith("127."))


@contextmanager
def small_disk(folder: Path) -> Generator[None]:
    """Give the folder a disk of 100 kB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
