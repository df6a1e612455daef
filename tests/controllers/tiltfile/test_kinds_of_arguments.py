"""Every argument of every function takes a value of the kinds that Tilt takes, and refuses one of the others.

``data/kinds.json`` is what the real Tilt says; ``data/kinds_different.txt`` names each call that we judge otherwise:
``+`` we take what Tilt refuses, ``-`` we refuse what Tilt takes.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from tests.controllers.tiltfile.parity import kinds
from tests.controllers.tiltfile.worlds import World

ANSWERS: dict[str, str] = json.loads(kinds.ANSWERS.read_text())
PROGRAMS = kinds.programs()
NAMES = sorted({name.split(" ", 1)[0] for name in PROGRAMS})
DIFFERENT = set((kinds.DATA / "kinds_different.txt").read_text().splitlines())


def ours(program: str) -> str:
    """Return what we have against the program; nothing, if nothing."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        kinds.prepare(root)
        world = World(root)
        error = world.load(program, environ={"PATH": "/usr/bin:/bin", "HOME": made}).error
        return "" if error is None else kinds.plain(error.message, root)


def different(name: str) -> set[str]:
    """Return the calls of the function that Tilt and we judge otherwise, marked."""
    tried = {one: bool(ours(program)) for one, program in PROGRAMS.items() if one.split(" ", 1)[0] == name}
    return {f"{'-' if wrong else '+'} {one}" for one, wrong in tried.items() if wrong != (one in ANSWERS)}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_takes_the_kinds_of_values_that_tilt_takes(name: str) -> None:
    assert different(name) == {one for one in DIFFERENT if one.split(" ")[1] == name}


@pytest.mark.skipif("UPRIGHT_TEST_TILT" not in os.environ, reason="no real Tilt at hand: set UPRIGHT_TEST_TILT")
@pytest.mark.parametrize(
    "name", ["docker_build ref int", "k8s_yaml yaml dict", "probe exec string", "local_resource deps int"]
)
def test_tilt_still_says_so(name: str, tmp_path: Path) -> None:
    assert kinds.theirs(PROGRAMS[name], tmp_path) == ANSWERS.get(name, "")
