"""How a cluster is let know who we are, by each way a kubeconfig has; and what is said when it does not work."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import pytest
import yaml

from tests.controllers.world.fake_api import NOW, Authority, FakeApi, encoded, fake_api, kubeconfig
from tests.controllers.world.remote import REAL
from upright.controllers.world.kubeconfig_cluster import kubeconfig_cluster
from upright.controllers.world.kubeconfig_files import choose_context
from upright.openapi.errors import Forbidden, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from upright.controllers.world.kubeconfig_cluster import KubeconfigCluster

pytestmark = pytest.mark.slow  # the library alone takes half a second to import


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def reached(
    folder: Path,
    port: int,
    authority: Authority | None,
    user: object,
    clock: Clock | None = None,
    cluster: dict[str, object] | None = None,
) -> AsyncGenerator[KubeconfigCluster]:
    path = kubeconfig(folder, port, authority, user, **(cluster or {}))
    context = choose_context("", "", {"KUBECONFIG": str(path)})
    async with kubeconfig_cluster(context, folder / "run" / "kubeconfig", clock or Clock()) as found:
        yield found


async def refusal(folder: Path, port: int, authority: Authority | None, user: object, **cluster: object) -> str:
    """Return what is said when the cluster is connected to."""
    with pytest.raises(ServiceUnavailable) as raised:
        async with reached(folder, port, authority, user, cluster=cluster) as there:
            await there.connect()
    return raised.value.message


def plugin(folder: Path, text: str, **more: object) -> dict[str, Any]:
    """Return a user whose credentials a script prints."""
    script = folder / "login"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": "./login", "interactiveMode": "IfAvailable", **more}}


def credential(**status: str) -> str:
    found = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return json.dumps(found)


def jwt(until: datetime, word: str) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": until.timestamp(), "w": word}).encode()).decode()
    return f"e30.{claims.rstrip('=')}.sig"


def authorizations(api: FakeApi) -> list[str]:
    return [one.get("Authorization", [""])[0] for one in api.heard]


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "t0"}, "Bearer t0"),
        ({"username": "me", "password": "pw"}, f"Basic {encoded('me:pw')}"),
        ({}, ""),
    ],
)
async def test_what_stands_in_the_kubeconfig_is_sent(tmp_path: Path, user: object, header: str) -> None:
    authority = Authority()
    async with fake_api(tmp_path, authority) as api, reached(tmp_path, api.port, authority, user) as there:
        info = await there.connect()
    assert (info.version, info.arch) == ("v1.36.2", "arm64")
    assert set(authorizations(api)) == {header}


async def test_somebody_else_is_impersonated(tmp_path: Path) -> None:
    authority, user = Authority(), {"token": "t", "as": "bot", "as-groups": ["a", "b"], "as-user-extra": {"x": ["1"]}}
    async with fake_api(tmp_path, authority) as api, reached(tmp_path, api.port, authority, user) as there:
        await there.connect()
    heard = api.heard[0]
    assert heard["Impersonate-User"] == ["bot"]
    assert heard["Impersonate-Group"] == ["a", "b"]
    assert heard["Impersonate-Extra-x"] == ["1"]


@pytest.mark.parametrize("inline", [True, False])
async def test_a_client_certificate_is_shown(tmp_path: Path, inline: bool) -> None:
    authority, clients = Authority(), Authority("clients")
    certificate, key = clients.certified("dev")
    (tmp_path / "me.crt").write_text(certificate)
    (tmp_path / "me.key").write_text(key)
    user = {"client-certificate": "me.crt", "client-key": "me.key"}
    if inline:
        user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    async with (
        fake_api(tmp_path, authority, asks=clients) as api,
        reached(tmp_path, api.port, authority, user) as there,
    ):
        await there.connect()
    assert set(api.certificates) == {"dev"}
    assert sorted(path.name for path in (tmp_path / "run").iterdir() if path.is_file()) == ["kubeconfig"]


async def test_a_token_file_is_read_again_when_its_time_is_over_or_the_token_is_not_known(tmp_path: Path) -> None:
    authority, clock, file = Authority(), Clock(), tmp_path / "token"
    file.write_text("one\n")
    async with (
        fake_api(tmp_path, authority) as api,
        reached(tmp_path, api.port, authority, {"tokenFile": "token"}, clock) as there,
    ):
        await there.connect()
        file.write_text("two\n")
        await there.connect()
        assert set(authorizations(api)) == {"Bearer one"}
        clock.now += timedelta(minutes=1)
        await there.connect()
        assert authorizations(api)[-1] == "Bearer two"
        file.write_text("three\n")
        api.takes = {"Bearer three"}
        await there.connect()
        assert authorizations(api)[-1] == "Bearer three"


async def test_a_plugin_is_asked_as_kubectl_asks_it_and_again_when_its_token_is_over_or_not_known(
    tmp_path: Path,
) -> None:
    authority, clock = Authority(), Clock()
    until = (NOW + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    answer = credential(token="TOKEN", expirationTimestamp=until)
    text = f"""echo "$KUBERNETES_EXEC_INFO $REGION $*" >> {tmp_path}/asked
    n=$(wc -l < {tmp_path}/asked);
    echo '{answer}' | sed "s/TOKEN/t$n/; s/2026/202$((5 + n))/"
    """
    user = plugin(tmp_path, text, args=["get-token"], env=[{"name": "REGION", "value": "eu"}], provideClusterInfo=True)
    async with (
        fake_api(tmp_path, authority) as api,
        reached(tmp_path, api.port, authority, user, clock) as there,
    ):
        await there.connect()
        assert set(authorizations(api)) == {"Bearer t1"}
        clock.now += timedelta(minutes=5)
        await there.connect()
        assert authorizations(api)[-1] == "Bearer t2"
        api.takes = {"Bearer t3"}
        await there.connect()
        assert authorizations(api)[-1] == "Bearer t3"
    asked, _, rest = (tmp_path / "asked").read_text().splitlines()[0].rpartition("} ")
    question = json.loads(f"{asked}}}")
    assert rest == "eu get-token"
    assert question["apiVersion"] == "client.authentication.k8s.io/v1"
    assert question["spec"]["interactive"] is False
    assert question["spec"]["cluster"]["server"] == f"https://127.0.0.1:{api.port}"
    (held,) = yaml.safe_load((tmp_path / "config").read_text())["clusters"]
    told = question["spec"]["cluster"]["certificate-authority-data"]
    assert told == held["cluster"]["certificate-authority-data"]


async def test_a_plugin_may_answer_with_a_certificate_and_with_another_one_later(tmp_path: Path) -> None:
    authority, clients, clock = Authority(), Authority("clients"), Clock()
    for name in ("one", "two"):
        certificate, key = clients.certified(name)
        until = (NOW + timedelta(minutes=5 if name == "one" else 50)).isoformat()
        answer = credential(clientCertificateData=certificate, clientKeyData=key, expirationTimestamp=until)
        (tmp_path / f"{name}.json").write_text(answer)
    (tmp_path / "now.json").write_text((tmp_path / "one.json").read_text())
    user = plugin(tmp_path, f"cat {tmp_path}/now.json")
    async with (
        fake_api(tmp_path, authority, asks=clients) as api,
        reached(tmp_path, api.port, authority, user, clock) as there,
    ):
        await there.connect()
        assert set(api.certificates) == {"one"}
        (tmp_path / "now.json").write_text((tmp_path / "two.json").read_text())
        clock.now += timedelta(minutes=6)
        await there.connect()
        assert api.certificates[-1] == "two"


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("echo no account >&2; exit 7", {}, "the plugin '{folder}/login' ended with exit code 7: no account"),
        ("exit 1", {"installHint": "get it at x.example"}, "ended with exit code 1. get it at x.example"),
        ("true", {"command": "no-such-plugin", "installHint": "brew install it"}, "is not there. brew install it"),
        ("true", {"command": "no-such-plugin"}, "'no-such-plugin' is not there. Install it, or have it in PATH"),
        ("echo hello", {}, "did not answer in JSON"),
        ("echo '{{}}'", {}, "did not answer with an ExecCredential of client.authentication.k8s.io/v1"),
        (f"echo '{credential()}'".replace("{", "{{").replace("}", "}}"), {}, "neither a token nor a certificate"),
        (
            "true",
            {"apiVersion": "client.authentication.k8s.io/v1alpha1"},
            "speaks client.authentication.k8s.io/v1alpha1",
        ),
        ("true", {"interactiveMode": "Always"}, "asks questions, and there is no terminal"),
    ],
)
async def test_what_is_wrong_with_a_plugin_is_told(tmp_path: Path, text: str, more: dict[str, str], told: str) -> None:
    user = plugin(tmp_path, text.format(), **more)
    message = await refusal(tmp_path, 1, None, user)
    assert told.format(folder=tmp_path) in message
    assert "there are no credentials for https://127.0.0.1:1" in message


async def test_an_id_token_is_refreshed_when_it_is_over_and_the_new_one_is_kept(tmp_path: Path) -> None:
    authority, issuer_authority, clock = Authority(), Authority("issuer"), Clock()
    old, new = jwt(NOW - timedelta(hours=1), "old"), jwt(NOW + timedelta(hours=1), "new")
    async with fake_api(tmp_path, authority) as api, fake_api(tmp_path, issuer_authority) as issuer:
        url = f"https://127.0.0.1:{issuer.port}"
        issuer.pages = {
            "/.well-known/openid-configuration": {"token_endpoint": f"{url}/token"},
            "/token": {"id_token": new, "refresh_token": "r2"},
        }
        config = {
            "idp-issuer-url": url,
            "idp-certificate-authority-data": encoded(issuer_authority.pem),
            "client-id": "kubernetes",
            "client-secret": "s3",
            "id-token": old,
            "refresh-token": "r1",
        }
        user = {"auth-provider": {"name": "oidc", "config": config}}
        async with reached(tmp_path, api.port, authority, user, clock) as there:
            await there.connect()
    assert set(authorizations(api)) == {f"Bearer {new}"}
    assert issuer.forms == [{"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "kubernetes"}]
    assert issuer.heard[-1]["Authorization"] == [f"Basic {encoded('kubernetes:s3')}"]
    for file in (tmp_path / "config", tmp_path / "run" / "kubeconfig"):
        (held,) = yaml.safe_load(file.read_text())["users"]
        assert held["user"]["auth-provider"]["config"]["refresh-token"] == "r2"
        assert held["user"]["auth-provider"]["config"]["id-token"] == new


async def test_an_id_token_that_holds_is_used_and_an_issuer_that_is_not_trusted_is_not_asked(tmp_path: Path) -> None:
    authority = Authority()
    config: dict[str, str] = {"id-token": jwt(NOW + timedelta(hours=1), "good"), "refresh-token": "r1"}
    user = {"auth-provider": {"name": "oidc", "config": config}}
    async with fake_api(tmp_path, authority) as api, fake_api(tmp_path, Authority("issuer")) as issuer:
        async with reached(tmp_path, api.port, authority, user) as there:
            await there.connect()
        assert authorizations(api)[0] == f"Bearer {config['id-token']}"
        config |= {"id-token": jwt(NOW, "over"), "idp-issuer-url": f"https://127.0.0.1:{issuer.port}"}
        message = await refusal(tmp_path, api.port, authority, user)
        assert "is over, and asking for a new one failed" in message
        assert "certificate verify failed" in message
        assert issuer.heard == []
        del config["refresh-token"]
        assert "no refresh token: log in again" in await refusal(tmp_path, api.port, authority, user)


async def test_providers_that_kubernetes_dropped_are_told_with_what_took_their_place(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "gcp"}}
    assert "gke-gcloud-auth-plugin" in await refusal(tmp_path, 1, None, user)


async def test_a_server_of_an_unknown_ca_is_refused_unless_that_is_to_be_skipped(tmp_path: Path) -> None:
    authority = Authority()
    async with fake_api(tmp_path, authority) as api:
        message = await refusal(tmp_path, api.port, Authority("other"), {"token": "t"})
        assert "its certificate is not trusted" in message
        assert "certificate-authority" in message
        assert api.heard == []
        skip: dict[str, object] = {"insecure-skip-tls-verify": True}
        async with reached(tmp_path, api.port, None, {"token": "t"}, cluster=skip) as there:
            assert (await there.connect()).version


async def test_a_servers_certificate_that_is_over_is_told(tmp_path: Path) -> None:
    authority = Authority()
    async with fake_api(tmp_path, authority, until=NOW - timedelta(days=10_000)) as api:
        assert "certificate has expired" in await refusal(tmp_path, api.port, authority, {"token": "t"})


async def test_the_name_in_the_certificate_may_be_another_one(tmp_path: Path) -> None:
    authority, user = Authority(), {"token": "t"}
    async with fake_api(tmp_path, authority, "api.example") as api:
        assert "not trusted" in await refusal(tmp_path, api.port, authority, user)
        async with reached(tmp_path, api.port, authority, user, cluster={"tls-server-name": "api.example"}) as there:
            assert (await there.connect()).version


async def test_a_client_certificate_that_is_over_is_told(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = Authority("clients").certified("dev", until=NOW - timedelta(days=1))
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    async with fake_api(tmp_path, authority) as api:
        api.takes = {"nobody"}
        message = await refusal(tmp_path, api.port, authority, user)
    assert "does not let us in: the client certificate of the kubeconfig is over since 2026-09-20" in message


async def test_keys_and_certificates_that_are_none_are_told(tmp_path: Path) -> None:
    certificate, _ = Authority("clients").certified("dev")
    _, key = Authority("clients").certified("dev")
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    assert "client certificate and key" in await refusal(tmp_path, 1, None, user)
    assert "client-certificate of the kubeconfig cannot be read" in await refusal(
        tmp_path, 1, None, {"client-certificate-data": "%%%"}
    )


async def test_a_proxy_is_gone_through_and_one_that_is_none_of_http_is_told(tmp_path: Path) -> None:
    authority, lines = Authority(), list[bytes]()

    async def tunnel(near: anyio.abc.SocketStream) -> None:
        async with near:
            lines.append((await near.receive()).split(b"\r\n")[0])
            await near.send(b"HTTP/1.1 200 OK\r\n\r\n")
            async with await anyio.connect_tcp("127.0.0.1", api.port) as far, anyio.create_task_group() as group:
                group.start_soon(_carry, near, far)
                group.start_soon(_carry, far, near)

    async with (
        fake_api(tmp_path, authority) as api,
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        group.start_soon(listener.serve, tunnel)
        proxy: dict[str, object] = {"proxy-url": f"http://127.0.0.1:{port}"}
        async with reached(tmp_path, api.port, authority, {"token": "t"}, cluster=proxy) as there:
            assert (await there.connect()).version
        group.cancel_scope.cancel()
    assert lines[0] == f"CONNECT 127.0.0.1:{api.port} HTTP/1.1".encode()
    socks = {"proxy-url": "socks5://127.0.0.1:1"}
    assert "proxy-url 'socks5://127.0.0.1:1'" in await refusal(tmp_path, 1, None, {"token": "t"}, **socks)


async def _carry(source: anyio.abc.SocketStream, sink: anyio.abc.SocketStream) -> None:
    try:
        async for data in source:
            await sink.send(data)
        await sink.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


async def test_a_plugin_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upright.client.credential_plugin.PLUGIN_SECONDS", 0.5)
    user = plugin(tmp_path, f"echo visit https://login.example >&2; sleep 987 & echo $! > {tmp_path}/pid; wait")
    message = await refusal(tmp_path, 1, None, user)
    assert "did not answer within 0.5 s: visit https://login.example" in message
    line = anyio.Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/cmdline")
    assert not await line.exists() or "987" not in await line.read_text()


@pytest.fixture
def real() -> dict[str, Any]:
    """Return the user and the cluster of a real kubeconfig, with a client certificate."""
    if not REAL:
        pytest.skip("no UPRIGHT_TEST_KUBECONFIG")
    found = choose_context("", "", {"KUBECONFIG": REAL}).config
    user: dict[str, Any] = found["users"][0]["user"]
    if "client-certificate-data" not in user:
        pytest.skip("the real kubeconfig has no client certificate")
    return {"user": user, "cluster": found["clusters"][0]["cluster"]}


async def test_a_plugins_certificate_lets_into_a_real_cluster(tmp_path: Path, real: dict[str, Any]) -> None:
    def decoded(name: str) -> str:
        return base64.b64decode(real["user"][name]).decode()

    answer = credential(
        clientCertificateData=decoded("client-certificate-data"), clientKeyData=decoded("client-key-data")
    )
    await anyio.Path(tmp_path / "answer.json").write_text(answer)
    user = plugin(tmp_path, f"cat {tmp_path}/answer.json")
    async with reached(tmp_path, 1, None, user, cluster=real["cluster"]) as there:
        assert (await there.connect()).version.startswith("v1.")


async def test_a_pods_token_lets_into_its_own_cluster(
    tmp_path: Path, real: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reached(tmp_path, 1, None, real["user"], cluster=real["cluster"]) as admin:
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        answer = await admin._connection.call("POST", path, body=request)
    account = anyio.Path(tmp_path / "account")
    await account.mkdir()
    authority = base64.b64decode(real["cluster"]["certificate-authority-data"]).decode()
    for name, text in (("token", answer["status"]["token"]), ("ca.crt", authority), ("namespace", "default")):
        await (account / name).write_text(text)
    monkeypatch.setattr("upright.controllers.world.kubeconfig_files.SERVICE_ACCOUNT", Path(account))
    address = urlsplit(real["cluster"]["server"])
    environ = {"KUBERNETES_SERVICE_HOST": str(address.hostname), "KUBERNETES_SERVICE_PORT": str(address.port)}
    context = choose_context("in-cluster", "", environ)
    async with kubeconfig_cluster(context, tmp_path / "pod" / "kubeconfig", Clock()) as there:
        assert (await there.connect()).version.startswith("v1.")
        with pytest.raises(Forbidden, match="system:serviceaccount:default:default"):
            await there.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, namespace="default")
