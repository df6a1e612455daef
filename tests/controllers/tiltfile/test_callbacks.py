"""Functions of a Tiltfile that are called later, values that change later, and words that reach no shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import World, by_name, deployment, local_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKLOADS = 'k8s_yaml("all.yaml")\n'


def failed(world: World, callback: str) -> str:
    world.write("all.yaml", deployment("web"))
    return str(world.load(WORKLOADS + callback).error)


@pytest.mark.parametrize(
    ("callback", "lines"),
    [
        (
            "def name(id):\n  return id.nam\nworkload_to_resource_function(name)\n",
            ["Tiltfile:3:10: in name", "no .nam field"],
        ),
        (
            "seen = []\ndef name(id):\n  seen.append(id.name)\n  return id.name\nworkload_to_resource_function(name)\n",
            ["cannot append to frozen list"],
        ),
        ("workload_to_resource_function(lambda id: 5)\n", ["string", "int"]),
        ("workload_to_resource_function(lambda a, b: a)\n", ["must take 1 argument. lambda takes 2", "Tiltfile:2:1"]),
    ],
)
def test_what_is_wrong_in_a_callback_is_told(world: World, callback: str, lines: Sequence[str]) -> None:
    said = failed(world, callback)
    assert [line for line in lines if line not in said] == [], said


def test_a_callback_sees_the_workload_and_names_its_resource(world: World) -> None:
    world.write("all.yaml", deployment("web"))
    callback = 'workload_to_resource_function(lambda id: "%s-%s-%s" % (id.kind, id.namespace, id.name))\n'
    assert list(by_name(world.good(WORKLOADS + callback))) == ["Deployment-default-web"]


def test_what_a_list_becomes_after_the_call_changes_nothing(world: World) -> None:
    found = world.good('deps = ["a"]\nlocal_resource("x", "make", deps = deps)\ndeps.append("b")\n')
    assert [path.rpartition("/")[2] for path in local_spec(found, "x").deps] == ["a"]


def test_a_loaded_value_is_frozen_and_a_loaded_function_may_change_what_it_is_given(world: World) -> None:
    world.write("lib.star", "shared = []\ndef add(items): items.append(1)\n")
    assert "frozen" in world.wrong('load("lib.star", "shared")\nshared.append(1)\n')
    world.good('load("lib.star", "add")\nown = []\nadd(own)\nlocal_resource("n%d" % len(own), "x")\n')


@pytest.mark.parametrize(
    "word", ["a; touch broken", "$(touch broken)", "`touch broken`", "&& touch broken", "'\"; touch broken"]
)
def test_a_word_of_a_list_reaches_no_shell(world: World, word: str) -> None:
    found = world.good(f"said = str(local(['echo', {word!r}]))\nlocal_resource('x', ['echo', said.strip()])\n")
    update = local_spec(found, "x").update
    assert update is not None
    assert update.args == ("echo", word)
    assert not (world.root / "broken").exists()


def test_a_quoted_word_is_one_word_for_the_shell(world: World) -> None:
    word = "it's; touch broken"
    found = world.good(f'local_resource("x", ["echo", str(local("printf %s " + shlex.quote({word!r})))])\n')
    update = local_spec(found, "x").update
    assert update is not None
    assert update.args == ("echo", word)
    assert not (world.root / "broken").exists()
