"""Every kind of Tilt's is served, under Tilt's names, with its rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import upright.openapi.v1alpha1 as tilt
from upright.openapi.scheme import discover

TILTS = {
    "Session": ("sessions", ()),
    "FileWatch": ("filewatches", ("fw",)),
    "Cmd": ("cmds", ()),
    "KubernetesApply": ("kubernetesapplys", ("ka", "kapp")),
    "KubernetesDiscovery": ("kubernetesdiscoverys", ("kd", "kdisco")),
    "PodLogStream": ("podlogstreams", ("pls",)),
    "UISession": ("uisessions", ()),
    "UIResource": ("uiresources", ()),
    "UIButton": ("uibuttons", ()),
    "PortForward": ("portforwards", ("pf",)),
    "ImageMap": ("imagemaps", ("im",)),
    "Tiltfile": ("tiltfiles", ()),
    "ConfigMap": ("configmaps", ("cm",)),
    "Extension": ("extensions", ("ext",)),
    "ExtensionRepo": ("extensionrepos", ("repo", "extrepo")),
    "LiveUpdate": ("liveupdates", ()),
    "ToggleButton": ("togglebuttons", ()),
    "DockerImage": ("dockerimages", ()),
    "CmdImage": ("cmdimages", ()),
    "Cluster": ("clusters", ()),
    "DockerComposeService": ("dockercomposeservices", ("dc",)),
    "DockerComposeLogStream": ("dockercomposelogstreams", ("dclog", "dcls")),
}
SCHEME = discover(tilt)
BY_KIND = {kind.definition.kind: kind for kind in SCHEME}


def test_all_22_kinds_are_there_under_tilts_names() -> None:
    assert len(TILTS) == 22
    found = {kind: (one.definition.plural, one.definition.short_names) for kind, one in BY_KIND.items()}
    assert {kind: found.get(kind) for kind in TILTS} == TILTS


def test_nothing_but_resource_is_added_to_them() -> None:
    assert BY_KIND.keys() - TILTS.keys() == {"Resource"}


def test_a_short_name_means_one_kind() -> None:
    words = [word for kind in SCHEME for word in (kind.definition.plural, *kind.definition.short_names)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("kind", sorted(TILTS))
def test_a_table_has_name_and_age_and_stands_an_empty_object(kind: str) -> None:
    about = BY_KIND[kind].definition
    assert (about.columns[0].name, about.columns[-1].name) == ("NAME", "AGE")
    for column in about.columns:
        column.value({"metadata": {"name": "x"}})


LOCATION = {"componentID": "web", "componentType": "Resource"}
STATE = {"configMap": {"name": "m", "key": "k"}}
SYNC = {"localPath": "a", "containerPath": "/a"}
PODS = {"kubernetes": {"discoveryName": "d", "image": "i"}}
PROJECT = {"configPaths": ["/a.yml"]}
GOOD: list[tuple[str, dict[str, object]]] = [
    ("FileWatch", {"watchedPaths": ["/a"]}),
    ("LiveUpdate", {"basePath": "/a", "selector": PODS, "syncs": [SYNC]}),
    ("LiveUpdate", {"basePath": "/a", "selector": {"dockerCompose": {"service": "s"}}, "execs": [{"args": ["a"]}]}),
    ("UIButton", {"location": LOCATION, "text": "Go", "iconSVG": "<svg/>", "inputs": [{"name": "a", "bool": {}}]}),
    ("ToggleButton", {"location": LOCATION, "on": {"text": "a"}, "off": {"text": "b"}, "stateSource": STATE}),
    ("ExtensionRepo", {"url": "https://github.com/a/b", "ref": "main", "gitSubpath": "x"}),
    ("ExtensionRepo", {"url": "file:///a"}),
    ("Extension", {"repoName": "r", "repoPath": "p"}),
    ("DockerComposeService", {"service": "s", "project": PROJECT}),
    ("DockerComposeLogStream", {"service": "s", "project": {"yaml": "a"}}),
    ("UISession", {}),
]
BAD: list[tuple[str, dict[str, object], list[str]]] = [
    ("FileWatch", {}, ["spec.watchedPaths"]),
    ("LiveUpdate", {}, ["spec.basePath", "spec.syncs", "spec.selector"]),
    ("LiveUpdate", {"basePath": "/a", "selector": {"kubernetes": {}}, "syncs": [{**SYNC, "containerPath": "a"}]}, ["spec.syncs[0]", "spec.selector.kubernetes.discoveryName", "spec.selector.kubernetes"]),
    ("UIButton", {"iconSVG": "x", "inputs": [{"name": "a"}, {"name": "a", "choice": {}}]}, ["spec.text", "spec.location.componentID", "spec.location.componentType", "spec.iconSVG", "spec.inputs[0]", "spec.inputs[1].name", "spec.inputs[1].choice.choices"]),
    ("ToggleButton", {"location": LOCATION}, ["spec.on.text", "spec.off.text", "spec.stateSource.configMap"]),
    ("ToggleButton", {"location": LOCATION, "on": {"text": "a"}, "off": {"text": "b"}, "stateSource": {"configMap": {"name": "", "key": "k", "onValue": "x", "offValue": "x"}}}, ["spec.stateSource.configMap.name", "spec.stateSource.configMap.onValue"]),
    ("ExtensionRepo", {"url": "ftp://a"}, ["spec.url"]),
    ("ExtensionRepo", {"url": "file://a", "ref": "x", "gitSubpath": "y"}, ["spec.url", "spec.ref", "spec.gitSubpath"]),
    ("Extension", {}, ["spec.repoName", "spec.repoPath"]),
    ("DockerComposeService", {}, ["spec.service", "spec.project"]),
    ("DockerComposeLogStream", {}, ["spec.service", "spec.project"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec"), GOOD)
def test_a_good_object_is_taken_and_written_as_it_was_read(kind: str, spec: dict[str, object]) -> None:
    made = BY_KIND[kind].model_validate({"metadata": {"name": "x"}, "spec": spec})
    assert list(made.problems(None)) == []
    assert made.to_wire()["spec"] == spec


@pytest.mark.parametrize(("kind", "spec", "fields"), BAD)
def test_a_wrong_object_is_refused_field_by_field(kind: str, spec: dict[str, object], fields: list[str]) -> None:
    made = BY_KIND[kind].model_validate({"metadata": {"name": "x"}, "spec": spec})
    assert [cause.field for cause in made.problems(None)] == fields


def test_a_click_is_part_of_a_buttons_status() -> None:
    when = datetime(2026, 11, 23, tzinfo=UTC)
    status = {"lastClickedAt": when.isoformat(), "inputs": [{"name": "a", "bool": {"value": True}}]}
    made = BY_KIND["UIButton"].model_validate({"spec": {"location": LOCATION, "text": "Go"}, "status": status})
    assert made.to_wire()["status"]["inputs"] == [{"name": "a", "bool": {"value": True}}]
