from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

from upright.client.cli.__main__ import main

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs/tiltfile-api.md"


def test_a_tiltfile_is_checked_without_a_cluster_or_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Tiltfile").write_text('local_resource("a", "make")\nlocal_resource("b", "x", resource_deps = ["a"])\n')
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The Tiltfile is right: 2 resources.")
    assert "after    a" in said
    assert "runs     sh -c make" in said


def test_a_wrong_tiltfile_ends_a_check_with_exit_code_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Tiltfile").write_text("local_resurce()\n")
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile")]) == 5
    assert "did you mean local_resource?" in capsys.readouterr().err


def test_the_result_is_one_json_object_whatever_the_tiltfile_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Tiltfile").write_text('print("hello")\nlocal_resource("a", str(local("echo make")))\n')
    assert main(["alpha", "tiltfile-result", "-f", str(tmp_path / "Tiltfile")]) == 0
    (manifest,) = json.loads(capsys.readouterr().out)["Manifests"]
    assert manifest["DeployTarget"]["UpdateCmdSpec"]["args"] == ["sh", "-c", "make"]


def test_the_stub_of_all_functions_is_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiltfile", "api", "--form", "stub"]) == 0
    names = {node.name for node in ast.parse(capsys.readouterr().out).body if isinstance(node, ast.FunctionDef)}
    assert {"docker_build", "k8s_yaml", "local_resource"} <= names


def test_the_page_of_all_functions_in_the_documents_is_the_one_that_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tiltfile", "api", "--form", "markdown"]) == 0
    assert capsys.readouterr().out == PAGE.read_text(), (
        "run: upright tiltfile api --form markdown > docs/tiltfile-api.md"
    )
