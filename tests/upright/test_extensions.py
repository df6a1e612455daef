"""Extensions that nothing loads: executed as Tiltfiles of their own, in a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.upright.test_restart import KINDS, begin, versions, whole
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.tiltfile import Tiltfile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OWN = """
config.define_string("word", args = True)
local_resource("of-extension", "echo %s >> {root}/marks" % config.parse()["word"])
local("echo read >> {root}/marks")
"""


def declare(root: Path, extension: str = OWN, args: Sequence[str] = ("hello",)) -> None:
    (root / "repo/greet").mkdir(parents=True, exist_ok=True)
    (root / "repo/greet/Tiltfile").write_text(extension.replace("{root}", str(root)))
    (root / "Tiltfile").write_text(
        f'v1alpha1.extension_repo(name="own", url="file://{root}/repo")\n'
        f'v1alpha1.extension(name="greet", repo_name="own", repo_path="greet", args={list(args)})\n'
        "local_resource('main', 'true')\n"
    )


async def test_an_extension_that_nothing_loads_is_executed_with_its_arguments_and_stays_so_after_a_restart(
    tmp_path: Path,
) -> None:
    declare(tmp_path)
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy"
        extension = await made.client.get(Extension, "greet")
        assert extension.status.path == f"{tmp_path}/repo/greet/Tiltfile"
        assert (await made.client.get(ExtensionRepo, "own")).status.path == f"{tmp_path}/repo"
        resource = await made.client.get(Resource, "of-extension")
        assert resource.metadata.labels["extension.greet"] == "extension.greet"
        await made.settled()
        before = await versions(made, (*KINDS, Extension, ExtensionRepo))
    async with whole(tmp_path) as made:
        await made.settled()
        assert await versions(made, (*KINDS, Extension, ExtensionRepo)) == before
    assert (tmp_path / "marks").read_text().split() == ["read", "hello"]


async def test_an_extension_whose_tiltfile_is_wrong_ends_the_run_as_a_wrong_tiltfile_does(tmp_path: Path) -> None:
    declare(tmp_path, "fail('not today')\n")
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert (done.status.verdict.state, done.status.verdict.exit_code) == ("failed", 5)
        assert "extension greet: " in done.status.error
        assert "not today" in done.status.error


async def test_an_extension_that_is_not_in_its_repository_ends_the_run(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "repo/greet/Tiltfile").unlink()
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.exit_code == 5
        assert f"no extension tiltfile found at {tmp_path}/repo/greet/Tiltfile" in done.status.error


async def test_a_resource_that_two_tiltfiles_describe_is_the_first_ones(tmp_path: Path) -> None:
    declare(tmp_path, "local_resource('main', 'false')\nlocal_resource('other', 'true')\n", args=[])
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy", done.status.error
        assert "Resource main defined in two tiltfiles: (Tiltfile), greet" in made.log("tiltfile:greet:1")
        owner = (await made.client.get(Resource, "other")).metadata.owner_references[0]
        assert owner.name == (await made.client.get(Tiltfile, "greet")).name
