"""All controllers of a run, stopped and started again over the same state."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from tests.controllers.rooms import Room, room
from upright.client.cli.options import CiOptions
from upright.controllers.session import SessionController
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.meta import Object, ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session, SessionSpec
from upright.openapi.v1alpha1.tiltfile import Tiltfile
from upright.run_folder import RunFolder
from upright.wiring import Wiring, controllers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.logs import Logs


@asynccontextmanager
async def whole(folder: Path) -> AsyncGenerator[Room]:
    """Run what ``upright ci`` runs, less its server, over the state in the folder."""
    options = CiOptions(file=str(folder / "Tiltfile"))
    async with LocalProcesses() as processes:

        def make(logs: Logs) -> Iterable[Controller[Any]]:
            wiring = Wiring(options, RunFolder(folder, "restarted"), logs, processes, Secrets(), port=1)
            return [SessionController(os.getpid()), *controllers(wiring)]

        async with room(folder, make) as made:
            yield made


async def begin(made: Room, folder: Path) -> None:
    spec = SessionSpec(tiltfile_path=str(folder / "Tiltfile"), exit_condition="ci")
    await made.client.create(Session(metadata=ObjectMeta(name="Tiltfile"), spec=spec))


async def versions(made: Room, kinds: Iterable[type[Object]]) -> dict[tuple[str, str], str]:
    """Return the resourceVersion of every object."""
    return {
        (kind.__name__, one.name): one.metadata.resource_version
        for kind in kinds
        for one in (await made.client.list(kind)).items
    }


async def heard(pipe: Path) -> None:
    """Return as soon as a command has written to the pipe."""
    await anyio.to_thread.run_sync(pipe.read_text, abandon_on_cancel=True)


KINDS = (Session, Tiltfile, Resource, Cmd)


async def test_a_finished_run_stays_as_it_is_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text(
        "local('echo read >> marks')\n"
        "local_resource('one', cmd='echo one >> marks')\n"
        "local_resource('two', cmd='echo two >> marks', resource_deps=['one'])\n"
    )
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy"
        await made.settled()
        before = await versions(made, KINDS)
    async with whole(tmp_path) as made:
        await made.settled()
        assert await versions(made, KINDS) == before
    assert (tmp_path / "marks").read_text().split() == ["read", "one", "two"]


async def test_a_failed_run_stays_failed_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text("local_resource('bad', cmd='echo ran >> marks; exit 3')\n")
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert (done.status.verdict.state, done.status.verdict.exit_code) == ("failed", 1)
        await made.settled()
        before = await versions(made, KINDS)
    async with whole(tmp_path) as made:
        await made.settled()
        assert await versions(made, KINDS) == before
    assert (tmp_path / "marks").read_text().split() == ["ran"]


async def test_a_run_that_is_stopped_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "began")
    (tmp_path / "Tiltfile").write_text(
        "local('echo read >> marks')\n"
        "local_resource('first', cmd='echo first >> marks')\n"
        "local_resource('slow', cmd='echo slow >> marks; test -e go || { echo > began; sleep 100; }', resource_deps=['first'])\n"
        "local_resource('last', cmd='echo last >> marks', resource_deps=['slow'])\n"
    )
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        await heard(tmp_path / "began")
        finished = await versions(made, (Tiltfile,))
        first = await made.client.get(Resource, "first")
    (tmp_path / "go").touch()
    async with whole(tmp_path) as made:
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy"
        assert await versions(made, (Tiltfile,)) == finished
        assert (await made.client.get(Resource, "first")).status.build_history == first.status.build_history
    assert (tmp_path / "marks").read_text().split() == ["read", "first", "slow", "slow", "last"]


async def test_a_tiltfile_that_was_being_read_is_read_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "began")
    (tmp_path / "Tiltfile").write_text(
        "local('echo read >> marks; test -e go || { echo > began; sleep 100; }')\nlocal_resource('one', cmd='echo one >> marks')\n"
    )
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        await heard(tmp_path / "began")
    (tmp_path / "go").touch()
    async with whole(tmp_path) as made:
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy"
    assert (tmp_path / "marks").read_text().split() == ["read", "read", "one"]
