"""A run as Tilt's own clients see it: the entry in their config, and the real binary where it is at hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

UPRIGHT = Path(sys.executable).with_name("upright")
TILTFILE = """
local_resource('one', cmd='echo hello from one', labels=['front'])
local_resource('two', cmd='echo > began; sleep 300', resource_deps=['one'])
"""


class Going:
    """A run that goes on in a folder of its own, and Tilt's clients beside it."""

    def __init__(self, folder: Path, *flags: str, tiltfile: str = TILTFILE) -> None:
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
        (folder / "Tiltfile").write_text(tiltfile)
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

    @contextmanager
    def tilt_going(self, *arguments: str) -> Generator[subprocess.Popen[str]]:
        """Run the real Tilt with what goes on until it is ended."""
        command, environment = (
            [os.environ["UPRIGHT_TEST_TILT"], *arguments],
            {**self.environment, "TILT_PORT": self.port},
        )
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the run and wait for it."""
        self.process.send_signal(number)
        self.process.communicate(timeout=20)

    def entered(self) -> None:
        """Wait until the run is entered, which may be after its first command has begun."""
        name = f"tilt-{self.port}"
        while not (self.config.exists() and name in self.config.read_text()):
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
                raise AssertionError(f"it ended before it was entered: {self.process.communicate()[0]}")

    def contexts(self) -> list[str]:
        config = yaml.safe_load(self.config.read_text())
        return [entry["name"] for entry in config["contexts"]]


@contextmanager
def going(folder: Path, *flags: str, tiltfile: str = TILTFILE) -> Generator[Going]:
    run = Going(folder, *flags, tiltfile=tiltfile)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.end(signal.SIGKILL)


def test_a_run_is_entered_where_tilt_looks_and_taken_out_at_its_end(tmp_path: Path) -> None:
    with going(tmp_path) as run:
        run.entered()
        assert run.contexts() == [f"tilt-{run.port}"]
        run.end()
        assert run.contexts() == []


def test_the_entry_of_a_killed_run_goes_with_the_next(tmp_path: Path) -> None:
    with going(tmp_path) as killed:
        killed.entered()
        killed.end(signal.SIGKILL)
        assert killed.contexts() == [f"tilt-{killed.port}"]
    (tmp_path / "began").unlink()
    with going(tmp_path) as run:
        run.entered()
        assert run.contexts() == [f"tilt-{run.port}"]
        run.end()


def test_a_run_that_is_not_to_be_entered_is_not(tmp_path: Path) -> None:
    with going(tmp_path, "--no-tilt-config") as run:
        run.end()
        assert not run.config.parent.exists()


real_tilt = pytest.mark.skipif(
    "UPRIGHT_TEST_TILT" not in os.environ, reason="needs the real tilt: UPRIGHT_TEST_TILT=/path/to/it"
)


@real_tilt
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


STAYING = """
config.define_string('word')
word = config.parse().get('word', 'none')
ci_settings(stable_for='100ms')
local_resource('one', cmd='echo run >> runs; echo word is %s' % word, labels=['front'])
local_resource('two', cmd='test -e server || echo > began', serve_cmd='echo $$ > server; exec sleep 300', labels=['back'])
"""
ONES_STATE = "jsonpath={.status.disableStatus.state}"
MINE = """
apiVersion: tilt.dev/v1alpha1
kind: ConfigMap
metadata: {name: mine, labels: {a: b}}
data: {a: b}
"""


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[Going]:
    """A run that has come to its verdict, and stays."""
    with going(tmp_path, "--stay", tiltfile=STAYING) as run:
        run.tilt("wait", "--for=jsonpath={.status.done}=true", "session/Tiltfile", "--timeout", "20s")
        yield run
        run.end()


@real_tilt
@pytest.mark.timeout(180)
def test_what_the_real_tilt_switches_stops_and_starts(staying: Going) -> None:
    server = psutil.Process(int((staying.folder / "server").read_text()))
    staying.tilt("disable", "-l", "back")
    staying.tilt("wait", f"--for={ONES_STATE}=Disabled", "uiresource/two", "--timeout", "20s")
    server.wait(20)
    assert "two" in staying.tilt("get", "uiresource", "-o", "name")
    staying.tilt("enable", "two")
    staying.tilt("wait", "--for=jsonpath={.status.runtimeStatus}=ok", "uiresource/two", "--timeout", "20s")
    assert psutil.pid_exists(int((staying.folder / "server").read_text()))
    staying.tilt("enable", "--only", "one")
    staying.tilt("wait", f"--for={ONES_STATE}=Disabled", "uiresource/two", "--timeout", "20s")
    staying.tilt("enable", "--all")
    staying.tilt("wait", f"--for={ONES_STATE}=Enabled", "uiresource/two", "--timeout", "20s")
    assert 'no such resource "none"' in staying.tilt("disable", "none", fails=True)


@real_tilt
@pytest.mark.timeout(180)
def test_what_the_real_tilt_triggers_runs_again(staying: Going) -> None:
    def runs() -> int:
        return len((staying.folder / "runs").read_text().split())

    assert runs() == 1
    with staying.tilt_going("logs", "-f", "one") as followed:
        assert followed.stdout is not None
        assert "word is none\n" in iter(followed.stdout.readline, "")
        staying.tilt("trigger", "one")
        assert "word is none\n" in iter(followed.stdout.readline, "")
    assert runs() == 2
    staying.tilt("args", "--", "--word", "new")
    lines = staying.tilt("get", "tiltfile", "(Tiltfile)", "-o", "jsonpath={.spec.args}")
    assert lines == '["--word","new"]'
    with staying.tilt_going("logs", "-f", "one") as followed:
        assert followed.stdout is not None
        assert "word is new\n" in iter(followed.stdout.readline, "")
    assert staying.tilt("args", "--", "--word", "new") == "", "nothing to be done, which it says on stderr"
    staying.tilt("args", "--clear")
    assert staying.tilt("get", "tiltfile", "(Tiltfile)", "-o", "jsonpath={.spec.args}") in {"", "[]"}
    staying.tilt("trigger", "(Tiltfile)")


@real_tilt
@pytest.mark.timeout(180)
def test_the_real_tilt_changes_and_explains_objects(staying: Going) -> None:
    (staying.folder / "mine.yaml").write_text(MINE)
    editor = staying.folder / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/^  a: .*/  a: edited/' $1\n")
    editor.chmod(0o755)
    staying.environment |= {"EDITOR": str(editor), "KUBE_EDITOR": str(editor)}
    assert "configmap.tilt.dev/mine created" in staying.tilt("create", "-f", "mine.yaml")
    assert "unchanged" not in staying.tilt("apply", "-f", "mine.yaml")
    assert "edited" in staying.tilt("edit", "cm", "mine")
    assert staying.tilt("get", "cm", "mine", "-o", "jsonpath={.data.a}") == "edited"
    staying.tilt("patch", "cm", "mine", "--type", "json", "-p", '[{"op":"add","path":"/data/z","value":"y"}]')
    assert "condition met" in staying.tilt("wait", "--for=jsonpath={.data.z}=y", "cm/mine")
    assert 'configmap.tilt.dev "mine" deleted' in staying.tilt("delete", "cm", "-l", "a=b")
    staying.tilt("wait", "--for=delete", "cm/mine", "--timeout", "5s")
    assert "timed out" in staying.tilt("wait", "--for=delete", "uiresource/one", "--timeout", "1s", fails=True)
    assert 'uiresources.tilt.dev "none" not found' in staying.tilt("get", "uiresource", "none", fails=True)
    assert "<[]Failure>" in staying.tilt("explain", "session.status")
    assert "uiresources" in staying.tilt("api-resources", "--api-group", "tilt.dev")
    staying.tilt("snapshot", "create", "snap.json")
    assert json.loads((staying.folder / "snap.json").read_text())["view"]["uiSession"]
    assert "No blocked resources" in staying.tilt("alpha", "tree-view", "--blockers")
    targets = "{.status.targets[?(@.name=='tiltfile:update')].state.terminated}{'\\n'}"
    with staying.tilt_going("get", f"-ojsonpath={targets}", "--watch", "session", "Tiltfile") as watched:
        assert watched.stdout is not None
        assert json.loads(watched.stdout.readline())["finishTime"]
