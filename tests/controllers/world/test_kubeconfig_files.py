from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from upright.controllers.world.kubeconfig_files import choose_context
from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    from pathlib import Path


def config(server: str, **more: object) -> str:
    return yaml.safe_dump(
        {
            "contexts": [{"name": "shop", "context": {"cluster": "kind-shop", "user": "me"}}],
            "clusters": [{"name": "kind-shop", "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
            "users": [
                {"name": "me", "user": {"client-key": "/keys/me", "exec": {"command": "bin/login", "args": ["x"]}}},
                {"name": "other", "user": {"token": "secret"}},
            ],
            **more,
        }
    )


def test_the_first_of_several_files_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "config", tmp_path / "b"
    first.parent.mkdir()
    first.write_text(config("https://one"))
    second.write_text(config("https://two", **{"current-context": "shop"}))
    found = choose_context("", "", {"KUBECONFIG": f"{first}:{tmp_path / 'absent'}:{second}"})
    assert (found.name, found.server, found.product, found.namespace) == ("shop", "https://one", "kind", "default")


def test_a_frozen_copy_holds_the_context_alone_with_absolute_paths(tmp_path: Path) -> None:
    path, frozen = tmp_path / "config", tmp_path / "run" / "kubeconfig"
    path.write_text(config("https://one"))
    found = choose_context("shop", "till", {"KUBECONFIG": str(path)})
    found.freeze(frozen)
    found.freeze(frozen)
    assert frozen.stat().st_mode & 0o777 == 0o600
    held = yaml.safe_load(frozen.read_text())
    assert held["current-context"] == "shop"
    assert held["contexts"][0]["context"]["namespace"] == "till"
    assert held["clusters"][0]["cluster"]["certificate-authority"] == f"{tmp_path}/ca.crt"
    (user,) = held["users"]
    assert user["user"] == {"client-key": "/keys/me", "exec": {"command": f"{tmp_path}/bin/login", "args": ["x"]}}
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("nope", config("https://one"), r"no context 'nope' .* it has shop; .*--cluster=CONTEXT"),
        ("", config("https://one"), "no current context"),
        ("shop", config(""), "has no server"),
        ("shop", "{", "cannot read the kubeconfig"),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ServiceUnavailable, match=told):
        choose_context(name, "", {"KUBECONFIG": str(path)})
