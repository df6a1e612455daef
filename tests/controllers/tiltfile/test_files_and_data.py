from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

DONE = '\nlocal_resource("done", "true")\n'


def printed(world: World, text: str) -> list[str]:
    world.good(text + DONE)
    return world.lines()


def test_a_file_is_read_as_a_blob_and_watched(world: World) -> None:
    world.write("a.txt", "hello\n")
    found = world.good('b = read_file("a.txt")\nprint(type(b), str(b).strip(), bool(b))' + DONE)
    assert world.lines() == ["blob hello True"]
    assert f"{world.root}/a.txt" in found.config_files


def test_a_missing_file_gives_the_default_and_is_watched(world: World) -> None:
    found = world.good(
        'print(read_file("no.txt", "none"), read_yaml("no.yaml", {}), read_json("no.json", None))' + DONE
    )
    assert world.lines() == ["none {} None"]
    assert f"{world.root}/no.txt" in found.config_files


def test_a_pipe_is_not_waited_for(world: World) -> None:
    os.mkfifo(world.root / "pipe")
    told = f"read {world.root}/pipe: it is a pipe, not a file: it would be waited for until somebody writes to it"
    for name in ("read_file", "read_json", "read_yaml"):
        assert world.wrong(f'{name}("pipe")') == told


def test_a_missing_file_without_default_is_an_error(world: World) -> None:
    assert world.wrong('read_file("no.txt")') == f"open {world.root}/no.txt: no such file or directory"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('decode_json("[1, 2.0, 1.5, null, true]")', "[1, 2.0, 1.5, None, True]"),
        ('decode_json(blob("{\\"b\\": 1, \\"a\\": {}}"))', '{"b": 1, "a": {}}'),
        (
            'encode_json({"b": [1.0, "<é>"], "a": None}).strip()',
            '{\n  "a": null,\n  "b": [\n    1,\n    "\\u003cé\\u003e"\n  ]\n}',
        ),
        (
            'decode_yaml("a: yes\\nb: 0777\\nc: 1e3\\nd: 2001-01-01\\ne: =\\nf: 1:30\\ny: n")',
            '{"a": True, "b": 511, "c": 1000, "d": "2001-01-01", "e": "=", "f": "1:30", "true": False}',
        ),
        ('decode_yaml_stream("a: 1\\n---\\n---\\n- 2\\n")', '[{"a": 1}, [2]]'),
        ('decode_yaml("")', "None"),
        (
            'encode_yaml({"b": "yes", "a": [1, {"c": "0x1"}], "y": "1e3"})',
            "a:\n- 1\n- c: '0x1'\nb: 'yes'\n'y': '1e3'\n",
        ),
        ('encode_yaml_stream([{"a": 1}, {"b": 2}])', "a: 1\n---\nb: 2\n"),
    ],
)
def test_json_and_yaml_are_read_and_written_as_go_does(world: World, text: str, shown: str) -> None:
    assert printed(world, f"print({text})") == [shown]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('decode_json("1 2")', "error parsing JSON: found multiple JSON values"),
        ('decode_json("NaN")', "error parsing JSON: invalid character in NaN"),
        (
            'decode_json("{")',
            "error parsing JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("decode_json(1)", "decode_json: for parameter json: Value should be convertible to string, but is type int"),
        (
            "encode_json({1: 2})",
            "error converting object from starlark: only string keys are supported in maps. found key '1' of type int",
        ),
        (
            "encode_json(set([1]))",
            "error converting object from starlark: unable to convert from starlark value, unsupported type set",
        ),
        (
            'decode_yaml("a: 1\\n---\\nb: 2")',
            "expected a yaml document but found a yaml stream (documents separated by `---`). use decode_yaml_stream instead to decode a yaml stream",
        ),
        (
            'decode_yaml("a: [1")',
            "error parsing YAML: line 2, column 1: did not find expected ',' or ']' (while parsing a flow sequence)",
        ),
    ],
)
def test_wrong_json_and_yaml_are_refused(world: World, text: str, message: str) -> None:
    assert world.wrong(text) == message


def test_a_folder_or_binary_in_place_of_a_file_is_an_error(world: World) -> None:
    (world.root / "b").write_bytes(b"\xff\xfe")
    assert world.wrong('read_file(".", "x")') == f"open {world.root}: is a directory"
    assert world.wrong('read_file("b", "x")') == f"{world.root}/b is not UTF-8 text: byte 0"
    assert world.wrong('include("b")') == f"{world.root}/b is not UTF-8 text: byte 0"


def test_listdir_lists_files_and_watches_only_when_recursive(world: World) -> None:
    world.write("d/a", "")
    world.write("d/sub/b", "")
    root = world.root
    found = world.good('print(listdir("d"), listdir("d", recursive = True))' + DONE)
    assert world.lines() == [f'["{root}/d/a"] ["{root}/d/a", "{root}/d/sub/b"]']
    assert f"{root}/d" in found.config_files


