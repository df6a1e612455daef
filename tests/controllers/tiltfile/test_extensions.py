from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.tiltfile.worlds import World

DONE = '\nlocal_resource("done", "true")\n'
LOAD = "load('ext://hello', 'word')\nprint(word)"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(world: World, word: str) -> str:
    """Write the extension into the upstream repository and return the commit."""
    world.write("upstream/hello/Tiltfile", f'word = "{word}"\n')
    upstream = world.root / "upstream"
    if not (upstream / ".git").exists():
        git(upstream, "init", "--quiet")
    git(upstream, "add", ".")
    git(upstream, "commit", "--quiet", "-m", word)
    return git(upstream, "rev-parse", "HEAD")


def environ(world: World, url: str = "https://github.com/tilt-dev/") -> dict[str, str]:
    """Lead git's requests for the address to the upstream repository here."""
    link = world.root / "mirror" / "tilt-extensions"
    if not link.is_symlink():
        link.parent.mkdir()
        link.symlink_to(world.root / "upstream")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(world.root),
        "XDG_DATA_HOME": f"{world.root}/cache",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.file://{link.parent}/.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
    }


def said(world: World) -> list[str]:
    words = [text for text in world.lines() if " " not in text]
    world.logged.clear()
    return words


def test_an_extension_is_loaded_from_a_folder(world: World) -> None:
    world.write("ext/hello/Tiltfile", 'word = "hi"\nwhere = os.getcwd()\n')
    repo = f'v1alpha1.extension_repo(name = "default", url = "file://{world.root}/ext")\n'
    found = world.good(repo + LOAD + "\ninclude('ext://hello')\nprint(load_dynamic('ext://hello')['where'])" + DONE)
    assert world.lines() == ["hi", f"{world.root}/ext/hello"]
    assert f"{world.root}/ext/hello/Tiltfile" in found.config_files


def test_the_default_repository_is_cloned_once_and_serves_without_a_network(world: World) -> None:
    commit(world, "one")
    world.good(LOAD + DONE, environ=environ(world))
    assert said(world) == ["one"]
    (world.root / "upstream").rename(world.root / "gone")
    world.good(LOAD + DONE, environ=environ(world))
    assert said(world) == ["one"]


def test_an_unpinned_repository_is_renewed(world: World) -> None:
    commit(world, "one")
    world.good(LOAD + DONE, environ=environ(world))
    commit(world, "two")
    world.good(LOAD + DONE, environ=environ(world))
    assert said(world)[-1] == "two"


def test_a_pinned_repository_stays_at_its_commit(world: World) -> None:
    first = commit(world, "one")
    commit(world, "two")
    repo = f"""
v1alpha1.extension_repo(name = "default", url = "https://github.com/tilt-dev/tilt-extensions", ref = "{first}")
"""
    for _ in range(2):
        world.good(repo + LOAD + DONE, environ=environ(world))
        assert said(world) == ["one"]
    assert [path.name for path in (world.root / "cache/upright/tilt_modules/github.com/tilt-dev").iterdir()] == [
        f"tilt-extensions@{first}"
    ]


def test_a_repository_is_chosen_by_its_host_or_by_name(world: World) -> None:
    world.write("ext/hello/Tiltfile", 'word = "hi"\n')
    repo = f'v1alpha1.extension_repo(name = "r", url = "file://{world.root}/ext", load_host = "example.com/x")\n'
    declared = 'v1alpha1.extension(name = "greet", repo_name = "r", repo_path = "hello")\n'
    text = (
        repo + declared + "load('ext://example.com/x/hello', a = 'word')\nload('ext://greet', b = 'word')\nprint(a, b)"
    )
    world.good(text + DONE)
    assert world.lines() == ["hi hi"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "no extension tiltfile found at ROOT/ext/nothing/Tiltfile"),
        ("../other", "invalid repo path: ../other"),
    ],
)
def test_what_is_not_in_the_repository_is_refused(world: World, name: str, message: str) -> None:
    world.write("ext/hello/Tiltfile", "")
    world.write("other/Tiltfile", "x = 1")
    repo = f'v1alpha1.extension_repo(name = "default", url = "file://{world.root}/ext")\n'
    assert world.wrong(f"{repo}load('ext://{name}', 'x')") == (
        f"cannot load ext://{name}: {message.replace('ROOT', str(world.root))}"
    )


