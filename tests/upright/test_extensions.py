"""Extensions that nothing loads: executed as Tiltfiles of their own, in a whole run."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.upright.test_restart import KINDS, begin, versions, whole
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo, ExtensionRepoSpec
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.tiltfile import Tiltfile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

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


def declare_remote(root: Path, patch: pytest.MonkeyPatch, ref: str = "") -> str:
    """Have the extension in a git repository that the address leads to; return its commit."""
    declare(root)
    repo = root / "remote" / "repo"
    repo.parent.mkdir()
    (root / "repo").rename(repo)
    git = ("git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "one")):
        subprocess.run([*git, *words], check=True)
    said = (root / "Tiltfile").read_text().replace(f"file://{root}/repo", "https://example.com/own/repo")
    (root / "Tiltfile").write_text(said.replace('repo"', f'repo", ref="{ref}"', 1) if ref else said)
    patch.setenv("XDG_DATA_HOME", f"{root}/cache")
    patch.setenv("GIT_CONFIG_COUNT", "2")
    patch.setenv("GIT_CONFIG_KEY_0", f"url.file://{root}/remote/.insteadOf")
    patch.setenv("GIT_CONFIG_VALUE_0", "https://example.com/own/")
    patch.setenv("GIT_CONFIG_KEY_1", "safe.directory")
    patch.setenv("GIT_CONFIG_VALUE_1", "*")
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


async def test_the_status_of_a_repository_from_git_names_the_commit_and_why_it_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = declare_remote(tmp_path, monkeypatch)
    folder = f"{tmp_path}/cache/upright/tilt_modules/example.com/own/repo"
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        done = await made.until(Session, "Tiltfile", lambda session: session.status.done)
        assert done.status.verdict.state == "healthy"
        status = (await made.client.get(ExtensionRepo, "own")).status
        assert (status.path, status.checkout_ref, status.error, status.stale_reason) == (folder, commit, "", "")
        assert status.last_fetched_at is not None
        assert (await made.client.get(Extension, "greet")).status.path == f"{folder}/greet/Tiltfile"
        (tmp_path / "remote").rename(tmp_path / "gone")
        spec = ExtensionRepoSpec(url="https://example.com/own/repo", load_host="other")
        await made.client.create(ExtensionRepo(metadata=ObjectMeta(name="again"), spec=spec))
        stale = await made.until(ExtensionRepo, "again", lambda repo: bool(repo.status.path))
        assert (stale.status.checkout_ref, stale.status.error, stale.status.last_fetched_at) == (commit, "", None)
        assert stale.status.stale_reason.startswith("git pull: ")


async def test_a_ref_that_is_none_is_in_the_status_of_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare_remote(tmp_path, monkeypatch, "nothing")
    async with whole(tmp_path) as made:
        await begin(made, tmp_path)
        repo = await made.until(ExtensionRepo, "own", lambda repo: bool(repo.status.error))
        assert "nothing" in repo.status.error
        assert repo.status.path == ""
