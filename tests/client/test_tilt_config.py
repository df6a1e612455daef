"""Servers are entered where Tilt's clients look, and taken out again, whatever else stands there."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from upright.client import tilt_config, tilt_folder
from upright.client.kubeconfig import Access
from upright.client.tilt_config import NotAKubeconfig

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = Access("https://127.0.0.1:1234", "PEM", "secret")
ME = {"pid": 1, "started": "now"}
OTHERS = """
apiVersion: v1
kind: Config
current-context: ""
clusters:
- name: tilt-default
  cluster: {server: "https://127.0.0.1:9", certificate-authority-data: aGk=}
contexts:
- name: tilt-default
  context: {cluster: tilt-default, user: tilt-default}
users:
- name: tilt-default
  user: {token: theirs}
unknown: [kept]
"""


def alive(note: dict[str, Any]) -> bool:
    return note == ME


def read(path: Path) -> Any:  # noqa: ANN401  reason: a decoded document
    return yaml.safe_load(path.read_text())


def names(path: Path, what: str = "contexts") -> list[str]:
    return [entry["name"] for entry in read(path)[what]]


def test_a_server_is_entered_as_tilt_enters_itself_and_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    tilt_config.add(path, "tilt-1", ACCESS, ME, alive)
    assert path.stat().st_mode & 0o777 == 0o600
    (context,) = read(path)["contexts"]
    assert (context["name"], context["context"]["cluster"], context["context"]["user"]) == ("tilt-1",) * 3
    (cluster,) = read(path)["clusters"]
    assert (cluster["cluster"]["server"], cluster["cluster"]["certificate-authority-data"]) == (ACCESS.server, "UEVN")
    assert read(path)["users"][0]["user"]["token"] == "secret"
    tilt_config.remove(path, "tilt-1", ME)
    assert [names(path, what) for what in ("contexts", "clusters", "users")] == [[], [], []]


def test_what_others_wrote_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHERS)
    tilt_config.add(path, "tilt-1", ACCESS, ME, alive)
    assert names(path) == ["tilt-default", "tilt-1"]
    tilt_config.remove(path, "tilt-1", ME)
    assert read(path) == yaml.safe_load(OTHERS)


def test_entries_of_runs_that_were_killed_are_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHERS)
    tilt_config.add(path, "tilt-7", ACCESS, {"pid": 2, "started": "long ago"}, alive)
    tilt_config.add(path, "tilt-1", ACCESS, ME, alive)
    assert names(path) == names(path, "users") == names(path, "clusters") == ["tilt-default", "tilt-1"]


def test_an_entry_that_somebody_else_made_anew_is_not_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "config"
    tilt_config.add(path, "tilt-1", ACCESS, {"pid": 3}, lambda _: True)
    tilt_config.remove(path, "tilt-1", ME)
    assert names(path) == ["tilt-1"]


@pytest.mark.parametrize("text", ["just words", "[1, 2]", "contexts: 5", "a: b: c"])
def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NotAKubeconfig, match="config"):
        tilt_config.add(path, "tilt-1", ACCESS, ME, alive)
    assert path.read_text() == text


def test_tilts_lock_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "config"
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    script = (
        "import sys, pathlib; from upright.client import tilt_config; from upright.client.kubeconfig import Access;"
        "print('ready', flush=True);"
        "tilt_config.add(pathlib.Path(sys.argv[1]), 'tilt-1', Access('s', 'a', 't'), {}, bool)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.3)
        assert not path.exists()
        os.close(lock)
        assert other.wait(10) == 0
    assert names(path) == ["tilt-1"]


def test_the_files_are_where_tilt_has_them(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert tilt_folder.config_file(home) == tmp_path / ".tilt-dev" / "config"
    assert (
        tilt_folder.config_file({**home, "TILT_DEV_DIR": "/d"}) == tilt_folder.folder({"WINDMILL_DIR": "/d"}) / "config"
    )
    assert str(tilt_folder.config_file({**home, "TILT_CONFIG": "/c"})) == "/c"
    (tmp_path / ".windmill").mkdir()
    assert tilt_folder.folder(home) == tmp_path / ".windmill"
    assert (tilt_folder.context_name(10350), tilt_folder.context_name(9)) == ("tilt-default", "tilt-9")


def test_the_web_token_is_the_one_that_tilts_clients_made(tmp_path: Path) -> None:
    home = {"TILT_DEV_DIR": str(tmp_path)}
    assert tilt_folder.web_token(home) == ""
    (tmp_path / "token").write_text("a-token")
    assert tilt_folder.web_token(home) == "a-token"
