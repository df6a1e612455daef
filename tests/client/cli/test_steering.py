"""``trigger``, ``enable``, ``disable`` and ``args``: what they write, what they refuse, and what a run makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.client.cli.conftest import CommandLine, Served, Staying

LOCAL = {"update": {"args": ["true"]}}


@pytest.fixture(scope="module")
def run(served: Served) -> Iterator[Served]:
    """A server with resources that can be switched, and one that is off."""
    for order, name in enumerate(("api", "tests"), 1):
        source = {"configMap": {"name": f"{name}-disable", "key": "isDisabled"}}
        labels = {"tier": name}
        spec = {"kind": "local", "local": LOCAL, "order": order, "disableSource": source}
        served.create("Resource", name, labels=labels, spec=spec)
        served.create("ConfigMap", f"{name}-disable", data={"isDisabled": "false"})
    served.create("Resource", "off", spec={"kind": "local", "local": LOCAL})
    status = {"disableStatus": {"disabledCount": 1, "enabledCount": 0, "state": "Disabled", "sources": []}}
    body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "Resource", "metadata": {"name": "off"}, "status": status}
    served.write("PUT", "/resources/off/status", body | {"spec": {"kind": "local", "local": LOCAL}})
    served.create("Tiltfile", "(Tiltfile)", spec={"path": "/shop/Tiltfile", "args": ["api"]})
    served.create("Resource", "(Tiltfile)", spec={"kind": "tiltfile"})
    yield served
    for path in (
        "tiltfiles/%28Tiltfile%29",
        *(f"resources/{name}" for name in ("api", "tests", "off", "%28Tiltfile%29")),
    ):
        served.write("DELETE", f"/{path}", {})


def notes(beside: CommandLine, what: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(beside("get", what, "-o", "json")[1])["metadata"].get("annotations", {})
    return found


def switches(beside: CommandLine) -> list[str]:
    return [
        beside("get", f"configmap/{name}-disable", "-o", "jsonpath={.data.isDisabled}")[1] for name in ("api", "tests")
    ]


@pytest.mark.usefixtures("run")
def test_a_trigger_is_noted_with_its_moment_and_whose_it_is(beside: CommandLine) -> None:
    assert beside("trigger", "api", "tests") == (
        0,
        'Successfully triggered update for resource: "api"\nSuccessfully triggered update for resource: "tests"\n',
        "",
    )
    first = notes(beside, "resource/api")
    assert first["tilt.dev/trigger-reason"] == "CLI Trigger"
    beside("trigger", "api")
    assert notes(beside, "resource/api")["tilt.dev/trigger"] > first["tilt.dev/trigger"]
    assert beside("trigger", "(Tiltfile)")[0] == 0
    assert "tilt.dev/cause" in notes(beside, "tiltfile/(Tiltfile)")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("trigger",), 2, "say which resource"),
        (("trigger", "apy"), 2, 'there is no resource "apy" (did you mean "api"?)'),
        (("trigger", "api", "off"), 1, 'resource "off" is currently disabled: "upright enable off" switches it on'),
        (("enable",), 2, "must specify at least one resource"),
        (("disable",), 2, "must specify at least one resource"),
        (("enable", "--all", "--only"), 2, "cannot use --all with --only"),
        (("enable", "--all", "api"), 2, "cannot use --all with resource names"),
        (("disable", "--all", "-l", "tier"), 2, "cannot use --all with --labels"),
        (("enable", "nobody"), 2, 'there is no resource "nobody"'),
        (("enable", "(Tiltfile)"), 1, "(Tiltfile) cannot be enabled or disabled"),
        (("disable", "-l", "tire"), 2, 'no resource has the label "tire": there are '),
        (("args", "--clear", "x"), 2, "--clear cannot be specified with other values"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_changed(
    beside: CommandLine, words: tuple[str, ...], code: int, message: str
) -> None:
    before = notes(beside, "resource/api")
    found = beside(*words)
    assert found[:2] == (code, "")
    assert message in found[2]
    assert notes(beside, "resource/api") == before


@pytest.mark.usefixtures("run")
def test_switches_are_set_and_what_is_so_already_is_said(beside: CommandLine) -> None:
    assert beside("disable", "api") == (0, "resource.tilt.dev/api disabled\n", "")
    assert beside("disable", "api") == (0, "resource.tilt.dev/api disabled (no change)\n", "")
    assert switches(beside) == ["true", "false"]
    only = beside("enable", "--only", "api")
    assert only == (0, "resource.tilt.dev/api enabled\nresource.tilt.dev/tests disabled\n", "")
    assert switches(beside) == ["false", "true"]
    assert beside("enable", "-l", "tier=tests") == (0, "resource.tilt.dev/tests enabled\n", "")
    assert beside("disable", "--labels=tier")[0] == 0
    assert switches(beside) == ["true", "true"]
    assert beside("enable", "--all")[0] == 0
    assert switches(beside) == ["false", "false"]


def args_of(beside: CommandLine) -> str:
    return beside("get", "tiltfile", "(Tiltfile)", "-o", "jsonpath={.spec.args}")[1]


@pytest.mark.usefixtures("run")
def test_arguments_are_replaced_cleared_and_left_alone(beside: CommandLine) -> None:
    code, out, err = beside("args", "web", "--", "--env", "my env")
    assert (code, out) == (0, "")
    assert "executed again with: web --env 'my env'\n" in err
    assert args_of(beside) == '["web","--env","my env"]'
    assert "nothing is changed" in beside("args", "--", "web", "--env", "my env")[2]
    assert "without arguments" in beside("args", "--clear")[2]
    assert args_of(beside) in {"", "[]"}


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("left", "code", "message"),
    [
        ("# a comment\n  db --env 'x y'\n", 0, "executed again with: db --env 'x y'"),
        ("# nothing\n", 2, "--clear takes all away"),
        ("one\ntwo\n", 2, "several lines"),
        ("it's\n", 2, "no closing quotation"),
    ],
)
def test_without_arguments_they_are_edited(
    beside: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: str, code: int, message: str
) -> None:
    beside("args", "--", "api")
    (tmp_path / "left").write_text(left)
    monkeypatch.setenv("EDITOR", f"cp {tmp_path / 'left'}")
    found = beside("args")
    assert found[:2] == (code, "")
    assert message in found[2]
    assert args_of(beside) == ('["api"]' if code else '["db","--env","x y"]')


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("editor", "code", "message"),
    [
        ("", 2, "say which editor to use with $TILT_EDITOR or $EDITOR"),
        ("false", 1, 'the editor "false" ended with exit status 1: nothing is changed'),
        ("/no/such", 1, 'the editor "/no/such" cannot be started'),
    ],
)
def test_an_editor_that_cannot_be_used_is_told(
    beside: CommandLine, monkeypatch: pytest.MonkeyPatch, editor: str, code: int, message: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    monkeypatch.delenv("TILT_EDITOR", raising=False)
    found = beside("args")
    assert found[:2] == (code, "")
    assert message in found[2]


@pytest.mark.slow
def test_a_run_does_what_it_is_asked_to(staying: Staying) -> None:
    assert staying("trigger", "one").returncode == 0
    staying.until("resource/one", "{.status.buildHistory[1].spanID}", "build:one")
    assert "CLI Trigger" in staying("logs", "one", "--source=build").stdout
    assert staying("trigger", "late").returncode == 0
    staying.until("resource/late", "{.status.updateStatus}", "ok")
    pid = staying("get", "res", "two", "-o", "jsonpath={.status.localResourceInfo.pid}").stdout
    assert staying("disable", "two").returncode == 0
    staying.until("resource/two", "{.status.disableStatus.state}", "Disabled")
    assert staying("wait", "--for=delete", "cmd/two-serve-1", "--timeout=20s").returncode == 0
    assert not (Path("/proc") / pid).exists()
    assert staying("enable", "two").returncode == 0
    staying.until("resource/two", "{.status.runtimeStatus}", "ok")


@pytest.mark.slow
def test_other_arguments_outweigh_what_was_switched(staying: Staying) -> None:
    assert staying("disable", "one").returncode == 0
    staying.until("resource/one", "{.status.disableStatus.state}", "Disabled")
    assert staying("args", "--", "one").returncode == 0
    staying.until("resource/one", "{.status.disableStatus.state}", "Enabled")
    staying.until("resource/two", "{.status.disableStatus.state}", "Disabled")
    assert staying("args", "--clear").returncode == 0
    staying.until("resource/two", "{.status.runtimeStatus}", "ok")
