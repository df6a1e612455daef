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
