"""Programs find servers: by what runs in their folder, by a URL, by any kubeconfig."""

from __future__ import annotations

import base64
import json
import os
import ssl
from typing import TYPE_CHECKING

import anyio
import pytest
import yaml

from tests.client.cli.conftest import Served, home, served
from tests.client.conftest import NOW
from upright.apiserver.certs import certificate
from upright.client.client import Client
from upright.client.contexts import way_of
from upright.client.kubeconfig import Access, read
from upright.client.sync import SyncClient
from upright.client.trust import trusted
from upright.openapi.errors import NotFound, ServiceUnavailable, Unauthorized
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import Cmd, CmdSpec
from upright.openapi.v1alpha1.resource import Resource

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["home", "served"]  # fixtures


@pytest.fixture
def beside(served: Served, home: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The server, in whose folder the test is."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(served.folder.parent / "run"))
    monkeypatch.chdir(home)
    return served


async def test_the_server_of_this_folder_is_found(beside: Served) -> None:
    async with Client.connect() as client:
        assert [one.name for one in (await client.list(Resource)).items] == ["db", "web"]
        assert (await client.list(Resource, label_selector="app=web")).items[0].name == "web"


async def test_the_token_of_ones_own_server_is_known_by_its_url(beside: Served) -> None:
    async with Client.connect(f"http://localhost:{beside.port}") as client:
        assert (await client.get(Resource, "web")).name == "web"
    with pytest.raises(Unauthorized, match="say its token"):
        Client.connect("https://localhost:1")


async def test_another_server_takes_a_url_and_a_token(served: Served) -> None:
    access = read(served.folder / "kubeconfig")
    async with Client.connect(access.server, token=access.token, authority=access.authority) as client:
        assert (await client.get(Resource, "web")).name == "web"
    async with Client.connect(access.server, token="wrong", authority=access.authority) as client:
        with pytest.raises(Unauthorized):
            await client.get(Resource, "web")
    with pytest.raises(Unauthorized, match="in the clear: say https"):
        Client.connect("http://ci.example.org:10350", token=access.token)
    with pytest.raises(ValueError, match="no address of a server"):
        Client.connect("localhost:10350")


async def test_a_server_that_another_authority_vouches_for_is_not_trusted(served: Served, tmp_path: Path) -> None:
    access = read(served.folder / "kubeconfig")
    stranger = certificate(tmp_path / "stranger", NOW).authority.read_text()
    async with Client.connect(access.server, token=access.token, authority=stranger, patience=60) as client:
        with anyio.fail_after(20), pytest.raises(ServiceUnavailable, match="is not trusted"):
            await client.get(Resource, "web")


async def test_where_nothing_runs_it_is_said_how_to_start_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ServiceUnavailable, match=r"no upright is running here: .*, or say its URL$"):
        Client.connect()


def test_the_synchronous_face_has_the_same_verbs(beside: Served) -> None:
    with SyncClient.connect() as client:
        made = client.create(Cmd(metadata=ObjectMeta(name="sync"), spec=CmdSpec(args=("true",))))
        assert client.get(Cmd, "sync") == made
        assert client.wait(Cmd, "sync", lambda one: one.spec.args) == made
        with client.watch(Cmd, field_selector="metadata.name=sync") as changes:
            first = next(changes)
            patched = client.patch(made, {"metadata": {"labels": {"a": "b"}}})
            assert [(one.type, one.object) for one in (first, next(changes))] == [
                ("ADDED", made),
                ("MODIFIED", patched),
            ]
        applied = client.apply(Cmd(metadata=ObjectMeta(name="sync"), spec=CmdSpec(args=("false",))), force=True)
        assert applied.spec.args == ("false",)
        client.delete(Cmd, "sync")
        client.wait_gone(Cmd, "sync")
        with pytest.raises(NotFound):
            client.get(Cmd, "sync")
        with client.logs(Resource, "web") as lines:
            assert list(lines) == []


def config(folder: Path, name: str, server: str = "https://127.0.0.1:1", /, **user: object) -> Path:
    path = folder / name
    body = {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": "space"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": "ca.pem"}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(body))
    return path


async def test_any_kubeconfig_leads_to_its_server(served: Served, tmp_path: Path) -> None:
    access = read(served.folder / "kubeconfig")
    (tmp_path / "ca.pem").write_text(access.authority)
    (tmp_path / "token").write_text(f"{access.token}\n")
    path = config(tmp_path, "one", access.server, tokenFile="token")
    async with Client.from_kubeconfig(path) as client:
        assert (await client.get(Resource, "web")).name == "web"


def test_contexts_are_found_as_kubectl_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    one = config(tmp_path, "one", token="t1")
    two = config(tmp_path, "two", token="t2")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "none"), str(one), str(two)]))
    assert way_of().access == Access("https://127.0.0.1:1", "CA", "t1", "one", "space")
    assert way_of(context="two").access.context == "two"
    assert way_of(two).access.token == "t2"
    with pytest.raises(ValueError, match='has no context "three": it has one, two'):
        way_of(context="three")
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match="there is no kubeconfig"):
        way_of()


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"auth-provider": {"name": "gcp"}}, "known by the provider gcp"),
        ({"client-certificate-data": "%%%"}, "client-certificate of the kubeconfig cannot be read"),
        ({"tokenFile": "nowhere"}, "the token of the kubeconfig cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, user: dict[str, object], said: str) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    with pytest.raises(ValueError, match=said):
        way_of(config(tmp_path, "one", **user))
    (tmp_path / "broken").write_text("- a\n- b\n")
    with pytest.raises(ValueError, match="is no kubeconfig"):
        way_of(tmp_path / "broken")


def test_a_client_may_be_known_by_its_certificate(tmp_path: Path) -> None:
    made = certificate(tmp_path / "made", NOW)
    (tmp_path / "ca.pem").write_text(made.authority.read_text())
    key = base64.b64encode(made.key.read_bytes()).decode()
    access = way_of(config(tmp_path, "one", **{"client-certificate": str(made.chain), "client-key-data": key})).access
    assert isinstance(trusted(access), ssl.SSLContext)
    with pytest.raises(ValueError, match="cannot be read"):
        trusted(Access("https://x", access.authority, "", certificate="no certificate", key=access.key))


def test_a_server_that_is_not_to_be_verified_is_not(tmp_path: Path) -> None:
    path = config(tmp_path, "one", token="t")
    body = yaml.safe_load(path.read_text())
    body["clusters"][0]["cluster"] = {"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": True}
    path.write_text(json.dumps(body))
    assert trusted(way_of(path).access).verify_mode == ssl.CERT_NONE


async def test_a_client_may_be_known_by_what_a_plugin_says(served: Served, tmp_path: Path) -> None:
    access = read(served.folder / "kubeconfig")
    (tmp_path / "ca.pem").write_text(access.authority)
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": access.token}}
    script = tmp_path / "login"
    script.write_text(f"#!/bin/sh\ntest \"$1\" = me || exit 4\necho '{json.dumps(answer)}'\n")
    script.chmod(0o755)
    plugin: dict[str, object] = {"apiVersion": version, "command": "./login", "args": ["me"]}
    path = config(tmp_path, "one", access.server, exec=plugin)
    async with Client.from_kubeconfig(path) as client:
        assert (await client.get(Resource, "web")).name == "web"
    path = config(tmp_path, "one", access.server, exec={**plugin, "args": []})
    with pytest.raises(Unauthorized, match="login' ended with exit code 4"):
        async with Client.from_kubeconfig(path):
            raise AssertionError
