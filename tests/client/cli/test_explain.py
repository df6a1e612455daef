"""``explain`` and ``api-resources``: what a server has, and what its fields mean."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from upright.client.cli.bundled import Bundled
from upright.client.cli.layouts.schema import Asked, explained
from upright.client.cli.troubles import NotThere, WrongUsage

if TYPE_CHECKING:
    from tests.client.cli.conftest import CommandLine

PREFIX = "#/components/schemas/"
SCHEMAS: dict[str, Any] = {  # Any: OpenAPI
    "x.Tree": {
        "description": "A tree.",
        "required": ["spec"],
        "properties": {
            "spec": {"allOf": [{"$ref": f"{PREFIX}x.TreeSpec"}], "description": "What it is."},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "x-kubernetes-group-version-kind": [{"group": "x.dev", "version": "v1", "kind": "Tree"}],
    },
    "x.TreeSpec": {
        "description": "``branches`` are trees too.",
        "properties": {
            "size": {"type": "string", "enum": ["", "small", "large"]},
            "branches": {"type": "array", "items": {"$ref": f"{PREFIX}x.TreeSpec"}},
            "grown": {"type": "string", "format": "date-time"},
            "byName": {"type": "object", "additionalProperties": {"$ref": f"{PREFIX}x.TreeSpec"}},
        },
    },
}
HEAD = "GROUP:      x.dev\nKIND:       Tree\nVERSION:    v1\n\n"


def text(*path: str, recursive: bool = False) -> str:
    said = explained(Asked("x.dev", "v1", "Tree", path), SCHEMAS, recursive=recursive)
    assert said.startswith(HEAD)
    return said.removeprefix(HEAD)


def test_a_kind_is_laid_out_with_its_fields() -> None:
    assert text() == (
        "DESCRIPTION:\n    A tree.\n\nFIELDS:\n"
        "  labels\t<map[string]string>\n\n"
        "  spec\t<TreeSpec> -required-\n    What it is.\n"
    )


def test_a_field_is_laid_out_with_its_type_and_values() -> None:
    assert text("spec", "size") == "FIELD: size <string>\nenum: small, large\n\nDESCRIPTION:\n    <empty>\n"
    branches = text("spec", "branches")
    assert branches.startswith('FIELD: branches <[]TreeSpec>\n\nDESCRIPTION:\n    "branches" are trees too.\n')
    assert "  grown\t<Time>\n" in branches
    assert "  size\t<string>\n    enum: small, large\n" in branches
    assert text("spec", "byName", "branches", "size") == text("spec", "size")


def test_what_a_field_has_unless_another_value_is_said_is_told() -> None:
    tree = {**SCHEMAS["x.Tree"], "properties": {"age": {"type": "integer", "default": 3}, "tags": {"default": {}}}}
    said = explained(Asked("x.dev", "v1", "Tree"), {"x.Tree": tree}, recursive=False)
    assert said.endswith("FIELDS:\n  age\t<integer>\n    default: 3\n\n  tags\t<Object>\n")


def test_a_type_inside_itself_is_opened_once() -> None:
    assert text("spec", recursive=True).partition("FIELDS:\n")[2] == (
        "  branches\t<[]TreeSpec>\n"
        "    branches\t<[]TreeSpec>\n"
        "    byName\t<map[string]TreeSpec>\n"
        "      branches\t<[]TreeSpec>\n"
        "      byName\t<map[string]TreeSpec>\n"
        "      grown\t<Time>\n"
        "      size\t<string>\n        enum: small, large\n"
        "    grown\t<Time>\n"
        "    size\t<string>\n      enum: small, large\n"
        "  byName\t<map[string]TreeSpec>\n"
        "    branches\t<[]TreeSpec>\n"
        "      branches\t<[]TreeSpec>\n"
        "      byName\t<map[string]TreeSpec>\n"
        "      grown\t<Time>\n"
        "      size\t<string>\n        enum: small, large\n"
        "    byName\t<map[string]TreeSpec>\n"
        "    grown\t<Time>\n"
        "    size\t<string>\n      enum: small, large\n"
        "  grown\t<Time>\n"
        "  size\t<string>\n    enum: small, large\n"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("sepc",), 'tree has no field "sepc" \\(did you mean "spec"\\?\\)'),
        (("spec", "zzz"), 'tree.spec has no field "zzz": it has branches, byName, grown, size'),
        (("spec", "size", "x"), 'tree.spec.size has no field "x": it has no fields'),
    ],
)
def test_a_field_that_is_not_there_is_refused_with_those_that_are(path: tuple[str, ...], message: str) -> None:
    with pytest.raises(WrongUsage, match=message):
        text(*path)


def test_every_kind_that_came_with_the_program_can_be_explained(upright: CommandLine) -> None:
    for group in Bundled().get("/apis")["items"]:
        for about in group["versions"][0]["resources"]:
            code, out, err = upright("explain", about["resource"])
            assert (code, err) == (0, "")
            assert f"KIND:       {about['responseKind']['kind']}\n" in out
            assert upright("explain", about["singularResource"], "--recursive")[0] == 0


def test_a_server_says_what_the_program_says(upright: CommandLine, beside: CommandLine) -> None:
    del upright
    with_server = beside("explain", "session.status.verdict")
    assert with_server[0] == 0
    assert "FIELD: verdict <Verdict>\n" in with_server[1]
    assert "enum: pending, healthy" in with_server[1]
    assert beside("explain", "res", "--api-version=tilt.dev/v1alpha1")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say what"),
        (("sesion",), 'the server has no kind "sesion" (did you mean "session"?)'),
        (("session..spec",), "has an empty part"),
        (("session", "cmd"), "one at a time"),
        (("session", "--api-version=v1"), "the server has Session in tilt.dev/v1alpha1, not in v1"),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(upright: CommandLine, words: tuple[str, ...], message: str) -> None:
    code, out, err = upright("explain", *words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_topic_is_explained_by_the_module_of_its_name(upright: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = ModuleType("upright.client.cli.topics.weather")
    monkeypatch.setattr(topic, "explained", lambda words: f"{' '.join(words)}\n", raising=False)
    monkeypatch.setitem(sys.modules, topic.__name__, topic)
    assert upright("explain", "weather", "in", "spring") == (0, "in spring\n", "")


def test_a_document_that_did_not_come_with_the_program_is_not_there() -> None:
    with pytest.raises(NotThere):
        Bundled().get("/openapi/v3/apis/none/v1")


def test_the_kinds_of_a_server_are_listed_as_kubectl_does(beside: CommandLine) -> None:
    code, out, err = beside("api-resources")
    assert (code, err) == (0, "")
    head, *rows = (line.split() for line in out.splitlines())
    assert head == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["resources", "res", "tilt.dev/v1alpha1", "false", "Resource"] in rows
    assert ["sessions", "tilt.dev/v1alpha1", "false", "Session"] in rows
    wide = beside("api-resources", "-o", "wide", "--no-headers")[1]
    assert "VERBS" not in wide
    assert "create,delete,deletecollection,get,list,patch,update,watch" in wide


def test_kinds_are_chosen_and_ordered_by_flags(beside: CommandLine) -> None:
    def names(*flags: str) -> list[str]:
        return beside("api-resources", "-o", "name", *flags)[1].splitlines()

    everything = names()
    assert "sessions.tilt.dev" in everything
    assert "uiresources.tilt.dev" not in names("--verbs=create,list")
    assert names("--api-group=tilt.dev", "--namespaced=false") == [
        one for one in everything if one.endswith(".tilt.dev")
    ]
    assert names("--namespaced") == [one for one in everything if not one.endswith(".tilt.dev")]
    assert names("--sort-by=name") == sorted(names("--sort-by=kind"))
    assert names("--categories=all", "--api-group=tilt.dev")
    assert beside("api-resources", "--verbs=fly") == (0, "", "No kinds found.\n")


def test_without_a_server_there_are_no_kinds_to_list(upright: CommandLine) -> None:
    code, out, err = upright("api-resources")
    assert (code, out) == (3, "")
    assert "start one" in err
