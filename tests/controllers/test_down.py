"""What ``upright down`` deletes, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from upright.controllers.down import in_order, plan
from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.language.cancellation import Cancellation
from upright.controllers.tiltfile.project import Facts

if TYPE_CHECKING:
    from pathlib import Path

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.tiltfile.project import RunLocal
    from upright.openapi.meta import Json

YAML = """
def config(name, notes=''):
    return blob('{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, annotations: {%s}}}' % (name, notes))
def space(name):
    return blob('{apiVersion: v1, kind: Namespace, metadata: {name: %s}}' % name)
def pod(name):
    return blob('{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {containers: [{name: c, image: i}]}}' % name)
"""


def evaluated(folder: Path, text: str, *args: str) -> Evaluation:
    path = folder / "Tiltfile"
    path.write_text(YAML + text, encoding="utf-8")
    facts = Facts(args=args, subcommand="down", environ={}, must_have_resources=False)

    nothing = cast("RunLocal", None)  # reason: no Tiltfile here runs a command
    found = evaluate(str(path), facts, log=lambda *_: None, run_local=nothing, cancellation=Cancellation())
    assert found.error is None, found.error
    return found


def names(objects: tuple[Json, ...]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


@pytest.mark.parametrize(
    ("dependencies", "order"),
    [
        ({"a": (), "b": (), "c": ()}, ["c", "b", "a"]),
        ({"a": ("c",), "b": (), "c": ()}, ["a", "c", "b"]),
        ({"a": (), "b": ("a",), "c": ("b",)}, ["c", "b", "a"]),
        ({"a": ("b",), "b": ("c",), "c": ()}, ["a", "b", "c"]),
    ],
)
def test_the_last_goes_first_but_dependents_before_what_they_depend_on(
    tmp_path: Path, dependencies: dict[str, tuple[str, ...]], order: list[str]
) -> None:
    lines = [f"local_resource('{name}', 'x', resource_deps={list(deps)})" for name, deps in dependencies.items()]
    found = evaluated(tmp_path, "\n".join(lines))
    assert [resource.name for resource in in_order(found.resources, set(dependencies))] == order


def test_objects_go_in_the_reverse_of_the_order_in_which_they_came(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path,
        "k8s_yaml([pod('db'), pod('web'), config('late')])\n"
        "k8s_resource('web', resource_deps=['db'], objects=['late:configmap'])\nlocal_resource('test', 'x')\n",
    )
    down = plan(found.resources, found.enabled, delete_namespaces=False)
    assert names(down.objects) == ["web", "late", "db"]
    assert (down.commands, down.projects, down.kept) == ((), (), ())


def test_only_what_is_enabled_is_deleted(tmp_path: Path) -> None:
    found = evaluated(tmp_path, "k8s_yaml([pod('db'), pod('web')])\n", "web")
    assert names(plan(found.resources, found.enabled, delete_namespaces=False).objects) == ["web"]


def test_what_is_to_be_kept_is_kept_and_namespaces_unless_asked_for(tmp_path: Path) -> None:
    found = evaluated(
        tmp_path, "k8s_yaml([space('ours'), pod('web'), config('data', '\"tilt.dev/down-policy\": keep')])\n"
    )
    down = plan(found.resources, found.enabled, delete_namespaces=False)
    assert (names(down.objects), names(down.kept), names(down.namespaces)) == (["web"], ["data"], ["ours"])
    down = plan(found.resources, found.enabled, delete_namespaces=True)
    assert (names(down.objects), names(down.kept), names(down.namespaces)) == (["web", "ours"], ["data"], [])


def test_what_a_command_applied_a_command_deletes(tmp_path: Path) -> None:
    found = evaluated(tmp_path, "k8s_custom_deploy('own', apply_cmd='put', delete_cmd='rm it', deps=[])\n")
    down = plan(found.resources, found.enabled, delete_namespaces=False)
    assert [command.args for command in down.commands] == [("sh", "-c", "rm it")]
    assert down.objects == ()


def test_each_compose_project_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("name: shop\nservices:\n  a: {image: x}\n  b: {image: x}\n")
    found = evaluated(tmp_path, "docker_compose('compose.yml')\n")
    down = plan(found.resources, found.enabled, delete_namespaces=False)
    assert [project.name for project in down.projects] == ["shop"]


def test_what_is_in_no_resource_goes_last_for_all_else_has_waited_for_it(tmp_path: Path) -> None:
    found = evaluated(tmp_path, "k8s_yaml([config('shared'), pod('web')])\n")
    assert names(plan(found.resources, found.enabled, delete_namespaces=False).objects) == ["web", "shared"]


def test_a_namespace_is_kept_with_what_is_kept_in_it(tmp_path: Path) -> None:
    text = """
kept = blob('{apiVersion: v1, kind: ConfigMap, metadata: {name: k, namespace: ours, annotations: {tilt.dev/down-policy: keep}}}')
k8s_yaml([space('ours'), space('theirs'), kept])
"""
    found = evaluated(tmp_path, text)
    down = plan(found.resources, found.enabled, delete_namespaces=True)
    assert (names(down.objects), names(down.kept)) == (["theirs"], ["k", "ours"])
