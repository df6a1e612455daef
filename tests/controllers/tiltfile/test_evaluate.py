from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controllers.tiltfile.worlds import by_name
from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.openapi.v1alpha1.config_map import ConfigMap

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

THREE = """
local_resource("a", "x", resource_deps = ["b"])
local_resource("b", "x", resource_deps = ["c"])
local_resource("c", "x")
local_resource("d", "x")
"""


def test_a_missing_tiltfile_is_an_error_and_is_watched(world: World) -> None:
    found = evaluate(f"{world.root}/Tiltfile", world.facts, log=lambda *_: None, run_local=world.run_local)
    assert found.error is not None
    assert found.error.message.startswith(f"No Tiltfile found at paths '{world.root}/Tiltfile'")
    assert found.config_files == (f"{world.root}/Tiltfile",)


def test_an_empty_tiltfile_is_an_error(world: World) -> None:
    assert world.wrong("x = 1").startswith("No resources found.")


def test_the_path_is_logged_first(world: World) -> None:
    world.good(THREE)
    assert world.logged[0] == ("INFO", f"Loading Tiltfile at: {world.root}/Tiltfile")


def test_everything_runs_unless_names_are_given(world: World) -> None:
    assert world.good(THREE).enabled == ("a", "b", "c", "d")


def test_names_bring_what_they_depend_on(world: World) -> None:
    found = world.good(THREE, args=("a",))
    assert found.enabled == ("a", "b", "c")
    assert {one.name: one.data for one in found.switches} == {
        "a-disable": {"isDisabled": "false"},
        "b-disable": {"isDisabled": "false"},
        "c-disable": {"isDisabled": "false"},
        "d-disable": {"isDisabled": "true"},
    }
    assert {type(one) for one in found.objects} == {ConfigMap, type(found.resources[0])}


def test_an_unknown_name_is_an_error_that_lists_the_others(world: World) -> None:
    assert world.wrong(THREE, args=("a", "e")) == (
        'You specified some resources that could not be found: "e"\n'
        'Is this a typo? Existing resources in Tiltfile: "b", "c", "d"'
    )


def test_a_wrong_command_line_is_told_from_a_wrong_tiltfile(world: World) -> None:
    assert world.load(THREE, args=("e",)).wrong_usage
    assert world.load("config.parse()", args=("e",)).wrong_usage
    assert not world.load(THREE + 'config.set_enabled_resources(["e"])').wrong_usage
    assert not world.load("fail('x')", args=("e",)).wrong_usage


def test_the_tiltfile_decides_over_the_arguments(world: World) -> None:
    assert world.good(THREE + 'config.set_enabled_resources(["d"])', args=("a",)).enabled == ("d",)
    assert world.good(THREE + "config.clear_enabled_resources()", args=("a",)).enabled == ()
    assert world.good(THREE + "config.set_enabled_resources([])").enabled == ("a", "b", "c", "d")


def test_an_error_leaves_no_objects_but_what_was_read(world: World) -> None:
    world.write("data.txt", "x")
    found = world.load('local_resource("a", "x")\nread_file("data.txt")\nwarn("careful")\nfail("no")')
    assert found.error is not None
    assert found.error.message == "no"
    assert found.objects == ()
    assert found.config_files == (f"{world.root}/Tiltfile", f"{world.root}/data.txt", f"{world.root}/.tiltignore")
    assert found.warnings == ("careful",)


def test_exit_keeps_what_was_said_before(world: World) -> None:
    found = world.good('local_resource("a", "x")\nexit("bye")\nlocal_resource("b", "x")')
    assert list(by_name(found)) == ["a"]
    assert world.lines() == ['"bye"']


def test_an_evaluation_that_is_cancelled_ends_with_the_reason(world: World) -> None:
    cancellation = Cancellation()
    cancellation.cancel("build canceled")
    path = world.write("Tiltfile", THREE)
    found = evaluate(str(path), world.facts, log=lambda *_: None, run_local=world.run_local, cancellation=cancellation)
    assert found.error is not None
    assert found.error.message == "build canceled"


def test_a_name_that_tilt_has_not_is_undefined(world: World) -> None:
    assert world.wrong("docker_bild('x')") == "undefined: docker_bild (did you mean docker_build?)"


def test_paths_are_relative_to_the_file_that_is_executed(world: World) -> None:
    world.write("sub/Tiltfile", 'x = os.getcwd()\nlocal_resource("sub", "x")\ndef here():\n  return os.getcwd()\n')
    found = world.good(
        'include("sub/Tiltfile")\nload("./sub/Tiltfile", "x", "here")\nprint(x, here(), os.getcwd())\n'
        'print(load_dynamic("sub/Tiltfile").keys())'
    )
    root = world.root
    assert world.lines() == [f"{root}/sub {root} {root}", '["x", "here"]']
    assert found.config_files == (f"{root}/Tiltfile", f"{root}/sub/Tiltfile", f"{root}/.tiltignore")
