"""The server alone, as a process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from msgspec.structs import asdict

from upright.apiserver.limits import DEFAULT_LIMITS
from upright.apiserver.sockets import listen_on_loopback, port_of
from upright.client import kubeconfig

if TYPE_CHECKING:
    from anyio.abc import Process

COMMAND = [sys.executable, "-m", "upright.apiserver"]
SAID = [sys.executable, "-m", "upright.client.cli", "apiserver"]
_NOT_BEFORE_THE_FIRST_ANSWER = ("fastapi", "starlette", "yaml", "websockets", "jsonpatch", "aiohttp", "kubernetes")


def _environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_RUNTIME_DIR": str(tmp_path)}


async def _line(process: Process) -> str:
    assert process.stderr is not None
    told = b""
    while not told.endswith(b"\n"):
        told += await process.stderr.receive(1)
    return told.decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_a_signal_and_ends_well(tmp_path: Path, name: signal.Signals) -> None:
    with anyio.fail_after(20):
        command = [*COMMAND, "--port", "0", "--state", str(tmp_path / "run")]
        async with await anyio.open_process(command, env=_environment(tmp_path)) as process:
            port = int((await _line(process)).rpartition(":")[2])
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/apis/session")
            assert connection.getresponse().status == 200
            connection.close()
            process.send_signal(name)
            assert await process.wait() == 0


@pytest.mark.slow
async def test_what_was_written_is_there_after_kill_9(tmp_path: Path) -> None:
    command = [*COMMAND, "--port", "0", "--state", str(tmp_path / "run")]
    for seen in ((), ("one",)):
        with anyio.fail_after(20):
            async with await anyio.open_process(command, env=_environment(tmp_path)) as process:
                port = int((await _line(process)).rpartition(":")[2])
                path = (await _line(process)).split()[-1]
                assert await anyio.to_thread.run_sync(_names, port) == seen
                await anyio.to_thread.run_sync(_create, path)
                process.kill()


def _names(port: int) -> tuple[str, ...]:
    connection = http.client.HTTPConnection("localhost", port, timeout=5)
    connection.request("GET", "/apis/session")
    items = json.loads(connection.getresponse().read())["items"]
    connection.close()
    return tuple(item["metadata"]["name"] for item in items)


def _create(path: str) -> None:
    access = kubeconfig.read(Path(path))
    host, _, port = access.server.removeprefix("https://").partition(":")
    tls = ssl.create_default_context(cadata=access.authority)
    connection = http.client.HTTPSConnection(host, int(port), context=tls, timeout=5)
    body = {"metadata": {"name": "one"}, "spec": {"tiltfilePath": "/p"}}
    held = {"Authorization": f"Bearer {access.token}"}
    connection.request("POST", "/apis/tilt.dev/v1alpha1/sessions", json.dumps(body), held)
    connection.getresponse().read()
    connection.close()


def test_a_port_that_is_taken_is_exit_code_2_with_a_hint(tmp_path: Path) -> None:
    held = listen_on_loopback("localhost", 0)
    try:
        command = [*COMMAND, "--port", str(port_of(held)), "--state", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(tmp_path))
    finally:
        for bound in held:
            bound.close()
    assert done.returncode == 2
    assert f"port {command[4]} on localhost is taken" in done.stderr
    assert "--port" in done.stderr


def test_a_host_that_others_reach_is_refused(tmp_path: Path) -> None:
    command = [*COMMAND, "--host", "0.0.0.0", "--port", "0", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(tmp_path))
    assert (done.returncode, "loopback only" in done.stderr) == (2, True)


def test_nothing_is_imported_that_the_first_answer_does_not_need() -> None:
    program = (
        "import sys, upright.apiserver.server, upright.apiserver.registry; "
        "from upright.apiserver.listener import Listener; Listener(None, [])._config.load(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        *_NOT_BEFORE_THE_FIRST_ANSWER,
        "cryptography",
        "psycopg",
        "sqlite3",
        "click",
        "multiprocessing",
    }


@pytest.mark.parametrize("use", ["uvicorn.run", "uvicorn.Server", "uvicorn.main", "uvicorn.__version__"])
def test_who_imports_uvicorn_beside_us_gets_the_whole_of_it(use: str) -> None:
    program = (
        f"import upright.apiserver.listener, uvicorn; assert {use}; assert uvicorn.Config is uvicorn.config.Config"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_uvicorn_that_was_imported_before_is_used() -> None:
    program = "import uvicorn, upright.apiserver.listener as ours; assert ours.Config is uvicorn.Config"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["flag", "variable"])
async def test_the_limits_of_a_request_can_be_set(tmp_path: Path, by: str) -> None:
    given = ["--max-url-bytes=100"] if by == "flag" else []
    environment = _environment(tmp_path) | ({} if given else {"UPRIGHT_MAX_URL_BYTES": "100"})
    command = [*SAID, "--port", "0", "--state", str(tmp_path / "run"), *given]
    with anyio.fail_after(20):
        async with await anyio.open_process(command, env=environment) as process:
            port = int((await _line(process)).rpartition(":")[2])
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", f"/apis/session?labelSelector={'a' * 100}")
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["reason"]) == (414, "RequestURITooLong")
            connection.close()
            process.terminate()
            assert await process.wait() == 0


@pytest.mark.slow
async def test_how_long_labels_may_be_can_be_set(tmp_path: Path) -> None:
    command = [*SAID, "--port", "0", "--state", str(tmp_path / "run"), "--max-metadata-bytes=20"]
    with anyio.fail_after(20):
        async with await anyio.open_process(command, env=_environment(tmp_path)) as process:
            port = int((await _line(process)).rpartition(":")[2])
            token = kubeconfig.read(Path((await _line(process)).rpartition(" ")[2].strip())).token
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            told: dict[str, object] = {}
            for length, code in ((19, 201), (20, 422)):
                metadata = {"name": f"n{length}", "labels": {"a": "b" * length}}
                body = json.dumps({"metadata": metadata, "spec": {"args": ["x"]}})
                connection.request("POST", "/apis/tilt.dev/v1alpha1/cmds", body, {"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                told = json.loads(answer.read())
                assert answer.status == code, told
            assert "metadata.labels: Too long: may not be more than 20 bytes" in str(told["message"])
            connection.close()
            process.terminate()
            assert await process.wait() == 0


def test_the_command_tells_all_limits_with_their_defaults() -> None:
    told = subprocess.run([*SAID, "--help"], capture_output=True, text=True, check=True).stdout
    for field, value in asdict(DEFAULT_LIMITS).items():
        assert f"(default {value:g})" in told or f"(default {value})" in told, field


def test_a_limit_that_is_none_is_said() -> None:
    done = subprocess.run([*COMMAND, "--max-body-bytes", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert '"0" is not a whole number above 0' in done.stderr
