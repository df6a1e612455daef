from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.controllers.leftovers import PROCESS_LABEL, is_dead, run_labels
from upright.controllers.world.compose import NoCompose, find_compose
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
async def processes() -> AsyncGenerator[LocalProcesses]:
    async with LocalProcesses() as made:
        yield made


def program(place: Path, script: str) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)


async def test_the_plugin_of_the_docker_cli_comes_first(tmp_path: Path, processes: LocalProcesses) -> None:
    program(tmp_path / "a/docker", '[ "$1" = compose ] && echo 2.20.0')
    program(tmp_path / "a/docker-compose", "echo v2.1.0")
    found = await find_compose(processes, {"PATH": f"{tmp_path}/a"})
    assert (found.argv, found.version) == ((f"{tmp_path}/a/docker", "compose"), "2.20.0")


async def test_what_is_old_or_a_script_that_forgets_exit_codes_is_passed_by(
    tmp_path: Path, processes: LocalProcesses
) -> None:
    program(tmp_path / "a/docker", "exit 1")
    (tmp_path / "b").mkdir()
    (tmp_path / "b/docker-compose").write_text("#!/usr/bin/python3\nfrom compose import docker_compose\n")
    (tmp_path / "b/docker-compose").chmod(0o755)
    program(tmp_path / "c/docker-compose", "echo 1.29.2")
    program(tmp_path / "d/docker-compose", "echo v2.40.3")
    path = ":".join(f"{tmp_path}/{one}" for one in "abcd")
    assert (await find_compose(processes, {"PATH": path})).argv == (f"{tmp_path}/d/docker-compose",)


async def test_what_was_tried_is_said(tmp_path: Path, processes: LocalProcesses) -> None:
    program(tmp_path / "a/own", "echo 1.29.2")
    with pytest.raises(NoCompose) as caught:
        await find_compose(processes, {"PATH": "/nowhere", "TILT_DOCKER_COMPOSE_CMD": f"{tmp_path}/a/own"})
    assert f"({tmp_path}/a/own is version 1.29.2, too old): install" in str(caught.value)


def test_what_this_process_made_is_not_left_over_and_that_of_a_dead_one_is() -> None:
    mark = run_labels("r")[PROCESS_LABEL]
    machine, pid, began = mark.split("/")
    assert not is_dead(mark)
    assert is_dead(f"{machine}/{pid}/{int(began) + 1}"), "a number that is used again"
    assert not is_dead(f"other/{pid}/1"), "another machine's processes cannot be seen from here"
