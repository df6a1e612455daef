from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

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
