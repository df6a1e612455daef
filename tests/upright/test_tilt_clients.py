"""A run as Tilt's own clients see it: the entry in their config, and the real binary where it is at hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

UPRIGHT = Path(sys.executable).with_name("upright")
TILTFILE = """
local_resource('one', cmd='echo hello from one', labels=['front'])
local_resource('two', cmd='echo > began; sleep 300', resource_deps=['one'])
"""


class Going:
    """A run that goes on in a folder of its own, and Tilt's clients beside it."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.config = folder / "tilt-dev" / "config"
        places = {
            "HOME": folder,
            "XDG_STATE_HOME": folder / "state",
            "XDG_RUNTIME_DIR": folder,
            "XDG_CACHE_HOME": folder,
        }
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("KUBE", "UPRIGHT_", "TILT_", "DOCKER_"))}
        self.environment = kept | {n: str(v) for n, v in places.items()} | {"TILT_DEV_DIR": str(folder / "tilt-dev")}
        (folder / "Tiltfile").write_text(TILTFILE)
        os.mkfifo(folder / "began")
        self.process = subprocess.Popen(
            [UPRIGHT, "ci", "--port=0", *flags],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = self.process.stdout.readline().strip().rstrip("/").rpartition(":")[2]
        (folder / "began").read_text()

    def tilt(self, *arguments: str, fails: bool = False) -> str:
        """Return what the real Tilt prints."""
        command, environment = (
            [os.environ["UPRIGHT_TEST_TILT"], *arguments],
            {**self.environment, "TILT_PORT": self.port},
        )
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=30, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the run and wait for it."""
        self.process.send_signal(number)
        self.process.communicate(timeout=20)

    def contexts(self) -> list[str]:
        config = yaml.safe_load(self.config.read_text())
        return [entry["name"] for entry in config["contexts"]]


@contextmanager
def going(folder: Path, *flags: str) -> Generator[Going]:
    run = Going(folder, *flags)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.end(signal.SIGKILL)


def test_a_run_is_entered_where_tilt_looks_and_taken_out_at_its_end(tmp_path: Path) -> None:
    with going(tmp_path) as run:
        assert run.contexts() == [f"tilt-{run.port}"]
        run.end()
        assert run.contexts() == []


def test_the_entry_of_a_killed_run_goes_with_the_next(tmp_path: Path) -> None:
    with going(tmp_path) as killed:
        killed.end(signal.SIGKILL)
        assert killed.contexts() == [f"tilt-{killed.port}"]
    (tmp_path / "began").unlink()
    with going(tmp_path) as run:
        assert run.contexts() == [f"tilt-{run.port}"]
        run.end()


def test_a_run_that_is_not_to_be_entered_is_not(tmp_path: Path) -> None:
    with going(tmp_path, "--no-tilt-config") as run:
        run.end()
        assert not run.config.parent.exists()


@pytest.mark.skipif("UPRIGHT_TEST_TILT" not in os.environ, reason="needs the real tilt: UPRIGHT_TEST_TILT=/path/to/it")
@pytest.mark.timeout(180)
def test_the_real_tilt_works_unchanged(tmp_path: Path) -> None:
    with going(tmp_path) as run:
        assert "Tiltfile" in run.tilt("get", "session")
        assert run.tilt("get", "uiresources", "-l", "front", "-o", "name") == "uiresource.tilt.dev/one\n"
        assert "Kind:         Session" in run.tilt("describe", "session/Tiltfile")
        assert "uiresources" in run.tilt("api-resources")
        assert "VERSION:    v1alpha1" in run.tilt("explain", "session.status")
        assert "condition met" in run.tilt("wait", "--for=condition=Ready", "uiresource/one", "--timeout", "10s")
        assert "hello from one\n" in run.tilt("logs", "one")
        lines = [json.loads(line) for line in run.tilt("logs", "--json").splitlines()]
        assert {"one", "two", "(Tiltfile)"} <= {line["resource"] for line in lines}
        assert "Successfully triggered" in run.tilt("trigger", "one")
        assert 'resource "none" does not exist' in run.tilt("trigger", "none", fails=True)
        run.tilt("disable", "one")
        run.tilt("wait", "--for=jsonpath={.status.disableStatus.state}=Disabled", "uiresource/one", "--timeout", "10s")
        assert "currently disabled" in run.tilt("trigger", "one", fails=True)
        run.tilt("enable", "one")
        run.tilt("wait", "--for=jsonpath={.status.disableStatus.state}=Enabled", "uiresource/one", "--timeout", "10s")
        run.tilt("create", "cmd", "mine", "echo", "from mine")
        run.tilt("wait", "--for=jsonpath={.status.terminated.exitCode}=0", "cmd/mine", "--timeout", "10s")
        run.tilt("delete", "cmd", "mine")
        assert json.loads(run.tilt("dump", "webview"))["isComplete"]
        assert "segments" in json.loads(run.tilt("dump", "logstore"))
        assert json.loads(run.tilt("dump", "engine"))["sessions"]
        assert json.loads(run.tilt("snapshot", "create"))["view"]["uiResources"]
        assert "two" in run.tilt("alpha", "tree-view")
        run.tilt("args", "--", "one", "two")
        assert run.tilt("get", "tiltfile", "(Tiltfile)", "-o", "jsonpath={.spec.args}") == '["one","two"]'
        run.end()
