"""Programs and tests bring a Tiltfile up themselves; the examples of the documentation work."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import anyio
import anyio.to_thread
import psutil
import pytest

import upright
from upright.openapi.v1alpha1.resource import Resource

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
TILTFILE = (
    "local_resource('web', cmd='true', serve_cmd='echo $$ > server; exec sleep 300', links=['http://localhost:1'])\n"
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, in which the tests are, with a home of its own."""
    for name in ("HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TILT_DEV_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Tiltfile").write_text(TILTFILE)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Tiltfile").write_text("local_resource('bad', cmd='echo no good; exit 3')\n")
    return tmp_path


def server_of(project: Path) -> psutil.Process:
    return psutil.Process(int((project / "server").read_text()))


def test_a_tiltfile_is_up_within_the_block_and_gone_after_it(project: Path) -> None:
    with upright.ci("Tiltfile") as session:
        assert (session.verdict, session.failures) == ("healthy", [])
        assert session.urls("web") == ["http://localhost:1"]
        server = server_of(project)
        assert server.is_running()
    assert not server.is_running()
    assert session.process.returncode is not None


def test_a_session_that_is_not_checked_may_be_looked_at(project: Path) -> None:
    with upright.ci("broken/Tiltfile", check=False) as session:
        assert (session.verdict, session.failures[0]["resource"]) == ("failed", "bad")
        assert session.resources()["bad"]["status"]["updateStatus"] == "error"
        with pytest.raises(LookupError, match="no cluster"):
            _ = session.kubeconfig
    assert session.process.returncode is not None


def test_a_run_that_does_not_start_is_an_error_also_where_nobody_checks() -> None:
    with (
        pytest.raises(upright.RunFailed, match=r"did not start: .*no-such-flag"),
        upright.ci("Tiltfile", check=False, flags=["--no-such-flag"]),
    ):
        pytest.fail("the block is not entered")


class _Trouble(Exception):
    """What goes wrong in the block."""


async def test_a_block_that_fails_or_is_cancelled_leaves_nothing(project: Path) -> None:
    servers: list[psutil.Process] = []

    async def fail() -> None:
        async with upright.ci("Tiltfile"):
            servers.append(server_of(project))
            raise _Trouble

    with pytest.raises(_Trouble):
        await fail()
    with anyio.CancelScope() as scope:
        async with upright.ci("Tiltfile"):
            servers.append(server_of(project))
            scope.cancel()
            await anyio.sleep_forever()
    assert not any(server.is_running() for server in servers)


async def test_a_run_that_is_cancelled_before_its_verdict_leaves_nothing(project: Path) -> None:
    os.mkfifo(project / "began")
    (project / "Tiltfile").write_text("local_resource('slow', cmd='echo $$ > server; echo > began; sleep 300')\n")
    run = upright.ci("Tiltfile")

    async def enter() -> None:
        async with run:
            pytest.fail("the block is not entered")

    servers: list[psutil.Process] = []
    async with anyio.create_task_group() as group:
        group.start_soon(enter)
        await anyio.to_thread.run_sync((project / "began").read_text)
        servers.append(server_of(project))
        group.cancel_scope.cancel()
    assert not servers[0].is_running()


async def test_an_asynchronous_session_has_a_typed_client() -> None:
    async with upright.ci("Tiltfile") as session:
        web = await session.client.get(Resource, "web")
        assert (web.status.update_status, web.status.runtime_status) == ("ok", "ok")


def test_what_fails_is_raised_with_its_cards() -> None:
    with pytest.raises(upright.RunFailed, match="failed") as raised, upright.ci("broken/Tiltfile"):
        pytest.fail("the block is not entered")
    assert "✗ bad: " in str(raised.value)
    assert "no good" in str(raised.value)
    session = raised.value.session
    assert session.failures[0]["resource"] == "bad"
    assert "no good" in session.output


def test_a_killed_program_leaves_nothing(project: Path) -> None:
    program = (
        "from upright import ci\nimport sys\n"
        "with ci('Tiltfile') as session:\n    print(session.process.pid, flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        run = psutil.Process(int(killed.stdout.readline()))
        server = server_of(project)
        killed.send_signal(signal.SIGKILL)
    psutil.wait_procs([run, server], timeout=20)
    assert not run.is_running() or run.status() == psutil.STATUS_ZOMBIE
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("example", [text for text in EXAMPLES if "cluster=" not in text and "def test_" not in text])
def test_the_examples_of_the_documentation_work(example: str) -> None:
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr


def test_the_fixture_brings_the_tiltfile_up(project: Path) -> None:
    (example,) = (text for text in EXAMPLES if "def test_" in text)
    (project / "test_it.py").write_text(example)
    (project / "pytest.ini").write_text("[pytest]\nupright_tiltfile = Tiltfile\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:looptime_plugin", "test_it.py"]
    if not entry_points(group="pytest11", name="upright"):  # installed before the plugin was there
        command += ["-p", "upright.pytest_plugin"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert not server_of_or_gone(project)


def server_of_or_gone(project: Path) -> bool:
    try:
        return server_of(project).is_running()
    except psutil.NoSuchProcess:
        return False


def test_importing_upright_imports_nothing_heavy() -> None:
    program = "import sys, upright; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"pydantic", "anyio", "subprocess", "aiohttp", "asyncio"}.isdisjoint(done.stdout.split())
