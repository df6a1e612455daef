"""Commands that change objects or wait for them, against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.cli.conftest import CommandLine

CMD = """apiVersion: tilt.dev/v1alpha1
kind: Cmd
metadata:
  name: {name}
  labels: {{made: here}}
spec:
  args: [{word}]
"""


@pytest.fixture
def made(beside: CommandLine, tmp_path: Path) -> Iterator[Path]:
    """A manifest of one command; everything that is made here is deleted afterwards."""
    path = tmp_path / "cmd.yaml"
    path.write_text(CMD.format(name="made", word="one"), encoding="utf-8")
    yield path
    beside("delete", "cmds", "-l", "made=here", "--ignore-not-found")


def words_of(beside: CommandLine) -> object:
    return json.loads(beside("get", "cmd", "made", "-o", "json")[1])["spec"]["args"]


def test_apply_makes_then_changes_then_leaves_alone(beside: CommandLine, made: Path) -> None:
    assert beside("apply", "-f", str(made)) == (0, "cmd.tilt.dev/made created\n", "")
    made.write_text(CMD.format(name="made", word="two"), encoding="utf-8")
    assert beside("apply", "-f", str(made)) == (0, "cmd.tilt.dev/made configured\n", "")
    assert beside("apply", "-f", str(made)) == (0, "cmd.tilt.dev/made unchanged\n", "")
    assert words_of(beside) == ["two"]


def test_create_makes_once(beside: CommandLine, made: Path) -> None:
    assert beside("create", "-f", str(made))[:2] == (0, "cmd.tilt.dev/made created\n")
    code, out, err = beside("create", "-f", str(made))
    assert (code, out) == (1, "")
    assert "already exists" in err


def test_create_and_apply_of_nothing_say_so(beside: CommandLine, tmp_path: Path) -> None:
    code, out, err = beside("apply", "-f", str(tmp_path / "none.yaml"))
    assert (code, out) == (2, "")
    assert "none.yaml" in err


def test_a_manifest_that_is_not_yaml_is_refused_with_its_place(beside: CommandLine, made: Path) -> None:
    made.write_text("kind: Cmd\nmetadata: [\n", encoding="utf-8")
    code, _, err = beside("apply", "-f", str(made))
    assert code == 2
    assert "cmd.yaml" in err
    assert "line" in err or ":3" in err


def test_patch_changes_fields(beside: CommandLine, made: Path) -> None:
    beside("create", "-f", str(made))
    assert beside("patch", "cmd", "made", "--type=merge", "-p", '{"spec": {"args": ["three"]}}')[0] == 0
    assert words_of(beside) == ["three"]


def test_labels_and_annotations_are_set_and_taken_away(beside: CommandLine, made: Path) -> None:
    beside("create", "-f", str(made))
    assert beside("label", "cmd", "made", "tier=web")[0] == 0
    assert beside("get", "cmds", "-l", "tier=web", "-o", "name")[1] == "cmd.tilt.dev/made\n"
    assert beside("label", "cmd", "made", "tier=db")[0] == 1
    assert beside("label", "cmd", "made", "tier=db", "--overwrite")[0] == 0
    assert beside("label", "cmd", "made", "tier-")[0] == 0
    assert beside("get", "cmds", "-l", "tier", "-o", "name")[1] == ""
    assert beside("annotate", "cmd", "made", "why=so")[0] == 0
    assert beside("get", "cmd", "made", "-o", "jsonpath={.metadata.annotations.why}")[1] == "so"


def test_delete_says_what_it_deleted_and_what_is_not_there(beside: CommandLine, made: Path) -> None:
    beside("create", "-f", str(made))
    assert beside("delete", "cmd/made")[:2] == (0, 'cmd.tilt.dev "made" deleted\n')
    code, out, err = beside("delete", "cmd/made")
    assert (code, out) == (1, "")
    assert "made" in err
    assert beside("delete", "cmd/made", "--ignore-not-found")[0] == 0


def test_waiting_ends_at_once_for_what_is_so(beside: CommandLine) -> None:
    code, out, _ = beside("wait", "--for=jsonpath={.spec.kind}=local", "resource/web", "--timeout=5s")
    assert (code, out) == (0, "resource.tilt.dev/web condition met\n")


def test_waiting_that_runs_out_of_time_ends_with_124(beside: CommandLine) -> None:
    code, out, err = beside("wait", "--for=condition=Never", "resource/web", "--timeout=300ms")
    assert (code, out) == (124, "")
    assert "timed out" in err
    assert "resource" in err


def test_waiting_for_what_is_not_there_ends_with_1(beside: CommandLine) -> None:
    assert beside("wait", "--for=condition=Ready", "resource/nobody", "--timeout=5s")[0] == 1


def test_waiting_hears_what_is_made_and_what_is_deleted(beside: CommandLine, made: Path) -> None:
    wait = [sys.executable, "-m", "upright.client.cli", "wait", "--timeout=20s", "cmd/made"]
    with subprocess.Popen([*wait, "--for=create"], stdout=subprocess.PIPE, text=True) as waits:
        beside("create", "-f", str(made))
        assert waits.wait(20) == 0
    with subprocess.Popen([*wait, "--for=delete"], stdout=subprocess.PIPE, text=True) as waits:
        beside("delete", "cmd/made")
        assert waits.wait(20) == 0


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("jsonpath={.metadata.name}", "web"),
        ("jsonpath={.spec.local.update.args[0]}", "true"),
        ("custom-columns=NAME:.metadata.name,KIND:.spec.kind", "NAME   KIND\nweb    local\n"),
        ("go-template={{.metadata.name}}", "web"),
        ("name", "resource.tilt.dev/web\n"),
    ],
)
def test_one_object_in_forms(beside: CommandLine, form: str, expected: str) -> None:
    assert beside("get", "resource", "web", "-o", form) == (0, expected, "")


def test_lists_are_sorted_by_a_path_and_labelled(beside: CommandLine) -> None:
    out = beside("get", "resources", "--sort-by=.metadata.name", "--no-headers", "--show-labels")[1]
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["db", "web"]
    assert lines[0].endswith("app=db")
    assert beside("get", "resources", "-L", "app")[1].splitlines()[0].endswith("APP")


def test_who_set_what_is_shown_only_when_asked(beside: CommandLine, made: Path) -> None:
    beside("apply", "-f", str(made))
    assert "managedFields" not in beside("get", "cmd", "made", "-o", "yaml")[1]
    assert "managedFields" in beside("get", "cmd", "made", "-o", "yaml", "--show-managed-fields")[1]


def test_dates_in_manifests_stay_text(beside: CommandLine, made: Path) -> None:
    with made.open("a", encoding="utf-8") as file:
        file.write("  startOn: {startAfter: 2026-01-02T03:04:05Z, uiButtons: [go]}\n")
    assert beside("apply", "-f", str(made))[0] == 0
    assert beside("get", "cmd/made", "-o", "jsonpath={.spec.startOn.startAfter}")[1] == "2026-01-02T03:04:05Z"
