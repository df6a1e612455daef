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


def test_a_pod_is_led_to_its_own_cluster_by_the_files_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upright.controllers.world.kubeconfig_files.SERVICE_ACCOUNT", tmp_path)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443", "HOME": str(tmp_path)}
    with pytest.raises(ServiceUnavailable, match=r"is for pods with a ServiceAccount: there is no .*/token"):
        choose_context("in-cluster", "", environ)
    for name, text in (("token", "t"), ("ca.crt", "pem"), ("namespace", "builds\n")):
        (tmp_path / name).write_text(text)
    found = choose_context("in-cluster", "", environ)
    assert (found.server, found.namespace, found.product) == ("https://[fd00::1]:6443", "builds", "unknown")
    assert found.config["users"][0]["user"] == {"tokenFile": f"{tmp_path}/token"}
    assert found.config["clusters"][0]["cluster"]["certificate-authority"] == f"{tmp_path}/ca.crt"
    assert choose_context("in-cluster", "mine", environ).namespace == "mine"
    with pytest.raises(ServiceUnavailable, match="there is no KUBERNETES_SERVICE_HOST"):
        choose_context("in-cluster", "", {"HOME": str(tmp_path)})


def test_new_tokens_take_the_place_of_old_ones_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    path, frozen = tmp_path / "config", tmp_path / "run" / "kubeconfig"
    path.write_text("# mine\n" + config("https://one"))
    found = choose_context("shop", "", {"KUBECONFIG": str(path)})
    found.freeze(frozen)
    before = path.read_text()
    found.refreshed(frozen, {"id-token": "/keys/me", "refresh-token": None}, {"id-token": "new", "refresh-token": "r"})
    assert path.read_text() == before.replace("/keys/me", "new")
    assert yaml.safe_load(frozen.read_text())["users"][0]["user"]["client-key"] == "new"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config", "run"]
