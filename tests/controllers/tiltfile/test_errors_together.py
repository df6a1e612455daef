"""What can be found wrong together is shown together, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controllers.tiltfile.worlds import World, deployment

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.errors import TiltfileError


def failed(world: World, text: str) -> TiltfileError:
    error = world.load(text).error
    assert error is not None
    return error


def places(error: TiltfileError) -> list[tuple[str, int, str]]:
    found = ((one.place, one.message) for one in (error, *error.others))
    return [(place.path.rpartition("/")[2], place.line, message) for place, message in found if place]


def test_all_undefined_names_are_shown_those_of_loaded_files_too(world: World) -> None:
    world.write("lib/a.star", 'load("./b.star", "y")\nx = foo\n')
    world.write("lib/b.star", "y = bar + lcal('x')\n")
    error = failed(world, 'load("lib/a.star", "x")\nlocal_resurce("a")\ndef f():\n  return k8s_yml\n')
    assert places(error) == [
        ("Tiltfile", 2, "undefined: local_resurce (did you mean local_resource?)"),
        ("Tiltfile", 4, "undefined: k8s_yml (did you mean k8s_yaml?)"),
        ("a.star", 2, "undefined: foo"),
        ("b.star", 1, "undefined: bar"),
        ("b.star", 1, "undefined: lcal (did you mean local?)"),
    ]
    assert str(error).count("^") >= 5


def test_all_that_is_not_in_the_language_is_shown(world: World) -> None:
    error = failed(world, "import os\nclass A: pass\nx = {1, 2}\nf(*[], a=1)\n")
    assert [line for _, line, _ in places(error)] == [1, 2, 3, 4]


def test_a_loaded_file_that_is_right_says_nothing(world: World) -> None:
    world.write("lib.star", "x = 1\n")
    assert places(failed(world, 'load("lib.star", "x")\nfoo()\n')) == [("Tiltfile", 2, "undefined: foo")]


def test_files_that_load_each_other_are_no_trouble(world: World) -> None:
    world.write("a.star", 'load("b.star", "b")\na = foo\n')
    world.write("b.star", 'load("a.star", "a")\nb = bar\n')
    assert len(places(failed(world, 'load("a.star", "a")\nbaz()\n'))) == 3


def test_all_k8s_resource_calls_that_fit_nothing_are_shown_at_their_lines(world: World) -> None:
    world.write("all.yaml", deployment("web"))
    error = failed(
        world,
        'k8s_yaml("all.yaml")\nk8s_resource("wb")\nk8s_resource("web")\nk8s_resource("db")\n'
        'k8s_resource(new_name = "x", objects = ["nothing"])\n',
    )
    assert [line for _, line, _ in places(error)] == [2, 4, 5]
    assert error.message.startswith('k8s_resource specified unknown resource "wb" (did you mean web?)')
    assert '    k8s_resource("db")' in str(error)


def test_all_resources_that_depend_on_themselves_are_shown(world: World) -> None:
    error = failed(
        world,
        'local_resource("a", "x", resource_deps = ["a"])\nlocal_resource("b", "x")\n'
        'local_resource("c", "x", resource_deps = ["c"])\n',
    )
    assert [line for _, line, _ in places(error)] == [1, 3]


def test_all_unknown_dependencies_are_warned_of(world: World) -> None:
    world.good(
        'local_resource("a", "x", resource_deps = ["bb", "c"])\nlocal_resource("b", "x", resource_deps = ["d"])\n'
    )
    assert len([text for text in world.lines("WARN") if "unknown resource" in text]) == 3


def test_only_the_first_ten_are_shown(world: World) -> None:
    error = failed(world, "\n".join(f"name_{number}" for number in range(14)))
    assert str(error).count("undefined:") == 10
    assert str(error).endswith("… and 4 more errors")


def test_an_error_in_an_include_shows_the_whole_stack(world: World) -> None:
    world.write("sub/Tiltfile", 'def web(name):\n  local_resource(name, cmd = 5)\nweb("a")\n')
    error = failed(world, 'include("sub/Tiltfile")\n')
    assert [str(frame).rpartition("/")[2] for frame in error.frames] == [
        "Tiltfile:1:1: in <toplevel>",
        "<builtin>: in include".rpartition("/")[2],
        "Tiltfile:3:1: in <toplevel>",
        "Tiltfile:2:3: in web",
    ]
    assert error.builtin == "local_resource"


def test_a_duplicate_name_points_at_the_call_that_repeats_it(world: World) -> None:
    (found,) = places(failed(world, 'local_resource("a", "x")\n\nlocal_resource("a", "y")\n'))
    assert found == ("Tiltfile", 3, 'local_resource named "a" already exists')


def test_a_misspelt_argument_of_a_builtin_gets_a_suggestion(world: World) -> None:
    assert world.wrong('local_resource("a", "x", resource_dep = [])\n') == (
        'local_resource: unexpected keyword argument "resource_dep" (did you mean resource_deps?)'
    )
