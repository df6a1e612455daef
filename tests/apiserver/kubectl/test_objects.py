"""kubectl on our own kinds, and on those it has opinions about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
import yaml

from tests.apiserver.kubectl.driver import DEPLOYMENT, MAP, SESSION

if TYPE_CHECKING:
    from tests.apiserver.kubectl.driver import Kubectl

pytestmark = pytest.mark.slow


async def test_it_applies_on_the_server_and_hears_of_conflicts(k: Kubectl) -> None:
    on_server = ("apply", "--server-side", "-f", "-")
    assert await k.run(*on_server, stdin=MAP) == "configmap.tilt.dev/settings serverside-applied\n"
    blue = MAP.replace("red", "blue")
    assert "-  colour: red" in await k.fail("diff", "--server-side", "-f", "-", stdin=blue, out=True)
    other = (*on_server, "--field-manager=other")
    refused = await k.fail(*other, stdin=blue)
    assert 'conflict with "kubectl": .data.colour' in refused
    await k.run(*other, "--force-conflicts", stdin=blue)
    told = await k.json("get", "configmaps.tilt.dev", "settings", "--show-managed-fields")
    assert [one["manager"] for one in told["metadata"]["managedFields"]] == ["other"]
    assert "managedFields" not in await k.run("get", "configmaps.tilt.dev", "settings", "-o", "yaml")


async def test_what_it_applied_itself_it_can_go_on_applying_on_the_server(k: Kubectl) -> None:
    space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n---"
    await k.run("apply", "-f", "-", stdin=space + DEPLOYMENT)
    await k.run("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    await k.run("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT.replace("web:1", "web:2"))
    less = DEPLOYMENT.replace('      - {name: side, image: "side:1"}\n', "")
    await k.run("apply", "--server-side", "-f", "-", stdin=less)
    spec = (await k.json("get", "deploy", "web"))["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["containers"]] == ["main"]


async def test_it_finds_our_kinds_and_says_what_they_are(k: Kubectl) -> None:
    words = {line.split()[0] for line in (await k.run("api-resources", "--api-group=tilt.dev")).splitlines()[1:]}
    assert {"sessions", "clusters", "resources", "uiresources"} <= words
    explained = await k.run("explain", "session.spec.tiltfilePath")
    assert "FIELD: tiltfilePath <string>" in explained
    assert "One run of a Tiltfile to its verdict." in await k.run("explain", "session")
    assert "upright" in await k.run("version")


async def test_it_applies_and_sees_what_has_changed(k: Kubectl) -> None:
    assert await k.run("apply", "-f", "-", stdin=SESSION) == "session.tilt.dev/one created\n"
    assert await k.run("apply", "-f", "-", stdin=SESSION) == "session.tilt.dev/one unchanged\n"
    changed = SESSION.replace("shop", "mall")
    assert "+    app: mall" in (await k._run(("diff", "-f", "-"), changed)).stdout.decode()
    assert await k.run("apply", "-f", "-", stdin=changed) == "session.tilt.dev/one configured\n"
    dry = await k.run("apply", "--dry-run=server", "-f", "-", stdin=SESSION)
    assert dry == "session.tilt.dev/one configured (server dry run)\n"
    assert (await k.json("get", "session", "one"))["metadata"]["labels"] == {"app": "mall"}


async def test_it_prints_our_columns(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    head, row = (await k.run("get", "sessions")).splitlines()
    assert head.split() == ["NAME", "EXIT", "DONE", "READY", "ERROR", "AGE"]
    assert row.split()[:2] == ["one", "ci"]
    assert row.split()[-1].endswith("s")
    assert await k.run("get", "sessions", "-o", "name") == "session.tilt.dev/one\n"
    assert await k.run("get", "sessions", "-o", "jsonpath={.items[*].metadata.name}") == "one"
    assert yaml.safe_load(await k.run("get", "session/one", "-o", "yaml"))["kind"] == "Session"
    assert "session.tilt.dev/one" in await k.run("get", "all")
    assert await k.run("get", "sessions", "-o", "custom-columns=N:.metadata.name", "--no-headers") == "one\n"


async def test_it_selects_sorts_and_pages(k: Kubectl) -> None:
    for number in range(5):
        await k.run("apply", "-f", "-", stdin=SESSION.replace("one", f"s{number}").replace("shop", f"app{number % 2}"))
    assert (await k.run("get", "sessions", "-l", "app in (app1)", "-o", "name")).split() == [
        "session.tilt.dev/s1",
        "session.tilt.dev/s3",
    ]
    assert (await k.run("get", "sessions", "--field-selector=metadata.name=s4", "-o", "name")).split() == [
        "session.tilt.dev/s4"
    ]
    assert len((await k.run("get", "sessions", "--chunk-size=2", "--no-headers")).splitlines()) == 5
    rows = (await k.run("get", "sessions", "--sort-by=.metadata.name", "--show-labels")).splitlines()
    assert "app=app0" in rows[1]


async def test_it_describes_an_object(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    assert "Tiltfile Path:  /p/Tiltfile" in await k.run("describe", "session", "one")


async def test_it_creates_replaces_patches_labels_and_annotates(k: Kubectl) -> None:
    assert await k.run("create", "-f", "-", stdin=SESSION) == "session.tilt.dev/one created\n"
    assert "AlreadyExists" in await k.fail("create", "-f", "-", stdin=SESSION)
    await k.run("replace", "-f", "-", stdin=SESSION.replace("/p/Tiltfile", "/q/Tiltfile"))
    await k.run("patch", "session", "one", "--type=merge", "-p", '{"spec":{"exitCondition":"manual"}}')
    await k.run(
        "patch", "session", "one", "--type=json", "-p", '[{"op":"add","path":"/metadata/labels/x","value":"y"}]'
    )
    await k.run("patch", "session", "one", "--type=merge", "--subresource=status", "-p", '{"status":{"done":true}}')
    await k.run("label", "session", "one", "team=a")
    await k.run("annotate", "session", "one", "note=b")
    body = await k.json("get", "session", "one")
    assert body["spec"]["tiltfilePath"] == "/q/Tiltfile"
    assert body["spec"]["exitCondition"] == "manual"
    assert body["status"]["done"] is True
    assert body["metadata"]["labels"] == {"app": "shop", "x": "y", "team": "a"}
    assert body["metadata"]["annotations"]["note"] == "b"


async def test_it_tells_our_errors_as_they_are(k: Kubectl) -> None:
    assert 'sessions.tilt.dev "nix" not found' in await k.fail("get", "session", "nix")
    wrong = SESSION.replace("/p/Tiltfile", '""')
    assert "spec.tiltfilePath: Required value" in await k.fail("apply", "-f", "-", stdin=wrong)
    unknown = SESSION.replace("spec: {", "spec: {colour: red, ")
    assert 'unknown field "spec.colour"' in await k.fail("apply", "-f", "-", stdin=unknown)
    await k.run("apply", "-f", "-", stdin=SESSION)
    assert "strategic-merge-patch+json is not supported" in await k.fail("patch", "session", "one", "-p", "{}")


async def test_it_deletes_and_waits_for_the_end(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION + "---" + MAP)
    assert await k.run("delete", "configmaps.tilt.dev", "settings") == 'configmap.tilt.dev "settings" deleted\n'
    assert await k.run("delete", "sessions", "--all") == 'session.tilt.dev "one" deleted\n'
    assert await k.run("get", "sessions", "-o", "name") == ""


async def test_a_finalizer_holds_a_delete_until_it_is_taken_off(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION.replace("{name: one", "{name: one, finalizers: [acme.test/hold]"))
    await k.run("delete", "session", "one", "--wait=false")
    async with k.going_on("wait", "--for=delete", "session/one", "--timeout=20s") as waiting:
        await k.run("patch", "session", "one", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        with anyio.fail_after(20):
            assert await waiting.wait() == 0


async def test_it_waits_for_a_field(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    async with k.going_on("wait", "session/one", "--for=jsonpath={.status.done}=true", "--timeout=20s") as waiting:
        await k.run("patch", "session", "one", "--type=merge", "--subresource=status", "-p", '{"status":{"done":true}}')
        with anyio.fail_after(20):
            assert await waiting.wait() == 0


async def test_it_watches_row_by_row(k: Kubectl) -> None:
    async with k.going_on("get", "sessions", "--watch", "--output-watch-events") as watching:
        assert watching.stdout is not None
        with anyio.fail_after(20):
            await k.run("apply", "-f", "-", stdin=SESSION)
            await k.run("delete", "session", "one")
            seen = b""
            while b"DELETED" not in seen:
                seen += await watching.stdout.receive()
    rows = seen.decode().splitlines()
    assert rows[0].split()[:2] == ["EVENT", "NAME"]
    assert rows[1].split()[:2] == ["ADDED", "one"]
    assert rows[-1].split()[:2] == ["DELETED", "one"]


async def test_it_patches_a_deployment_by_strategic_merge(k: Kubectl) -> None:
    assert await k.run("apply", "-f", "-", stdin=DEPLOYMENT) == "deployment.apps/web created\n"
    await k.run("set", "image", "deployment/web", "side=side:2")
    await k.run("apply", "-f", "-", stdin=DEPLOYMENT.replace("web:1", "web:2"))
    containers = (await k.json("get", "deployment", "web"))["spec"]["template"]["spec"]["containers"]
    assert [container["image"] for container in containers] == ["web:2", "side:1"]
    assert "main" in await k.run("describe", "deployment", "web")
    assert "containers" in await k.run("explain", "deployment.spec.template.spec")