def test_a_repository_that_cannot_be_cloned_says_why_and_leaves_nothing(world: World) -> None:
    commit(world, "one")
    (world.root / "upstream").rename(world.root / "gone")
    message = world.wrong(LOAD, environ=environ(world))
    assert message.startswith("cannot load ext://hello: loading extension repo default: command ")
    assert list((world.root / "cache/upright/tilt_modules/github.com/tilt-dev").iterdir()) == []


def test_an_extension_that_is_not_loaded_may_not_have_the_name_of_a_resource(world: World) -> None:
    text = 'v1alpha1.extension(name = "done", repo_name = "r", repo_path = "p")'
    assert world.wrong(text + DONE) == 'Extension "done" has the same name as a local resource'


def test_an_extension_of_an_unknown_repository_is_refused(world: World) -> None:
    text = 'v1alpha1.extension(name = "x", repo_name = "r", repo_path = "p")\nload("ext://x", "y")'
    assert world.wrong(text) == "cannot load ext://x: extension repo not found: r"


REPO = 'v1alpha1.extension_repo(name = "default", url = "https://github.com/tilt-dev/tilt-extensions", {})\n'


@pytest.mark.parametrize("ref", ["v1", "refs/tags/v1", "origin/old"])
def test_a_ref_may_be_a_tag_or_a_branch_and_needs_no_network_afterwards(world: World, ref: str) -> None:
    commit(world, "one")
    git(world.root / "upstream", "tag", "v1")
    git(world.root / "upstream", "branch", "old")
    commit(world, "two")
    world.good(REPO.format(f'ref = "{ref}"') + LOAD + DONE, environ=environ(world))
    assert said(world) == ["one"]
    (world.root / "upstream").rename(world.root / "gone")
    world.good(REPO.format(f'ref = "{ref}"') + LOAD + DONE, environ=environ(world))
    assert said(world) == ["one"]


@pytest.mark.parametrize("ref", ["nothing", "--help", "hello/Tiltfile"])
def test_a_ref_that_is_none_is_told_with_its_place_and_leaves_nothing(world: World, ref: str) -> None:
    commit(world, "one")
    error = world.load(REPO.format(f'ref = "{ref}"') + LOAD, environ=environ(world)).error
    assert error is not None
    assert error.message.startswith("cannot load ext://hello: loading extension repo default: command ")
    assert ref in error.message
    assert f"{world.root}/Tiltfile:2:1: in <toplevel>" in str(error)
    assert list((world.root / "cache/upright/tilt_modules/github.com/tilt-dev").iterdir()) == []


def test_extensions_may_lie_in_a_folder_of_a_bare_repository(world: World) -> None:
    world.write("upstream/inner/deep/hello/Tiltfile", 'word = "deep"\n')
    commit(world, "top")
    upstream = world.root / "upstream"
    git(world.root, "clone", "--quiet", "--bare", str(upstream), "bare.git")
    upstream.rename(world.root / "gone")
    (world.root / "bare.git").rename(upstream)
    world.good(REPO.format('git_subpath = "inner/deep"') + LOAD + DONE, environ=environ(world))
    assert said(world) == ["deep"]


def test_a_folder_that_is_not_there_is_said(world: World) -> None:
    repo = f'v1alpha1.extension_repo(name = "default", url = "file://{world.root}/none")\n'
    assert world.wrong(repo + LOAD) == (
        f"cannot load ext://hello: loading extension repo default: stat {world.root}/none: no such file or directory"
    )


@pytest.mark.parametrize("url", ["https://example.com/../../x", "https:///etc", "https://example.com//x"])
def test_an_address_never_leads_out_of_the_cache(world: World, url: str) -> None:
    repo = f'v1alpha1.extension_repo(name = "default", url = "{url}")\n'
    said = world.wrong(repo + LOAD, environ={"XDG_DATA_HOME": f"{world.root}/cache"})
    assert said.startswith("cannot load ext://hello: loading extension repo default: invalid import path: ")
    assert world.ran == []


def test_what_is_loaded_becomes_objects_that_say_so(world: World) -> None:
    commit(world, "one")
    found = world.good(LOAD + DONE, environ=environ(world))
    named = {(type(one).__name__, one.name): one for one in found.objects}
    assert ("ExtensionRepo", "default") in named
    assert ("Extension", "hello") in named
    for kind, name in (("ExtensionRepo", "default"), ("Extension", "hello")):
        assert named[kind, name].metadata.annotations["tilt.dev/managed-by"] == "tiltfile.loader"
