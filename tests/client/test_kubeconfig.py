from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from upright.client.kubeconfig import Access, read, render, write

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = Access("https://127.0.0.1:1234", "-----BEGIN CERTIFICATE-----\n", "secret", "upright-embedded")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kubeconfig"
    write(path, ACCESS)
    assert read(path) == ACCESS
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["kubeconfig"]


def test_it_is_yaml_with_a_current_context() -> None:
    config = yaml.safe_load(render(ACCESS))
    assert config["current-context"] == "upright-embedded"
    assert config["clusters"][0]["cluster"]["server"] == ACCESS.server


@pytest.mark.parametrize("text", ["", "[]", "apiVersion: v1", '{"current-context": "x", "contexts": []}'])
def test_a_file_of_somebody_else_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a kubeconfig that upright wrote"):
        read(path)


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(ACCESS)
