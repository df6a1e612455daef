"""``upright doctor``: what a run would find, and what is in its way."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.controllers.world.remote import remote
from upright.client.cli import discovery
from upright.client.cli.__main__ import main
from upright.client.cli.options import DoctorOptions
from upright.doctor import doctor, examined
from upright.findings import Section, as_json, as_text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines import RunningEngine

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no engine, no cluster, no run."""
    for name in [*os.environ]:
        if name.startswith(("KUBE", "UPRIGHT_", "TILT_", "DOCKER_", "XDG_")):
            monkeypatch.delenv(name)
    for name, below in {"HOME": "", "XDG_RUNTIME_DIR": "run", "XDG_STATE_HOME": "state"}.items():
        monkeypatch.setenv(name, str(tmp_path / below))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:  # Any: decoded JSON
    code = main(["doctor", "-o", "json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_findings_are_laid_out_under_each_other() -> None:
    found = [Section("One", {"A": "1", "Long name": "2"}, ["Broken. Mend it"]), Section("Two", {}, [], ["By the way"])]
    assert as_text(found) == (
        "One\n  A             1\n  Long name     2\nTwo\nProblems\n  - Broken. Mend it\nGood to know\n  - By the way\n"
    )
    assert as_text([Section("One")]) == "One\nNo problems found.\n"
    assert json.loads(as_json(found)) == {
        "sections": {"One": {"A": "1", "Long name": "2"}, "Two": {}},
        "problems": ["Broken. Mend it"],
        "hints": ["By the way"],
    }


def test_an_engine_that_does_not_answer_is_a_problem_where_no_other_is_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, found = said(capsys, "--engine=host")
    assert code == 1
    assert "No container engine (none answers, and --engine=host takes no other)" in found["problems"][0]
    assert f"DOCKER_HOST=unix://{tmp_path}/none.sock" in found["hints"][0]
    assert found["sections"]["Kubernetes"]["Cluster"].startswith("the embedded one")
    assert found["sections"]["Upright"]["Version"].startswith("v")
    assert found["sections"]["Folders"]["Runs"].endswith(": 0, 0 MB")
    assert list(tmp_path.iterdir()) == []  # it has made nothing


@pytest.mark.engine
def test_an_engine_that_answers_is_told_with_its_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, private_dockerd: RunningEngine
) -> None:
    monkeypatch.setenv("DOCKER_HOST", private_dockerd.info.address)
    code, found = said(capsys)
    assert code == 0, found
    assert found["sections"]["Container engine"]["Engine"].startswith(f"dockerd {private_dockerd.info.version} (API ")
    assert "BuildKit" in found["sections"]["Container engine"]


def test_a_context_that_is_not_there_is_a_problem(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("current-context: gone\ncontexts: []\n")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    code, found = said(capsys)
    assert code == 1
    assert any("no context 'gone' in the kubeconfig" in problem for problem in found["problems"])


async def test_a_cluster_is_told_with_its_version_and_whether_it_might_be_production(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with remote(tmp_path) as there:
        monkeypatch.setenv("KUBECONFIG", str(there.kubeconfig))
        cluster = next(one for one in await examined(DoctorOptions()) if one.title == "Kubernetes")
        assert cluster.problems == []
        assert (cluster.fields["Context"], cluster.fields["Namespace"]) == ("upright", "default")
        assert cluster.fields["Version"].startswith("v")
        assert cluster.fields["Registry"] == "none is advertised"
        assert "allow_k8s_contexts('upright')" in cluster.hints[0]
        monkeypatch.setenv("KUBECONFIG", str(there.through(1, tmp_path).kubeconfig))
        away = next(one for one in await examined(DoctorOptions()) if one.title == "Kubernetes")
        assert "cannot reach the cluster of context 'upright'" in away.problems[0]


def test_a_server_that_does_not_answer_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("localhost", 0)) as deaf:
        port = deaf.getsockname()[1]
        discovery.write(discovery.this_process("localhost", port, tiltfile="/shop/Tiltfile"))
        code, found = said(capsys)
        discovery.remove()
    assert code == 1
    assert f"The upright on port {port} (process {os.getpid()}) does not answer" in " ".join(found["problems"])
    assert found["sections"]["Running servers"][f"Port {port}"].startswith("/shop/Tiltfile, process")


def test_text_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    doctor(DoctorOptions(engine="host"))
    assert "\nProblems\n  - No container engine" in capsys.readouterr().out
    assert main(["doctor", "me"]) == 2
