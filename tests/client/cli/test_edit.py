"""``upright edit``: what was changed in an editor is sent, what is refused opens again, nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from upright.client.cli.editing import Editing
from upright.client.cli.editor import Editor
from upright.client.cli.troubles import CannotTell, NotThere, Trouble, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.cli.conftest import CommandLine, Served
    from upright.openapi.meta import Json

BODY: Json = {
    "apiVersion": "tilt.dev/v1alpha1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "resourceVersion": "7", "managedFields": [{"manager": "x"}]},
    "data": {"size": "1", "since": "2026-01-02"},
}


class Typed(Editor):
    """An editor in which each of these is typed in turn; it notes what it was opened with."""

    def __init__(self, *changes: Callable[[str], str]) -> None:
        self.command = "typed"
        self.asks = True
        self._changes = list(changes)
        self.opened: list[str] = []
        self.paths: list[Path] = []

    def edited(self, text: str, path: Path) -> str:
        self.opened.append(text)
        self.paths.append(path)
        path.write_text(self._changes.pop(0)(text))
        return path.read_text()


class Sent:
    """Takes patches, or refuses them first."""

    def __init__(self, *refusals: Trouble) -> None:
        self._refusals = list(refusals)
        self.patches: list[Json] = []

    def __call__(self, before: Json, patch: Json) -> Json:
        self.patches.append(patch)
        if self._refusals:
            raise self._refusals.pop(0)
        return {**before, **patch}


def bigger(text: str) -> str:
    return text.replace('size: "1"', 'size: "2"')


def same(text: str) -> str:
    return text


def test_what_was_changed_is_sent_and_nothing_else() -> None:
    typed, sent = Typed(bigger), Sent()
    assert Editing(typed, "yaml", sent).edit(BODY).body is not None
    assert sent.patches == [{"data": {"size": "2"}}]
    assert "managedFields" not in typed.opened[0]
    assert typed.opened[0].startswith("# Edit the object below.")
    assert not typed.paths[0].exists()


@pytest.mark.parametrize(
    ("change", "patch"),
    [
        (lambda text: text.replace('  size: "1"\n', ""), {"data": {"size": None}}),
        (lambda text: text.replace("\ndata:\n", "\ndata:\n  new: 2026-03-04\n"), {"data": {"new": "2026-03-04"}}),
        (
            lambda text: text.replace("metadata:\n", "metadata:\n  labels: {a: b}\n"),
            {"metadata": {"labels": {"a": "b"}}},
        ),
    ],
)
def test_the_difference_is_a_merge_patch(change: Callable[[str], str], patch: Json) -> None:
    sent = Sent()
    Editing(Typed(change), "yaml", sent).edit(BODY)
    assert sent.patches == [patch]


def test_json_can_be_edited_too() -> None:
    sent = Sent()
    Editing(Typed(lambda text: text.replace('"size": "1"', '"size": "3"')), "json", sent).edit(BODY)
    assert sent.patches == [{"data": {"size": "3"}}]


@pytest.mark.parametrize(
    ("change", "why"), [(same, "no changes were made"), (lambda _: "# all gone\n", "the file was left empty")]
)
def test_what_is_left_as_it_was_changes_nothing(change: Callable[[str], str], why: str) -> None:
    typed, sent = Typed(change), Sent()
    assert Editing(typed, "yaml", sent).edit(BODY) == (None, why)
    assert sent.patches == []
    assert not typed.paths[0].exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: f"{text}: [\n", "# It was not taken:\n# "),
        (
            lambda text: text.replace("name: settings", "name: other"),
            "# metadata.name cannot be changed from settings to other",
        ),
        (lambda text: text.replace("kind: ConfigMap", "kind: Cmd"), "# kind cannot be changed from ConfigMap to Cmd"),
        (lambda text: f"{text}---\n{text}", "# there are 2 objects: leave the one that is edited"),
        (lambda text: text.replace("kind: ConfigMap\n", ""), "an object has no kind"),
    ],
)
def test_what_cannot_be_understood_opens_again_with_the_reason_on_top(change: Callable[[str], str], said: str) -> None:
    typed, sent = Typed(change, lambda _: yaml.safe_dump({**BODY, "data": {"size": "9"}})), Sent()
    Editing(typed, "yaml", sent).edit(BODY)
    assert said in typed.opened[1]
    assert "size" in typed.opened[1]
    assert sent.patches[-1]["data"]["size"] == "9"


def test_what_the_server_refuses_opens_again_as_it_was_typed() -> None:
    typed, sent = Typed(bigger, lambda text: text.replace('"2"', '"3"')), Sent(WrongUsage("too big:\nat most 1"))
    assert Editing(typed, "yaml", sent).edit(BODY).body is not None
    assert "# It was not taken:\n# too big:\n# at most 1\n#\n" in typed.opened[1]
    assert 'size: "2"' in typed.opened[1]
    assert [patch["data"]["size"] for patch in sent.patches] == ["2", "3"]


@pytest.mark.parametrize(
    ("refusal", "left", "code"),
    [(WrongUsage("too big"), same, 1), (NotThere("gone"), same, 1), (CannotTell("nothing answers"), None, 3)],
)
def test_what_is_given_up_is_kept_in_a_file(refusal: Trouble, left: Callable[[str], str] | None, code: int) -> None:
    typed = Typed(bigger, *([left] if left else []))
    with pytest.raises(Trouble, match=str(refusal)) as caught:
        Editing(typed, "yaml", Sent(refusal)).edit(BODY)
    assert caught.value.code == code
    kept = Path(str(caught.value).rpartition("A copy of what you typed is in ")[2])
    assert 'size: "2"' in kept.read_text()
    assert oct(kept.stat().st_mode & 0o777) == "0o600"
    kept.unlink()


@pytest.fixture
def made(beside: CommandLine, served: Served) -> Iterator[str]:
    served.create("ConfigMap", "settings", data={"size": "1"})
    yield "configmap/settings"
    beside("delete", "configmap/settings", "--ignore-not-found")


def editor(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have $KUBE_EDITOR run a shell script on the file, $0."""
    monkeypatch.setenv("KUBE_EDITOR", f"sh -c '{script}'")


