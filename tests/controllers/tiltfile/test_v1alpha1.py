from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.controllers.tiltfile.builtins.v1alpha1_module import OBJECTS, PARTS

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

DONE = '\nlocal_resource("done", "true")\n'


def test_objects_are_made_with_their_parts(world: World) -> None:
    found = world.good(
        """
v1alpha1.config_map(name = "data", labels = {"l": "m"}, data = {"a": "b"})
v1alpha1.cmd(
  name = "serve", args = ["sh", "-c", "x"], dir = "sub", env = ["A=1"], annotations = {"k": "v"},
  start_on = v1alpha1.start_on_spec(ui_buttons = ["go"]),
  disable_source = v1alpha1.disable_source(config_map = v1alpha1.config_map_disable_source(name = "data", key = "a")),
  readiness_probe = v1alpha1.probe(period_seconds = 5, handler = v1alpha1.handler(
    http_get = v1alpha1.http_get_action(port = 80, http_headers = [v1alpha1.http_header(name = "h", value = "v")]))),
)
v1alpha1.ui_button(
  name = "go", text = "Go", location = v1alpha1.ui_component_location(component_id = "done", component_type = "Resource"),
  inputs = [v1alpha1.ui_input_spec(name = "n", choice = v1alpha1.ui_choice_input_spec(choices = ["a", "b"]))],
)
v1alpha1.file_watch("files", watched_paths = ["src", "/abs"], ignores = [v1alpha1.ignore_def(base_path = "src")])
v1alpha1.kubernetes_apply(
  name = "apply", apply_cmd = v1alpha1.kubernetes_apply_cmd(args = ["kubectl", "apply"], dir = "."), timeout = "5s",
)
v1alpha1.extension_repo(name = "mine", url = "file:///ext")
print(v1alpha1.forward(local_port = 1).local_port)
"""
        + DONE
    )
    wires = {one.name: one.to_wire() for one in found.made}
    assert wires["data"]["data"] == {"a": "b"}
    assert wires["data"]["metadata"]["labels"] == {"l": "m"}
    probe = wires["serve"]["spec"].pop("readinessProbe")
    assert probe["periodSeconds"] == 5
    assert probe["httpGet"]["httpHeaders"] == [{"name": "h", "value": "v"}]
    assert wires["serve"]["spec"] == {
        "args": ["sh", "-c", "x"],
        "dir": f"{world.root}/sub",
        "env": ["A=1"],
        "startOn": {"uiButtons": ["go"]},
        "disableSource": {"configMap": {"name": "data", "key": "a"}},
    }
    assert wires["go"]["spec"]["inputs"] == [{"name": "n", "choice": {"choices": ["a", "b"]}}]
    assert wires["files"]["spec"] == {
        "watchedPaths": [f"{world.root}/src", "/abs"],
        "ignores": [{"basePath": f"{world.root}/src"}],
    }
    assert wires["apply"]["spec"]["applyCmd"] == {"args": ["kubectl", "apply"], "dir": str(world.root)}
    assert wires["apply"]["spec"]["timeout"] == "5s"
    assert {one.name for one in found.objects} >= set(wires)
    assert world.lines() == ["1"]


@pytest.mark.parametrize("name", [*OBJECTS, *PARTS])
def test_every_constructor_says_what_it_does_not_know(world: World, name: str) -> None:
    assert world.wrong(f"v1alpha1.{name}(nothing = 1)") == f'v1alpha1.{name}: unexpected keyword argument "nothing"'


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("cmd(args = [])", "v1alpha1.cmd: missing argument for name"),
        ('cmd(name = "a", args = 5)', 'v1alpha1.cmd: for parameter "args": got int, want list'),
        ('cmd(name = "a", arg = [])', 'v1alpha1.cmd: unexpected keyword argument "arg" (did you mean args?)'),
        ('config_map("a")\nv1alpha1.config_map("a", data = {"b": "c"})', "v1alpha1.config_map: ConfigMap named 'a' is defined already"),
        ('file_watch("a")', "v1alpha1.file_watch: spec.watchedPaths: Required value: cannot be an empty list"),
        ('extension_repo("a", url = "x")', 'v1alpha1.extension_repo: spec.url: Invalid value: "x": URLs must start with http(s):// or file://'),
        ('config_map("a", data = {"a": print})', 'v1alpha1.config_map: for parameter "data": unexpected value of type builtin_function_or_method'),
    ],
)  # fmt: skip
def test_a_wrong_object_is_refused(world: World, call: str, message: str) -> None:
    assert world.wrong(f"v1alpha1.{call}") == message


def test_an_object_may_be_said_again_if_it_is_the_same(world: World) -> None:
    world.write("sub/Tiltfile", SAID_TWICE)
    found = world.good(f'{SAID_TWICE}\ninclude("sub/Tiltfile")\nlocal_resource("z", "true")\n')
    assert [one.name for one in found.made] == ["default", "a"]


SAID_TWICE = """
v1alpha1.extension_repo(name = "default", url = "https://example.com/x")
v1alpha1.config_map(name = "a", data = {"b": "c"})
"""
