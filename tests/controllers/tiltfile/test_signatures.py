"""Every function takes Tilt's arguments in Tilt's order; those that Tilt does not know come after them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from upright.controllers.tiltfile.builtins.v1alpha1_module import OBJECTS, PARTS, parameters_of
from upright.controllers.tiltfile.reference import entries
from upright.controllers.tiltfile.stub import stub
from upright.controllers.tiltfile.vocabulary import SIGNATURES

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

TABLE = [line.split() for line in (Path(__file__).parent / "data" / "signatures.txt").read_text().splitlines()]
"""A function's name and its parameters, as Tilt 0.37's source has them; ``?`` marks one that need not be given."""

LIMITS = {"ci_settings", "k8s_resource", "local_resource", "test"}
"""Functions that take limits of ours as well."""


def taken(name: str) -> list[str]:
    """Return our parameters of the function, marked as in the table."""
    module, _, member = name.rpartition(".")
    if module == "v1alpha1":
        return [one if one == "name" and member in OBJECTS else f"{one}?" for one in parameters_of(member)]
    if name in SIGNATURES:
        found = SIGNATURES[name].arguments.parameters.items()
        return [one if parameter.is_required else f"{one}?" for one, parameter in found]
    (entry,) = (one for one in entries() if one.name == name)
    assert entry.parameters is not None
    return [one.partition(":")[0] + ("?" if " = " in one else "") for one in entry.parameters]


@pytest.mark.parametrize(("name", "parameters"), [(name, rest) for name, *rest in TABLE], ids=[one[0] for one in TABLE])
def test_a_function_takes_tilts_arguments_in_tilts_order(name: str, parameters: list[str]) -> None:
    entries()
    ours = taken(name)
    assert ours[: len(parameters)] == parameters
    assert len(ours) == len(parameters) or name in LIMITS


@pytest.mark.parametrize("name", [one[0] for one in TABLE])
def test_an_argument_that_no_function_has_is_refused_by_name(world: World, name: str) -> None:
    said = world.wrong(f"{name}(no_such_argument = 1)\n")
    assert "no_such_argument" in said or "unexpected keyword arguments" in said or "missing argument" in said


@pytest.mark.parametrize("name", [one[0] for one in TABLE])
def test_too_many_arguments_are_counted(world: World, name: str) -> None:
    entries()
    many = 2 if name == "k8s_kind" else len(taken(name)) + 1  # its others go by name only
    said = world.wrong(f"{name}({', '.join(['None'] * many)})\n")
    assert said in {
        f"{name}: got {many} arguments, want at most {many - 1}",
        f"{name}: got {many} arguments, want {many - 1}",
        f"{name.rpartition('.')[2]}: got {many} arguments, want at most {many - 1}",
    }


@pytest.mark.parametrize(
    ("name", "first"),
    [(name, rest[0]) for name, *rest in TABLE if rest and not rest[0].endswith("?")],
    ids=[one[0] for one in TABLE if one[1:] and not one[1].endswith("?")],
)
def test_a_missing_argument_is_named(world: World, name: str, first: str) -> None:
    assert f"missing argument for {first}" in world.wrong(f"{name}()\n")


def test_the_table_has_every_constructor() -> None:
    named = {name.partition(".")[2] for name, *_ in TABLE if name.startswith("v1alpha1.")}
    assert named == OBJECTS.keys() | PARTS.keys()


NOT_EMPTY = {"local_resource auto_init": True, "test auto_init": True, "version_settings check_updates": True}
"""The defaults of Tilt's that are not None, False, 0 or empty where arguments are read; others come to be by what follows."""


@pytest.mark.parametrize(
    "name", sorted({one[0] for one in TABLE} & {one.name for one in entries()} & SIGNATURES.keys())
)
def test_what_is_not_given_is_empty_but_for_tilts_own_defaults(name: str) -> None:
    defaults = {
        f"{name} {one}": parameter.default
        for one, parameter in SIGNATURES[name].arguments.parameters.items()
        if not parameter.is_required
    }
    wanted = {one: NOT_EMPTY[one] for one in defaults if one in NOT_EMPTY}
    assert {one: default for one, default in defaults.items() if default} == wanted


def test_the_stub_of_kinds_defaults_and_return_types_is_as_it_was() -> None:
    """A change here is a change of the API: is it Tilt's as well?"""
    assert stub() == (Path(__file__).parent / "data" / "stub.pyi.txt").read_text()
