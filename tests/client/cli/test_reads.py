"""get and describe, against a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.conftest import CommandLine, Served


def without_ages(table: str) -> str:
    return re.sub(r"\d+[smh]\d*s?\n", "AGE\n", table)


def test_a_table_has_the_servers_columns(beside: CommandLine) -> None:
    code, out, err = beside("get", "session")
    assert (code, err) == (0, "")
    assert without_ages(out) == (
        "NAME       EXIT   DONE    READY   ERROR    AGE\n"
        "Tiltfile   ci     false   0/0     <none>   AGE\n"
    )  # fmt: skip


def test_objects_are_asked_for_by_name_kind_or_both(beside: CommandLine) -> None:
    assert beside("get", "resource", "web", "db", "-o", "name")[1] == "resource.tilt.dev/web\nresource.tilt.dev/db\n"
    assert (
        beside("get", "res/web", "session/Tiltfile", "-oname")[1]
        == "resource.tilt.dev/web\nsession.tilt.dev/Tiltfile\n"
    )
    assert beside("get", "cmds,clusters", "-o=name")[1] == "cmd.tilt.dev/smoke:update\n"
    assert "session.tilt.dev/Tiltfile" in beside("get", "all", "-o", "name")[1]


def test_several_kinds_are_several_tables(beside: CommandLine) -> None:
    _, out, _ = beside("get", "session/Tiltfile", "cmd/smoke:update")
    assert out.count("NAME") == 2
    assert "\n\nNAME" in out
    assert "cmd.tilt.dev/smoke:update" in out


def test_one_object_is_itself_and_several_are_a_list(beside: CommandLine) -> None:
    one = json.loads(beside("get", "resource", "web", "-o", "json")[1])
    assert (one["kind"], one["metadata"]["name"]) == ("Resource", "web")
    several = yaml.safe_load(beside("get", "resource", "-o", "yaml")[1])
    assert (several["kind"], [item["metadata"]["name"] for item in several["items"]]) == ("List", ["db", "web"])


def test_selectors_choose(beside: CommandLine) -> None:
    assert beside("get", "res", "-l", "app=db", "-o", "name")[1] == "resource.tilt.dev/db\n"
    assert beside("get", "res", "--field-selector=metadata.name=web", "-o", "name")[1] == "resource.tilt.dev/web\n"
    assert beside("get", "res", "-l", "app=nobody") == (0, "", "No objects found.\n")


def test_a_name_that_is_not_there_is_exit_1_and_the_others_are_printed(beside: CommandLine) -> None:
    code, out, err = beside("get", "res", "nope", "web", "-o", "name")
    assert (code, out) == (1, "resource.tilt.dev/web\n")
    assert err == 'Error: resources.tilt.dev "nope" not found\n'
    assert beside("get", "res", "nope", "--ignore-not-found") == (0, "", "")
    assert beside("describe", "res", "nope")[0] == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["get", "sesion"], 'no kind "sesion" (did you mean "session"?)'),
        (["get", "pods"], 'for what is in the cluster use kubectl, "upright describe cluster" says how'),
        (["get", "session", "-o", "josn"], 'did you mean "json"?'),
        (["get", "session", "--outptu", "json"], 'did you mean "--output"?'),
        (["gte", "session"], 'unknown command "gte" (did you mean "get"?)'),
        (["get"], "say what"),
        (["get", "session", "-o"], "-o needs a value"),
        (["get", "session", "x", "-l", "a=b"], "exclude each other"),
        (["get", "session/a", "b"], "cannot be mixed"),
        (["get", "session", "-l", "a=("], "a valid label must"),
        (["get", "session", "--port", "x"], '--port: "x" is not a whole number'),
        (["get", "session,resource", "-w"], "--watch takes one kind"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_hint(beside: CommandLine, words: list[str], hint: str) -> None:
    code, out, err = beside(*words)
    assert (code, out) == (2, "")
    assert hint in err
    assert ' -h" for help.\n' in err


def test_without_a_server_it_is_exit_3_and_how_to_start_one(upright: CommandLine) -> None:
    code, out, err = upright("get", "session")
    assert (code, out) == (3, "")
    assert err == (
        'Error: no upright is running here: start one with "upright ci" or "upright apiserver", '
        "or say where it is with --port\n"
    )
    code, _, err = upright("get", "session", "--port", "1")
    assert code == 3
    assert "nothing answers at http://localhost:1" in err


def test_a_port_alone_reaches_what_needs_no_token(
    upright: CommandLine, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILT_PORT", str(served.port))
    assert upright("get", "session", "-o", "name") == (0, "session.tilt.dev/Tiltfile\n", "")
    code, _, err = upright("get", "cmd")
    assert code == 3
    assert "its token is not known here" in err


def test_describe_has_a_page_an_object(beside: CommandLine) -> None:
    code, out, _ = beside("describe", "session")
    assert code == 0
    assert out.startswith("Name:      Tiltfile\n")
    _, out, _ = beside("describe", "resource")
    assert [line for line in out.splitlines() if line.startswith("Name:")] == ["Name:     db", "Name:     web"]
    assert "API Version:  tilt.dev/v1alpha1\n" in beside("describe", "cmd/smo")[1]


def test_objects_may_be_named_by_files(beside: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    object_ = "apiVersion: tilt.dev/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\n"
    file.write_text("---\n".join([object_.format("Resource", "web"), object_.format("Session", "Tiltfile")]))
    found = "resource.tilt.dev/web\nsession.tilt.dev/Tiltfile\n"
    assert beside("get", "-f", str(file), "-o", "name") == (0, found, "")
    _, out, _ = beside("describe", "-f", str(file))
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("Name:")] == ["web", "Tiltfile"]
    assert beside("wait", "--for=create", "-f", str(file), "-o", "name")[:2] == (0, found)
    assert beside("get", "cmds", "-f", str(file))[0] == 2
    file.write_text("apiVersion: tilt.dev/v1alpha1\nkind: Resource\nmetadata: {generateName: web-}\n")
    code, out, err = beside("get", "-f", str(file))
    assert (code, out) == (2, "")
    assert err.startswith("Error: a Resource has no metadata.name\n")


@pytest.mark.slow
def test_a_watch_goes_on_with_what_changes(served: Served, home: object) -> None:
    del home
    command = [sys.executable, "-m", "upright.client.cli", "get", "res", "web", "-w", f"--port={served.port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        assert lines.readline().startswith("NAME")
        assert lines.readline().startswith("web")
        metadata = {"metadata": {"labels": {"tier": "front"}}}
        served.write("PUT", "/resources/web", _web(metadata))
        assert lines.readline().startswith("web ")
        process.terminate()


def _web(more: dict[str, dict[str, dict[str, str]]]) -> dict[str, object]:
    spec = {"kind": "local", "local": {"update": {"args": ["true"]}}}
    metadata = {"name": "web", "labels": {"app": "web", **more["metadata"]["labels"]}}
    return {"apiVersion": "tilt.dev/v1alpha1", "kind": "Resource", "metadata": metadata, "spec": spec}
