"""Snapshots are kept in files, and looked at."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.conftest import CommandLine, Staying

VIEW = [sys.executable, "-m", "upright.client.cli", "snapshot", "view"]


def seen(process: subprocess.Popen[str]) -> str:
    """Return the page that a viewer says it serves."""
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("Serving snapshot at http://localhost:")
    host, _, path = said.split()[-1].removeprefix("http://").partition("/")
    connection = HTTPConnection(host, timeout=10)
    connection.request("GET", f"/{path}")
    page = connection.getresponse().read().decode()
    connection.close()
    return page


@pytest.mark.slow
def test_a_snapshot_of_a_run_is_shown_until_interrupted(staying: Staying, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert staying("snapshot", "create", str(file)).returncode == 0
    with subprocess.Popen([*VIEW, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as viewer:
        page = seen(viewer)
        viewer.send_signal(signal.SIGINT)
        out, err = viewer.communicate(timeout=20)
    assert ">one<" in page
    assert "hello from one" in page
    assert (viewer.returncode, out, err) == (0, "", ""), "no browser is opened, and nothing more is said"


@pytest.mark.slow
def test_a_snapshot_may_come_from_stdin(staying: Staying) -> None:
    made = staying("snapshot", "create").stdout
    with subprocess.Popen([*VIEW, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdin is not None
        viewer.stdin.write(made)
        viewer.stdin.close()
        assert "hello from one" in seen(viewer)
        viewer.terminate()
        viewer.wait(20)
    assert viewer.returncode == 0


def test_what_cannot_be_shown_is_said(upright: CommandLine, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"kind": "Session"}))
    code, _, err = upright("snapshot", "view", str(wrong))
    assert code == 1
    assert "it is no snapshot of Tilt's or Upright's" in err
    assert upright("snapshot", "view", str(tmp_path / "none"))[0] == 1
    assert upright("snapshot", "view")[0] == 2
    (tmp_path / "least.json").write_text('{"view": {}}')
    code, _, err = upright("snapshot", "view", str(tmp_path / "least.json"), "--host=0.0.0.0")
    assert code == 2
    assert "loopback only" in err
