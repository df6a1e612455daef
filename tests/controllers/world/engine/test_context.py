from __future__ import annotations

import socket
import tarfile
from typing import TYPE_CHECKING

import pytest

from upright.controllers.world.engine.context import HIDDEN_DOCKERFILE, PackedContext, pack
from upright.controllers.world.engine.ignores import (
    ContextError,
    Ignore,
    ignore_file_of,
    ignore_patterns,
    ignores_of,
    read_ignore_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DOCKERFILE = "FROM scratch\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def entries(packed: PackedContext) -> dict[str, tarfile.TarInfo]:
    with packed.tar, tarfile.open(fileobj=packed.tar) as tar:
        return {entry.name: entry for entry in tar.getmembers()}


def files(folder: Path, ignores: Iterable[Ignore]) -> set[str]:
    found = entries(pack(folder, DOCKERFILE, None, tuple(ignores)))
    return {name for name, entry in found.items() if not entry.isdir()} - {HIDDEN_DOCKERFILE, ".dockerignore"}


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), {"a", "b.txt", "sub/a", "sub/b.txt", "sub/deep/a", "vendor/lib/x"}),
        (("a",), {"b.txt", "sub/a", "sub/b.txt", "sub/deep/a", "vendor/lib/x"}),
        (("**/a",), {"b.txt", "sub/b.txt", "vendor/lib/x"}),
        (("sub",), {"a", "b.txt", "vendor/lib/x"}),
        (("/sub/", "vendor/*"), {"a", "b.txt"}),
        (("*", "!b.txt"), {"b.txt"}),
        (("**", "!sub/deep"), {"sub/deep/a"}),
        (("sub", "!sub/b.txt"), {"a", "b.txt", "sub/b.txt", "vendor/lib/x"}),
        (("**/*.txt", "!b.txt", "b.*"), {"a", "sub/a", "sub/deep/a", "vendor/lib/x"}),
    ],
)
def test_patterns_mean_what_docker_means(tmp_path: Path, patterns: tuple[str, ...], left: set[str]) -> None:
    write(tmp_path, "a", "b.txt", "sub/a", "sub/b.txt", "sub/deep/a", "vendor/lib/x")
    assert files(tmp_path, [Ignore(tmp_path, patterns)] if patterns else []) == left


def test_only_and_ignore_and_the_ignore_file_all_apply(tmp_path: Path) -> None:
    write(tmp_path, "src/a", "src/b", "src/c", "other", "go.mod")
    (tmp_path / ".dockerignore").write_text("# comment\n\nsrc/a\n!other\n")
    ignores = ignores_of(tmp_path, only=("src", "go.mod"), ignore=("**/b",))
    assert files(tmp_path, ignores) == {"src/c", "go.mod"}


def test_patterns_hold_below_their_own_folder(tmp_path: Path) -> None:
    write(tmp_path, "ctx/a", "ctx/sub/a", "ctx/out/x")
    assert files(tmp_path / "ctx", [Ignore(tmp_path / "ctx/sub", ("a",))]) == {"a", "out/x"}
    assert files(tmp_path / "ctx", [Ignore(tmp_path, ("ctx/a",))]) == {"sub/a", "out/x"}
    assert files(tmp_path / "ctx", [Ignore(tmp_path / "ctx/out")]) == {"a", "sub/a"}
    assert files(tmp_path / "ctx", [Ignore(tmp_path / "elsewhere", ("**",))]) == {"a", "sub/a", "out/x"}


def test_a_dockerfile_may_have_an_ignore_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a", "b", "docker/web.Dockerfile")
    (tmp_path / ".dockerignore").write_text("a\n")
    dockerfile = tmp_path / "docker/web.Dockerfile"
    assert ignore_file_of(tmp_path, dockerfile) == tmp_path / ".dockerignore"
    (tmp_path / "docker/web.Dockerfile.dockerignore").write_text("b\ndocker\n")
    assert files(tmp_path, ignores_of(tmp_path, dockerfile)) == {"a"}


def test_an_ignore_file_may_be_absent_or_wrong(tmp_path: Path) -> None:
    assert read_ignore_file(tmp_path / ".dockerignore") == ()
    (tmp_path / ".dockerignore").write_text("fine\n[\n")
    with pytest.raises(ContextError, match=r"\.dockerignore: .*'\['"):
        read_ignore_file(tmp_path / ".dockerignore")


