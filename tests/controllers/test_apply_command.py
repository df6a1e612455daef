"""Objects are applied and deleted by commands of the user's."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.clock import utc_now
from upright.client.log_folder import Selection
from upright.controllers.apply_command import ApplyCommands, CommandFailed, excerpt
from upright.controllers.tiltfile.injection import applied_objects
from upright.controllers.world.environment import base_environment
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus
from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

IMAGE = ImageMap(
    metadata=ObjectMeta(name="web"), spec=ImageMapSpec(selector="web"), status=ImageMapStatus(image="web:tilt-1")
)
SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: $1, uid: u}}"


@asynccontextmanager
async def commands(folder: Path) -> AsyncGenerator[tuple[ApplyCommands, Logs]]:
    environment = base_environment({"PATH": "/usr/bin:/bin"}, kubeconfig="/run/kubeconfig")
    async with Logs(folder / "logs", utc_now) as logs, LocalProcesses() as processes:
        yield ApplyCommands(processes, lambda: environment, applied_objects), logs


def shell(script: str, directory: str = "") -> ApplyCmd:
    return ApplyCmd(args=("sh", "-c", script), dir=directory)


async def test_what_an_apply_command_prints_is_what_it_applied(tmp_path: Path) -> None:
    script = f'echo working >&2; set -- "$(basename $PWD)"; cat <<END\n{SECRET}\nEND\n'
    async with commands(tmp_path) as (run, logs):
        (tmp_path / "here").mkdir()
        (body,) = await run.apply(shell(script, str(tmp_path / "here")), [], logs.open("apply", "web"))
        assert body["metadata"] == {"name": "here", "uid": "u"}
        assert [line.text for line in logs.read(Selection(span="apply"))][-1] == "working"


async def test_the_command_knows_the_cluster_and_the_images(tmp_path: Path) -> None:
    script = 'echo "$KUBECONFIG $TILT_IMAGE_0 $TILT_IMAGE_MAP_0 $OWN" >&2'
    async with commands(tmp_path) as (run, logs):
        command = ApplyCmd(args=("sh", "-c", script), env=("OWN=x",))
        assert await run.apply(command, [IMAGE], logs.open("apply", "web")) == []
        assert [line.text for line in logs.read(Selection(span="apply"))][-1] == "/run/kubeconfig web:tilt-1 web x"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo whoops; exit 77", "apply command exited with status 77\nstdout:\nwhoops\n\n"),
        ("exit 3", "apply command exited with status 3"),
        ("echo this is not yaml", "apply command returned malformed YAML: stdout:1: a Kubernetes object must be a mapping, not str\nstdout:\nthis is not yaml\n\n"),
    ],
)  # fmt: skip
async def test_a_failing_apply_command_is_told_in_tilts_words(tmp_path: Path, script: str, message: str) -> None:
    async with commands(tmp_path) as (run, logs):
        with pytest.raises(CommandFailed) as caught:
            await run.apply(shell(script), [], logs.open("apply", "web"))
    assert str(caught.value) == message


async def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    async with commands(tmp_path) as (run, logs):
        with pytest.raises(CommandFailed, match='apply command failed: exec: "no-such"'):
            await run.apply(ApplyCmd(args=("no-such",)), [], logs.open("apply", "web"))


async def test_a_failing_delete_command_is_told(tmp_path: Path) -> None:
    async with commands(tmp_path) as (run, logs):
        await run.delete(shell("true"), logs.open("apply", "web"))
        with pytest.raises(CommandFailed, match="delete command exited with status 2"):
            await run.delete(shell("exit 2"), logs.open("apply", "web"))


def test_only_the_ends_of_a_long_output_are_quoted() -> None:
    assert excerpt("x" * 500) == "x" * 500
    assert excerpt("a" * 300 + "b" * 300) == f"{'a' * 250}\n... [truncated] ...\n{'b' * 250}"
