from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.engines import IMAGE, RunningEngine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.cli.conftest import CommandLine, Served


@pytest.mark.parametrize(("what", "key"), [("webview", "uiResources"), ("engine", "sessions"), ("openapi", "swagger")])
def test_what_a_server_knows_is_one_document(served: Served, beside: CommandLine, what: str, key: str) -> None:
    code, out, _ = beside("dump", what, f"--port={served.port}")
    assert (code, key in json.loads(out)) == (0, True)


def test_a_misspelt_document_gets_a_suggestion(upright: CommandLine) -> None:
    code, _, err = upright("dump", "engin")
    assert code == 2
    assert "engine" in err


def test_a_snapshot_is_kept_in_a_file(served: Served, beside: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert beside("snapshot", "create", str(file), f"--port={served.port}")[0] == 0
    assert json.loads(file.read_text())["view"]["isComplete"]
    assert beside("snapshot", "create", "a", "b")[0] == 2


def test_openapi_needs_no_server(upright: CommandLine) -> None:
    code, out, _ = upright("dump", "openapi")
    assert (code, json.loads(out)["swagger"]) == (0, "2.0")
    assert upright("dump", "engine")[0] == 3


def test_there_is_a_page_about_each_command(upright: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "docs"
    code, out, _ = upright("dump", "cli-docs", f"--dir={folder}")
    assert (code, out) == (0, "")
    pages = {file.name: file.read_text() for file in folder.iterdir()}
    assert {"upright.md", "upright_get.md", "upright_dump.md", "upright_dump_cli-docs.md", "upright_alpha.md"} <= set(
        pages
    )
    for name, text in pages.items():
        for target in re.findall(r"\]\((upright[^)]*\.md)\)", text):
            assert target in pages, f"{name} leads to {target}"
    linked = {target for text in pages.values() for target in re.findall(r"\]\((upright[^)]*\.md)\)", text)}
    assert linked == set(pages) - {"upright.md"}
    assert "| `-f`, `--follow` | go on as more is logged, until the run ends |" in pages["upright_logs.md"]
    assert "`$UPRIGHT_PORT`, `$TILT_PORT`" in pages["upright_get.md"]


def test_the_reference_of_the_tiltfile_is_written(upright: CommandLine, tmp_path: Path) -> None:
    assert upright("dump", "api-docs", f"--dir={tmp_path}")[0] == 0
    compile((tmp_path / "tiltfile.pyi").read_text(), "tiltfile.pyi", "exec")
    assert "local_resource" in (tmp_path / "tiltfile.md").read_text()


@pytest.mark.parametrize("words", [("api-docs", "--dir=/proc/none"), ("cli-docs", "--dir=/proc/none")])
def test_what_cannot_be_written_is_said(upright: CommandLine, words: tuple[str, ...]) -> None:
    code, _, err = upright("dump", *words)
    assert code == 1
    assert "cannot be written" in err


@pytest.mark.engine
@pytest.mark.slow
def test_an_image_has_the_name_under_which_it_is_deployed(
    upright: CommandLine, private_dockerd: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", private_dockerd.info.address)
    code, out, _ = upright("dump", "image-deploy-ref", IMAGE)
    assert code == 0
    assert re.fullmatch(r"toolbox:tilt-[0-9a-f]{16}", out)
    code, out, err = upright("dump", "image-deploy-ref", "nowhere:1")
    assert (code, out) == (1, "")
    assert "nowhere:1" in err
    assert upright("dump", "image-deploy-ref")[0] == 2
