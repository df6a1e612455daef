"""kubectl's verbs that make and change things: create, edit, diff, patch, scale, label, and every form of output."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.apiserver.kubectl.driver import DEPLOYMENT, MAP, SESSION

if TYPE_CHECKING:
    from pathlib import Path

    from tests.apiserver.kubectl.driver import Kubectl

pytestmark = pytest.mark.slow

SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"


def editor(folder: Path, *scripts: str) -> str:
    """Return an editor that runs these programs of sed, one each time it is called, and keeps what it was shown."""
    for number, script in enumerate(scripts):
        (folder / f"edit{number}.sed").write_text(script)
    made = folder / "editor"
    made.write_text(
        f"#!/bin/sh\ncd {folder}\nn=$(ls shown* 2>/dev/null | wc -l)\n"
        'cp "$1" shown$n\n[ -e edit$n.sed ] && sed -i -f edit$n.sed "$1"\nexit 0\n'
    )
    made.chmod(0o755)
    return str(made)


async def test_it_creates_a_deployment_config_maps_and_secrets_of_words(k: Kubectl, tmp_path: Path) -> None:
    await k.run("create", "namespace", "default")
    await k.run("create", "deployment", "web", "--image=web:1", "--replicas=2", "--port=80")
    spec = (await k.json("get", "deployment", "web"))["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]) == (2, 80)
    (tmp_path / "a.conf").write_text("x=1\n")
    (tmp_path / "b.bin").write_bytes(b"\xff\x00")
    (tmp_path / "a.env").write_text("COLOUR=red\nSIZE=9\n")
    await k.run(
        "create", "configmap", "files", f"--from-file={tmp_path / 'a.conf'}", f"--from-file=b={tmp_path / 'b.bin'}"
    )
    made = await k.json("get", "configmaps", "files")
    assert (made["data"], made["binaryData"]) == ({"a.conf": "x=1\n"}, {"b": base64.b64encode(b"\xff\x00").decode()})
    await k.run("create", "configmap", "env", f"--from-env-file={tmp_path / 'a.env'}")
    assert (await k.json("get", "configmaps", "env"))["data"] == {"COLOUR": "red", "SIZE": "9"}
    await k.run("create", "secret", "generic", "hush", "--from-literal=word=sesame")
    assert (await k.json("get", "secret", "hush"))["data"]["word"] == base64.b64encode(b"sesame").decode()
    login = ("--docker-server=r.test", "--docker-username=u", "--docker-password=p")
    await k.run("create", "secret", "docker-registry", "pull", *login)
    assert (await k.json("get", "secret", "pull"))["type"] == "kubernetes.io/dockerconfigjson"
    await k.run("create", "serviceaccount", "robot")
    await k.run("create", "service", "clusterip", "web", "--tcp=80:8080")
    assert (await k.json("get", "service", "web"))["spec"]["ports"][0]["targetPort"] == 8080
    await k.run("run", "one", "--image=web:1", "--restart=Never")
    assert (await k.json("get", "pod", "one"))["spec"]["restartPolicy"] == "Never"
    await k.run("expose", "deployment", "web", "--name=also", "--port=81")
    assert (await k.json("get", "service", "also"))["spec"]["selector"] == {"app": "web"}


async def test_what_is_not_served_is_refused_by_its_name(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SPACE)
    await k.run("create", "serviceaccount", "robot")
    assert "ServiceAccount has no subresource token" in await k.fail("create", "token", "robot")
    assert "cronjob" in (await k.fail("create", "job", "x", "--from=cronjob/nightly")).lower()


async def test_an_edit_is_stored_and_its_absence_is_told(k: Kubectl, tmp_path: Path) -> None:
    await k.run("apply", "-f", "-", stdin=MAP + "---\n" + SPACE + "---" + DEPLOYMENT)
    k.environment["KUBE_EDITOR"] = editor(tmp_path, "s/colour: red/colour: blue/")
    assert await k.run("edit", "configmaps.tilt.dev/settings") == "configmap.tilt.dev/settings edited\n"
    assert (await k.json("get", "configmaps.tilt.dev", "settings"))["data"] == {"colour": "blue"}
    assert "no changes made" in (await k._run(("edit", "configmaps.tilt.dev/settings"), "")).stderr.decode()
    k.environment["KUBE_EDITOR"] = "sed -i s/web:1/web:2/"
    assert await k.run("edit", "deployment/web") == "deployment.apps/web edited\n"
    images = [one["image"] for one in (await k.json("get", "deploy", "web"))["spec"]["template"]["spec"]["containers"]]
    assert images == ["web:2", "side:1"]


async def test_an_edit_that_is_refused_is_shown_again_with_the_reason(k: Kubectl, tmp_path: Path) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    wrong = r"s/tiltfilePath: .*/tiltfilePath: ''/"
    k.environment["KUBE_EDITOR"] = editor(tmp_path, wrong, r"s/tiltfilePath: .*/tiltfilePath: \/q\/Tiltfile/")
    assert "edited" in await k.run("edit", "session/one")
    assert "spec.tiltfilePath: Required value" in (tmp_path / "shown1").read_text()
    assert (await k.json("get", "session", "one"))["spec"]["tiltfilePath"] == "/q/Tiltfile"


async def test_an_edit_of_a_misspelt_field_is_refused_and_kept_in_a_file(k: Kubectl, tmp_path: Path) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    k.environment["KUBE_EDITOR"] = editor(tmp_path, "s/^spec:/spec:\\n  colour: red/")
    k.environment["TMPDIR"] = str(tmp_path)
    refused = await k.fail("edit", "session/one")
    assert 'unknown field "spec.colour"' in refused
    assert f"kubectl replace -f {tmp_path}" in refused


async def test_a_diff_ends_with_0_when_there_is_none_and_1_when_there_is(k: Kubectl) -> None:
    for manifest, change in ((SESSION, ("/p/", "/q/")), (SPACE + "---" + DEPLOYMENT, ("web:1", "web:2"))):
        await k.run("apply", "-f", "-", stdin=manifest)
        same = await k._run(("diff", "-f", "-"), manifest)
        assert (same.returncode, same.stdout) == (0, b"")
        other = await k._run(("diff", "-f", "-"), manifest.replace(*change))
        assert other.returncode == 1
        assert b"+" in other.stdout
    new = await k._run(("diff", "-f", "-"), MAP)
    assert (new.returncode, b"+  colour: red" in new.stdout) == (1, True)
    bad = await k._run(("diff", "-f", "-"), SESSION.replace("/p/Tiltfile", '""'))
    assert bad.returncode > 1


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("name", "session.tilt.dev/one\n"),
        ("jsonpath={.spec.tiltfilePath}", "/p/Tiltfile"),
        ("jsonpath-as-json={.metadata.labels}", '[\n    {\n        "app": "shop"\n    }\n]\n'),
        ("go-template={{.metadata.name}} {{.kind}}", "one Session"),
        ("custom-columns=N:.metadata.name,P:.spec.tiltfilePath", "N     P\none   /p/Tiltfile\n"),
    ],
)
async def test_it_prints_in_every_form(k: Kubectl, form: str, told: str) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    assert await k.run("get", "session", "one", "-o", form) == told


async def test_it_prints_whole_objects_alike_in_every_form(k: Kubectl, tmp_path: Path) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    whole = json.loads(await k.run("get", "session/one", "-o", "json"))
    assert yaml.safe_load(await k.run("get", "session/one", "-o", "yaml"))["spec"] == whole["spec"]
    assert "one" in await k.run("get", "session/one", "-o", "wide")
    listed = json.loads(await k.run("get", "sessions", "-o", "json"))
    assert (listed["kind"], listed["items"][0]["spec"]) == ("List", whole["spec"])
    for form, text in (("jsonpath-file", "{.kind}"), ("go-template-file", "{{.kind}}")):
        (tmp_path / form).write_text(text)
        assert await k.run("get", "session/one", "-o", f"{form}={tmp_path / form}") == "Session"
    (tmp_path / "columns").write_text("KIND\n.kind\n")
    assert (await k.run("get", "session/one", "-o", f"custom-columns-file={tmp_path / 'columns'}")).split() == [
        "KIND",
        "Session",
    ]
    assert json.loads(await k.run("get", "--raw", "/apis/tilt.dev/v1alpha1/sessions/one"))["spec"] == whole["spec"]


async def test_each_type_of_patch_is_taken_where_it_has_a_meaning(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SPACE + "---" + DEPLOYMENT)
    strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:9"}]}}}}'
    await k.run("patch", "deploy", "web", "-p", strategic)
    await k.run("patch", "deploy", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}')
    operation = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:9"}]
    await k.run("patch", "deploy", "web", "--type=json", "-p", json.dumps(operation))
    made = await k.json("get", "deploy", "web")
    assert [one["image"] for one in made["spec"]["template"]["spec"]["containers"]] == ["web:9", "side:9"]
    assert made["metadata"]["labels"] == {"a": "b"}
    assert "patched (no change)" in await k.run(
        "patch", "deploy", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}'
    )
    refused = await k.fail(
        "patch", "deploy", "web", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":7}]'
    )
    assert "replicas" in refused or "test" in refused


async def test_labels_and_annotations_are_set_kept_and_taken_off(k: Kubectl) -> None:
    await k.run("apply", "-f", "-", stdin=SESSION)
    assert "already has a value" in await k.fail("label", "session", "one", "app=mall")
    await k.run("label", "session", "one", "app=mall", "--overwrite")
    await k.run("label", "sessions", "--all", "team=a")
    await k.run("label", "sessions", "-l", "team=a", "app-")
    await k.run("annotate", "session", "one", "note=b")
    await k.run("annotate", "session", "one", "note-")
    made = (await k.json("get", "session", "one"))["metadata"]
    assert made["labels"] == {"team": "a"}
    assert "note" not in made.get("annotations", {})