def test_listdir_of_what_is_no_folder_is_empty(world: World) -> None:
    world.write("d/a", "")
    world.good('print(listdir("none"), listdir("none", recursive = True), listdir("d/a"))' + DONE)
    assert world.lines() == ["[] [] []"]


def test_watch_file_adds_a_folder(world: World) -> None:
    world.write("d/a", "")
    assert f"{world.root}/d" in world.good('watch_file("d")' + DONE).config_files


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('os.path.join("a", "..", "b"), os.path.join("a", "/b"), os.path.join("/", "a"), os.path.join("", "")', ["b", "a/b", "/a", ""]),
        ('os.path.basename("/a/b/"), os.path.basename(""), os.path.basename("/")', ["b", ".", "/"]),
        ('os.path.dirname("/a/b"), os.path.dirname("a"), os.path.dirname("/a")', ["/a", ".", "/"]),
        ('os.path.relpath("/a/b", "/a/c"), os.name', ["../b", "posix"]),
        ('os.getenv("NO", "d"), os.getenv("NO"), os.environ.get("X"), "X" in os.environ, os.environ["X"]', ["d", "None", "1", "True", "1"]),
        ("os.environ.keys(), len(os.environ), [k for k in os.environ]", ['["X"]', "1", '["X"]']),
        ('shlex.quote("a b"), sys.argv[1], type(os), struct(a = 1).a, module("m", x = 2).x', ["'a b'", "ci", "module", "1", "2"]),
        ('str(struct(b = [1], a = "x")), struct(a = 1) == struct(a = 1)', ['struct(a = "x", b = [1])', "True"]),
    ],
)  # fmt: skip
def test_the_modules_do_what_tilts_do(world: World, text: str, shown: list[str]) -> None:
    world.good(f"[print(x) for x in ({text},)]{DONE}", environ={"X": "1"})
    assert world.lines() == shown


def test_the_environment_can_be_changed_and_is_the_runs_own(world: World) -> None:
    text = 'os.environ["A"] = "1"\nos.environ.update({"B": "2"})\nos.unsetenv("X")\nprint(os.getenv("A"), os.environ)'
    found = world.good(text + DONE, environ={"X": "1"})
    assert world.lines() == ['1 {"A": "1", "B": "2"}']
    assert found.environ == {"A": "1", "B": "2", "X": None}
    assert world.wrong('os.environ["A"] = 1') == "os.environ takes only strings, got int"


def test_paths_exist_or_not_without_being_watched(world: World) -> None:
    world.write("a", "")
    found = world.good(
        'print(os.path.exists("a"), os.path.exists("b"), os.path.realpath("a") == os.path.abspath("a"))' + DONE
    )
    assert world.lines() == ["True False True"]
    assert found.config_files == (f"{world.root}/Tiltfile", f"{world.root}/.tiltignore")


def test_local_returns_what_the_command_prints_and_logs_it(world: World) -> None:
    text = 'out = local("echo out; echo err >&2")\nprint(repr(str(out)))\nlocal(["true"])\nlocal("cat", quiet = True, stdin = "in")'
    assert printed(world, text) == [
        "local: echo out; echo err >&2",
        " → out",
        " → err",
        '"out\\n"',
        "local: true",
        " → [no output]",
        "local: cat",
    ]


def test_local_runs_in_its_folder_with_its_environment(world: World) -> None:
    world.write("d/x", "")
    text = 'os.putenv("A", "1")\nprint(str(local("ls; echo $A$B", dir = "d", env = {"B": "2"}, echo_off = True, quiet = True)))'
    assert printed(world, text) == ["x\n12\n"]


def test_a_failing_local_command_fails_the_tiltfile(world: World) -> None:
    assert world.wrong('local("echo a; exit 3")') == 'command "echo a; exit 3" failed.\nerror: exit status 3'
    assert world.wrong('local("echo a; exit 3", quiet = True)') == (
        'command "echo a; exit 3" failed.\nerror: exit status 3\nstdout:\na\n\nstderr:\n\n'
    )


def test_local_is_refused_where_production_might_be(world: World) -> None:
    message = world.wrong('local("true")', kube_context="prod", dev_cluster=False)
    assert message.startswith("Refusing to run 'local' because prod might be a production kube context.")
    assert world.ran == []
    world.good('allow_k8s_contexts(["prod"])\nlocal("true")' + DONE, kube_context="prod", dev_cluster=False)


def test_print_and_warn_and_fail(world: World) -> None:
    found = world.load('print("a", 1, [None], sep = "-")\nwarn("careful")\nfail("stop")')
    assert world.lines() == ["a-1-[None]"]
    assert world.lines("WARN") == ["careful"]
    assert str(found.error).endswith("Error in fail: stop")