def test_an_object_of_a_server_is_edited(beside: CommandLine, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, 'sed -i s/size:.*/size:\\ \\"5\\"/ "$0"')
    code, out, err = beside("edit", made, "--output-patch")
    assert (code, err) == (0, "")
    assert out == 'Patch: {"data": {"size": "5"}}\nconfigmap.tilt.dev/settings edited\n'
    assert json.loads(beside("get", made, "-o", "json")[1])["data"] == {"size": "5"}
    assert beside("edit", made) == (0, "", "Edit cancelled: no changes were made.\n")


def test_a_kind_with_one_object_needs_no_name(beside: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, "true")
    assert beside("edit", "session")[0] == 0
    code, out, err = beside("edit", "resources")
    assert (code, out) == (2, "")
    assert "say which: db, web" in err
    assert "there are no uibuttons" in beside("edit", "uibuttons")[2]


def test_status_is_edited_only_as_such(beside: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, 'printf "status:\\n  pid: 7\\n" >>"$0"')
    code, out, err = beside("edit", "cmd/smoke:update")
    kept = Path(err.strip().rpartition("is in ")[2].split()[0])
    kept.unlink()
    assert (code, out) == (1, "")
    assert "--subresource=status edits it" in err
    editor(monkeypatch, 'printf "status:\\n  running: {pid: 7}\\n" >>"$0"')
    assert beside("edit", "cmd/smoke:update", "--subresource=status")[0] == 0
    assert beside("get", "cmd/smoke:update", "-o", "jsonpath={.status.running.pid}")[1] == "7"


def test_an_editor_that_fails_changes_nothing(beside: CommandLine, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    editor(monkeypatch, "exit 3")
    code, out, err = beside("edit", made)
    assert (code, out) == (1, "")
    assert "ended with exit status 3: nothing is changed" in err
    monkeypatch.delenv("KUBE_EDITOR")
    monkeypatch.delenv("EDITOR", raising=False)
    assert "say which editor to use with $KUBE_EDITOR or $EDITOR" in beside("edit", made)[2]