def test_owners_are_roots_and_modes_times_and_links_are_kept(tmp_path: Path) -> None:
    write(tmp_path, "sub/file")
    (tmp_path / "sub/file").chmod(0o640)
    (tmp_path / "link").symlink_to("sub/../nowhere")
    (tmp_path / "folder-link").symlink_to("sub")
    (tmp_path / "empty").mkdir()
    found = entries(pack(tmp_path, DOCKERFILE))
    file = found["sub/file"]
    assert (file.uid, file.gid, file.uname, file.mode) == (0, 0, "", 0o640)
    assert file.mtime == pytest.approx((tmp_path / "sub/file").stat().st_mtime, abs=0.001)
    assert found["link"].linkname == "sub/../nowhere"
    assert found["folder-link"].issym()
    assert "folder-link/file" not in found
    assert found["empty"].isdir()


def test_hard_links_are_files_and_sockets_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        found = entries(pack(tmp_path, DOCKERFILE))
    assert found["a"].isreg()
    assert found["b"].isreg()
    assert "s" not in found


def test_the_dockerfile_stays_a_file_of_the_context_if_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    packed = pack(tmp_path, DOCKERFILE, tmp_path / "Dockerfile")
    assert packed.dockerfile == "Dockerfile"
    assert set(entries(packed)) == {"Dockerfile"}


@pytest.mark.parametrize("content", ["FROM other\n", DOCKERFILE])
def test_a_dockerfile_from_elsewhere_is_hidden_in_the_context(tmp_path: Path, content: str) -> None:
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM other\n")
    (tmp_path / "Dockerfile").write_text(content)
    packed = pack(tmp_path / "ctx", DOCKERFILE, tmp_path / "Dockerfile")
    assert packed.dockerfile == HIDDEN_DOCKERFILE
    with packed.tar, tarfile.open(fileobj=packed.tar) as tar:
        hidden, ignored = tar.extractfile(HIDDEN_DOCKERFILE), tar.extractfile(".dockerignore")
        assert hidden is not None
        assert ignored is not None
        assert hidden.read().decode() == DOCKERFILE
        assert ignored.read().decode().splitlines() == [".dockerignore", HIDDEN_DOCKERFILE]


def test_an_ignore_file_that_belongs_to_the_context_stays_in_it(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("x")
    packed = pack(tmp_path, DOCKERFILE)
    with packed.tar, tarfile.open(fileobj=packed.tar) as tar:
        ignored = tar.extractfile(".dockerignore")
        assert ignored is not None
        assert ignored.read().decode().splitlines() == ["x", HIDDEN_DOCKERFILE]


def test_the_same_folder_is_the_same_tar(tmp_path: Path) -> None:
    write(tmp_path, "b", "a", "sub/c")
    tars = [pack(tmp_path, DOCKERFILE).tar for _ in range(2)]
    contents = [tar.read() for tar in tars]
    for tar in tars:
        tar.close()
    assert contents[0] == contents[1]


def test_a_missing_context_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match=f"the build context {tmp_path}/nothing is not a folder"):
        pack(tmp_path / "nothing", DOCKERFILE)


def test_a_big_file_is_packed_whole(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (3 << 20))
    assert entries(pack(tmp_path, DOCKERFILE))["big"].size == 3 << 20


LISTS = [
    [("a",)],
    [(), ("b",)],
    [("sub", "!sub/b.txt"), ("**/x",)],
    [("**/x",), ("sub", "!sub/b.txt")],
    [("*", "!b.txt"), ("b.txt",)],
    [("*", "!sub"), ("*", "!sub/b.txt", "!a")],
]


@pytest.mark.parametrize("lists", LISTS)
@pytest.mark.parametrize("base", ["", "sub", ".."])
def test_one_list_of_patterns_says_the_same_as_many(tmp_path: Path, lists: list[tuple[str, ...]], base: str) -> None:
    context = tmp_path / "ctx"
    write(context, "a", "b.txt", "sub/a", "sub/b.txt", "sub/x", "sub/deep/a", "odd/!name", "odd/#name", "odd/[x]*")
    ignores = [Ignore((context / base).resolve(), patterns) for patterns in lists if patterns or base != ".."]
    together = Ignore(context, tuple(ignore_patterns(context, ignores)))
    assert files(context, [together] if together.patterns else []) == files(context, ignores)


def test_odd_names_are_listed_literally(tmp_path: Path) -> None:
    write(tmp_path, "!name", "#name", "[x]*", "x", "[x]y", "plain")
    ignores = [Ignore(tmp_path, ("*", "!plain", "!\\[x]y")), Ignore(tmp_path, ("!x", "!\\[x]y", "!plain"))]
    patterns = ignore_patterns(tmp_path, ignores)
    assert files(tmp_path, [Ignore(tmp_path, tuple(patterns))]) == {"plain", "[x]y"}
