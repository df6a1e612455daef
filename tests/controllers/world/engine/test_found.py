from __future__ import annotations

import json
import socket
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from upright.controllers.world.engine.address_ranges import free_block
from upright.controllers.world.engine.data_folder import reap_runs, take_data
from upright.controllers.world.engine.errors import NoEngine
from upright.controllers.world.engine.find import find_engine
from upright.controllers.world.engine.places import candidates

if TYPE_CHECKING:
    from pathlib import Path


def test_a_place_that_somebody_named_is_the_only_one() -> None:
    (found,) = candidates({"DOCKER_HOST": "tcp://there:2375", "DOCKER_CONTEXT": "other", "HOME": "/home/me"})
    assert (found.source, found.address, found.wanted) == ("DOCKER_HOST", "tcp://there:2375", True)
    (found,) = candidates({"DOCKER_CONTEXT": "other", "CONTAINER_HOST": "unix:///x"})
    assert (found.source, found.context, found.wanted) == ("docker context other", "other", True)
    (found,) = candidates({"CONTAINER_HOST": "unix:///x", "DOCKER_CONTEXT": "default"})
    assert (found.source, found.address) == ("CONTAINER_HOST", "unix:///x")


def test_the_docker_context_is_read_from_the_clients_settings(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"currentContext": "mine"}))
    assert [one.context for one in candidates({"HOME": str(tmp_path)})] == ["mine"]
    (tmp_path / ".docker/config.json").write_text("no json")
    assert len(candidates({"HOME": str(tmp_path)})) > 1


def test_docker_is_looked_for_before_podman_and_the_machines_before_the_users() -> None:
    found = candidates({"HOME": "/home/me", "XDG_RUNTIME_DIR": "/run/user/1"})
    assert [one.address for one in found] == [
        "unix:///var/run/docker.sock",
        "unix:///run/podman/podman.sock",
        "unix:///run/user/1/docker.sock",
        "unix:///run/user/1/podman/podman.sock",
        "unix:///home/me/.docker/run/docker.sock",
    ]
    assert not any(one.wanted for one in found)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("unix:///nowhere/docker.sock", "does not answer"),
        ("tcp://127.0.0.1:1", "does not answer"),
        ("nonsense", "no address"),
        ("fd://", "no address"),
    ],
)
async def test_a_named_engine_that_is_not_there_is_the_end(tmp_path: Path, address: str, why: str) -> None:
    with pytest.raises(NoEngine, match=f"DOCKER_HOST={address} cannot be used: .*{why}"):
        async with find_engine("auto", state_dir=tmp_path, run_id="x", say=print, environment={"DOCKER_HOST": address}):
            pass


async def test_what_listens_but_is_no_engine_is_not_used(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "x.sock"))
        environment = {"DOCKER_HOST": f"unix://{tmp_path}/x.sock"}
        with pytest.raises(NoEngine, match="cannot be used"):  # bound, but nobody listens
            async with find_engine("host", state_dir=tmp_path, run_id="x", say=print, environment=environment):
                pass


def test_addresses_are_taken_where_nobody_else_is() -> None:
    first = free_block([])
    assert first.prefixlen == 16
    second = free_block([first])
    assert not second.overlaps(first)
    assert free_block([IPv4Network("10.0.0.0/8")]).subnet_of(IPv4Network("172.16.0.0/12"))
    assert free_block([IPv4Network("0.0.0.0/0")]) == first


def test_a_cache_is_used_by_one_run_at_a_time(tmp_path: Path) -> None:
    cache, one, two = tmp_path / "cache", tmp_path / "runs/one/engine", tmp_path / "runs/two/engine"
    first = take_data(cache, one)
    second = take_data(cache, two)
    assert (first.path, first.kept) == (cache / "data", True)
    assert (second.path, second.kept) == (two / "data", False)
    (first.path / "image").touch()
    (second.path / "image").touch()
    first.release()
    second.release()
    assert (cache / "data/image").exists()
    assert not (two / "data").exists()
    third = take_data(cache, two)
    assert third.kept
    third.release()


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    taken = take_data(tmp_path / "cache", tmp_path / "run/engine")
    with pytest.raises(BlockingIOError, match="another process uses"):
        take_data(tmp_path / "cache", tmp_path / "run/engine")
    taken.release()


def test_what_dead_runs_left_is_removed_and_what_lives_is_not(tmp_path: Path) -> None:
    alive, dead = tmp_path / "alive/engine", tmp_path / "dead/engine"
    taken = take_data(tmp_path / "cache", alive)
    for folder in (alive, dead):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "engine.sock").touch()
        (folder / "engine.log").touch()
    (dead / "upright.lock").touch()
    strange = tmp_path / "strange/engine"
    (strange / "data").mkdir(parents=True)
    reap_runs(tmp_path)
    assert (strange / "data").exists()
    assert not (strange / "upright.lock").exists()
    assert (alive / "data").exists()
    assert (alive / "engine.sock").exists()
    assert not (dead / "data").exists()
    assert not (dead / "engine.sock").exists()
    assert (dead / "engine.log").exists()
    taken.release()
