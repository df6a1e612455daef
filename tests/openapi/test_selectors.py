from __future__ import annotations

import pytest

from upright.openapi.errors import BadRequest
from upright.openapi.scheme import Kind, at
from upright.openapi.selectors import FieldSelector, LabelSelector

LABELS = {"app": "web", "tier": "front", "example.com/n": "5", "empty": ""}
POD = Kind("", "v1", "Pod", "pods", selectable={"status.phase": at("status", "phase"), "spec.host": at("spec", "host")})
BODY = {"metadata": {"name": "a,b=c", "namespace": "n"}, "status": {"phase": "Running"}, "spec": {"host": True}}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier = front", True),
        ("app=api", False),
        ("app!=api", True),
        ("app!=web", False),
        ("missing!=x", True),
        ("app in (web,api)", True),
        ("app in (api, db)", False),
        ("app notin (api,db)", True),
        ("missing notin (x)", True),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("app,!missing,tier in (front)", True),
        ("example.com/n>4", True),
        ("example.com/n < 5", False),
        ("app>4", False),
        ("empty=", True),
        ("empty in (,x)", True),
        ("missing=", False),
    ],
)
def test_a_label_selector_matches(text: str, *, matches: bool) -> None:
    assert LabelSelector.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    "text", ["=x", "a in", "a in (b", "a in b", "a==b=c", "a b", ",", "a,", "a>x", "-a=b", "a=b c", "a=" + "x" * 64]
)
def test_a_label_selector_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        LabelSelector.parse(text)


def test_a_label_selector_can_be_read_from_an_object() -> None:
    selector = LabelSelector.from_wire(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}
    )
    assert selector.matches(LABELS)
    assert not selector.matches({"app": "web"})
    assert LabelSelector.from_wire(None).matches({})
    with pytest.raises(BadRequest):
        LabelSelector.from_wire({"matchExpressions": [{"key": "a", "operator": "Near"}]})


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.namespace=n", True),
        ("metadata.namespace=n,status.phase=Running", True),
        ("status.phase!=Running", False),
        ("status.phase==Pending", False),
        (r"metadata.name=a\,b\=c", True),
        ("spec.host=true", True),
    ],
)
def test_a_field_selector_matches(text: str, *, matches: bool) -> None:
    assert FieldSelector.parse(text, POD).matches(BODY) is matches


@pytest.mark.parametrize("text", ["spec.other=x", "status.phase", "status.phase=a=b"])
def test_a_field_selector_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        FieldSelector.parse(text, POD)


def test_a_field_selector_knows_the_one_name_it_asks_for() -> None:
    assert FieldSelector.parse("metadata.name=x", POD).exactly("metadata.name") == "x"
    assert FieldSelector.parse("metadata.name!=x", POD).exactly("metadata.name") == ""
    assert not FieldSelector.parse("metadata.name=x", POD).beyond("metadata.name")
    assert FieldSelector.parse("metadata.name=x,status.phase=y", POD).beyond("metadata.name")


def test_equal_selectors_are_equal() -> None:
    one, two = (FieldSelector.parse("status.phase=x", POD) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
