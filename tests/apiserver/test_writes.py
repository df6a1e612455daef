"""Creating, updating and patching, as Kubernetes does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.apiserver.options import Patch, Target, WriteOptions
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.secret import Secret
from upright.openapi.errors import (
    AlreadyExists,
    APIError,
    BadRequest,
    Conflict,
    Invalid,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.session import Session
from upright.openapi.v1alpha1.ui_resource import UIResource

if TYPE_CHECKING:
    from upright.apiserver.registry import Registry
    from upright.openapi.meta import Json

CMD = Target(Cmd, name="a")
POD = Target(Pod, "default", "p")
STRICT = WriteOptions(field_validation="Strict")
WARN = WriteOptions(field_validation="Warn")


def cmd(name: str = "a", /, **more: object) -> Json:
    return {
        "apiVersion": "tilt.dev/v1alpha1",
        "kind": "Cmd",
        "metadata": {"name": name},
        "spec": {"args": ["x"]},
        **more,
    }


def pod(**spec: object) -> Json:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


async def test_metadata_of_the_server_cannot_be_forged(registry: Registry) -> None:
    forged = {
        "name": "a",
        "uid": "mine",
        "generation": 7,
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "deletionTimestamp": "2001-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 3,
        "namespace": "elsewhere",
        "managedFields": [{"manager": "me"}],
        "labels": {"kept": "yes"},
    }
    created = (await registry.create(Target(Cmd), cmd(metadata=forged))).stored
    uid = created.body["metadata"]["uid"]
    assert uid != "mine"
    assert created.body["metadata"] == {
        "name": "a",
        "labels": {"kept": "yes"},
        "uid": uid,
        "generation": 1,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "resourceVersion": "1",
    }
    forged.pop("uid")
    updated = (await registry.update(CMD, cmd(metadata=forged, spec={"args": ["y"]}))).stored
    assert updated.body["metadata"] == {**created.body["metadata"], "generation": 2, "resourceVersion": "2"}


async def test_a_create_answers_with_its_defaults_and_a_blank_status(registry: Registry) -> None:
    body = (await registry.create(Target(Cmd), cmd(status={"ready": True, "running": {"pid": 1}}))).stored.body
    assert body["status"] == {"ready": False}
    assert body["apiVersion"] == "tilt.dev/v1alpha1"
    assert body["kind"] == "Cmd"


async def test_a_kind_and_version_may_be_left_out_but_not_be_others(registry: Registry) -> None:
    await registry.create(Target(Cmd), {"metadata": {"name": "a"}, "spec": {"args": ["x"]}})
    with pytest.raises(BadRequest, match="does not match the expected kind"):
        await registry.create(Target(Cmd), cmd("b", kind="Session"))
    with pytest.raises(BadRequest, match="does not match the expected API version"):
        await registry.create(Target(Cmd), cmd("b", apiVersion="v1"))


async def test_names_are_given_by_generate_name(registry: Registry) -> None:
    made = [
        (await registry.create(Target(Cmd), cmd(metadata={"generateName": "run-"}))).stored.body["metadata"]
        for _ in range(3)
    ]
    assert len({metadata["name"] for metadata in made}) == 3
    assert all(metadata["name"].startswith("run-") and len(metadata["name"]) == 9 for metadata in made)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (Cmd, "", r"metadata.name: Required value: name or generateName is required"),
        (Cmd, "a/b", r'metadata.name: Invalid value: "a/b": may not contain \'/\''),
        (Cmd, "..", r"may not be '\.\.'"),
        (Cmd, "50%", "may not contain '%'"),
        (Pod, "Upper", "a lowercase RFC 1123 subdomain"),
    ],
)
async def test_a_name_that_is_none_is_refused(
    registry: Registry, kind: type[Cmd | Pod], name: str, message: str
) -> None:
    body = (cmd() if kind is Cmd else pod()) | {"metadata": {"name": name}}
    with pytest.raises(Invalid, match=message):
        await registry.create(Target(kind, "default" if kind is Pod else ""), body)


@pytest.mark.parametrize("name", ["(Tiltfile)", "a:update", "Ünïcode name", "x" * 300])
async def test_tilt_names_may_be_anything_that_fits_a_path(registry: Registry, name: str) -> None:
    await registry.create(Target(Cmd), cmd(name))
    assert registry.get(Target(Cmd, name=name)).body["metadata"]["name"] == name


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"labels": {"-": "x"}}, "metadata.labels"),
        ({"labels": {"x": "a b"}}, "metadata.labels"),
        ({"annotations": {"a b": "x"}}, "metadata.annotations"),
        ({"annotations": {"a": "x" * 262_144}}, "metadata.annotations"),
        ({"labels": {f"label-{number}": "x" for number in range(25_000)}}, "metadata.labels"),
        ({"finalizers": ["a b"]}, "metadata.finalizers"),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": ""}]},
            "metadata.ownerReferences[0].uid",
        ),
        ({"labels": {"x": 1}}, "metadata.labels.x"),
        ({"labels": ["x"]}, "metadata.labels"),
    ],
)
async def test_metadata_that_is_wrong_is_refused(registry: Registry, metadata: Json, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await registry.create(Target(Cmd), cmd(metadata={"name": "a", **metadata}))
    assert [cause.field for cause in refused.value.causes] == [field]


@pytest.mark.parametrize(
    ("kind", "spec", "field", "message"),
    [
        (Session, {}, "spec.tiltfilePath", "Required value"),
        (Cmd, {}, "spec.args", "Required value: cannot be empty"),
        (
            Cmd,
            {"args": "x"},
            "spec.args",
            'Invalid value: "string": spec.args in body must be of type array: "x"',
        ),
        (
            Cmd,
            {"args": ["x", 1]},
            "spec.args[1]",
            'Invalid value: "integer": spec.args[1] in body must be of type string: "1"',
        ),
        (Cmd, "x", "spec", 'Invalid value: "string": spec in body must be of type object: "x"'),
        (
            Cmd,
            {"args": ["x"], "readinessProbe": {"exec": {"command": ["x"]}, "periodSeconds": "3"}},
            "spec.readinessProbe.periodSeconds",
            'Invalid value: "string": spec.readinessProbe.periodSeconds in body must be of type integer: "3"',
        ),
    ],
)
async def test_fields_that_are_wrong_are_refused_by_their_path(
    registry: Registry, kind: type[Cmd | Session], spec: object, field: str, message: str
) -> None:
    body = {"metadata": {"name": "a"}, "spec": spec}
    with pytest.raises(Invalid) as refused:
        await registry.create(Target(kind), body)
    assert [(cause.field, cause.message) for cause in refused.value.causes] == [(field, message)]
    assert str(refused.value) == f'{kind.definition.kind}.tilt.dev "a" is invalid: {field}: {message}'


async def test_a_null_stands_for_an_absent_field(registry: Registry) -> None:
    body = cmd(metadata={"name": "a", "creationTimestamp": None, "labels": None}, spec={"args": ["x"], "env": None})
    written = (await registry.create(Target(Cmd), body)).stored.body
    assert written["spec"] == {"args": ["x"]}
    assert "labels" not in written["metadata"]


async def test_unknown_fields_are_dropped_and_told_as_the_client_asks(registry: Registry) -> None:
    body = cmd(metadata={"name": "a", "x": 1, "selfLink": "/"}, spec={"args": ["x"], "what": {"ever": 1}}, more=[1])
    message = (
        'Cmd in version "v1alpha1" cannot be handled as a Cmd: strict decoding error: '
        'unknown field "metadata.x", unknown field "spec.what", unknown field "more"'
    )
    with pytest.raises(BadRequest) as refused:
        await registry.create(Target(Cmd), body, STRICT)
    assert str(refused.value) == message
    written = await registry.create(Target(Cmd), body, WARN)
    assert written.warnings == ('unknown field "metadata.x"', 'unknown field "spec.what"', 'unknown field "more"')
    assert written.stored.body["spec"] == {"args": ["x"]}
    assert (await registry.update(CMD, body)).warnings == ()


async def test_unknown_fields_are_found_in_lists(registry: Registry) -> None:
    body = pod(containers=[{"name": "c", "image": "i", "env": [{"name": "A", "valu": "1"}]}])
    written = await registry.create(Target(Pod, "default"), body, WARN)
    assert written.warnings == ('unknown field "spec.containers[0].env[0].valu"',)


async def test_python_names_are_no_names_on_the_wire(registry: Registry) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"tiltfile_path": "x", "tiltfilePath": "y"}}
    written = await registry.create(Target(Session), body, WARN)
    assert written.warnings == ('unknown field "spec.tiltfile_path"',)
    assert written.stored.body["spec"]["tiltfilePath"] == "y"


async def test_a_kind_may_warn(registry: Registry) -> None:
    written = await registry.create(Target(Pod, "default"), pod(priorityClassName="high"))
    assert [warning for warning in written.warnings if warning.startswith("spec.priorityClassName: ")]


async def test_a_kind_may_fill_in_defaults(registry: Registry) -> None:
    given = pod()
    created = (await registry.create(Target(Pod, "default"), given)).stored.body
    assert created["spec"]["restartPolicy"] == "Always"
    assert given == pod()


async def test_create_over_what_is_there_is_refused(registry: Registry) -> None:
    await registry.create(Target(Cmd), cmd())
    with pytest.raises(AlreadyExists, match=r'cmds.tilt.dev "a" already exists'):
        await registry.create(Target(Cmd), cmd())


async def test_create_with_a_resource_version_is_refused(registry: Registry) -> None:
    with pytest.raises(BadRequest, match="resourceVersion should not be set"):
        await registry.create(Target(Cmd), cmd(metadata={"name": "a", "resourceVersion": "1"}))


@pytest.mark.parametrize("metadata", [{"resourceVersion": "1"}, {"uid": "another"}, {"resourceVersion": "x"}])
async def test_a_stale_update_is_refused(registry: Registry, metadata: Json) -> None:
    await registry.create(Target(Cmd), cmd())
    await registry.update(CMD, cmd(spec={"args": ["y"]}))
    with pytest.raises(Conflict, match=r'Operation cannot be fulfilled on cmds.tilt.dev "a"'):
        await registry.update(CMD, cmd(metadata={"name": "a", **metadata}))
    with pytest.raises(Conflict):
        await registry.update(Target(Cmd, name="a", subresource="status"), cmd(metadata={"name": "a", **metadata}))
    with pytest.raises(Conflict):
        await registry.patch(CMD, Patch("merge", {"metadata": metadata, "spec": {"dir": "x"}}))


async def test_an_update_without_a_resource_version_takes_what_is_there(registry: Registry) -> None:
    await registry.create(Target(Cmd), cmd())
    assert (await registry.update(CMD, cmd(spec={"args": ["y"]}))).stored.revision == 2


async def test_an_update_of_what_is_not_there_is_refused(registry: Registry) -> None:
    for subresource in ("", "status"):
        with pytest.raises(NotFound):
            await registry.update(Target(Cmd, name="a", subresource=subresource), cmd())
    with pytest.raises(NotFound):
        await registry.patch(CMD, Patch("merge", {}))


@pytest.mark.parametrize(("name", "message"), [("b", "does not match the name on the URL"), ("", "undeterminable")])
async def test_an_update_under_another_name_is_refused(registry: Registry, name: str, message: str) -> None:
    await registry.create(Target(Cmd), cmd())
    with pytest.raises(BadRequest, match=message):
        await registry.update(CMD, cmd(name))


async def test_spec_and_status_are_written_apart(registry: Registry) -> None:
    status = Target(Cmd, name="a", subresource="status")
    await registry.create(Target(Cmd), cmd())
    both = cmd(spec={"args": ["y"]}, status={"ready": True})
    told = (await registry.update(status, both)).stored.body
    assert (told["spec"], told["status"], told["metadata"]["generation"]) == ({"args": ["x"]}, {"ready": True}, 1)
    changed = (await registry.update(CMD, both | {"status": {"ready": False}})).stored.body
    assert (changed["spec"], changed["status"], changed["metadata"]["generation"]) == (
        {"args": ["y"]},
        {"ready": True},
        2,
    )
    patched = await registry.patch(status, Patch("json", [{"op": "replace", "path": "/status/ready", "value": False}]))
    assert patched.stored.body["status"] == {"ready": False}
    with pytest.raises(Invalid) as refused:
        await registry.patch(status, Patch("merge", {"status": {"ready": "yes"}}))
    assert [cause.field for cause in refused.value.causes] == ["status.ready"]


async def test_a_kind_without_status_has_no_such_subresource(registry: Registry) -> None:
    await registry.create(Target(ConfigMap), {"metadata": {"name": "a"}})
    for name in ("status", "scale", "nonsense"):
        with pytest.raises(NotFound):
            await registry.update(Target(ConfigMap, name="a", subresource=name), {"metadata": {"name": "a"}})


async def test_labels_make_no_generation(registry: Registry) -> None:
    await registry.create(Target(Cmd), cmd())
    patched = await registry.patch(CMD, Patch("merge", {"metadata": {"labels": {"a": "b"}}}))
    assert patched.stored.body["metadata"]["generation"] == 1
    assert patched.stored.revision == 2


async def test_a_patch_that_changes_nothing_is_no_write(registry: Registry) -> None:
    await registry.create(Target(Cmd), cmd())
    assert (await registry.patch(CMD, Patch("merge", {"spec": {"args": ["x"]}}))).stored.revision == 1
    assert registry.store.revision == 1


async def test_immutable_fields_stay(registry: Registry) -> None:
    await registry.create(Target(Secret, "default"), {"metadata": {"name": "s"}, "type": "Opaque"})
    with pytest.raises(Invalid, match=r'type: Invalid value: "other": field is immutable'):
        await registry.patch(Target(Secret, "default", "s"), Patch("merge", {"type": "other"}))


async def test_a_kind_compares_with_what_was(registry: Registry) -> None:
    await registry.create(Target(Pod, "default"), pod())
    with pytest.raises(Invalid, match="pod updates may not change fields"):
        await registry.patch(POD, Patch("merge", {"spec": {"hostname": "other"}}))


async def test_the_patches_a_kind_takes(registry: Registry) -> None:
    await registry.create(Target(Cmd), cmd())
    with pytest.raises(UnsupportedMediaType, match="application/merge-patch"):
        await registry.patch(CMD, Patch("strategic", {}))
    await registry.create(Target(Pod, "default"), pod())
    change = {"spec": {"containers": [{"name": "c", "image": "other"}]}}
    patched = (await registry.patch(POD, Patch("strategic", change))).stored.body
    assert [(c["name"], c["image"]) for c in patched["spec"]["containers"]] == [("c", "other")]


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (Patch("merge", {"metadata": {"name": "b"}}), BadRequest),
        (Patch("merge", {"kind": "Session"}), BadRequest),
        (Patch("merge", {"spec": None}), Invalid),
        (Patch("merge", []), BadRequest),
        (Patch("json", {}), BadRequest),
        (Patch("json", [{"op": "remove", "path": "/metadata"}]), BadRequest),
        (Patch("json", [{"op": "test", "path": "/spec/args/0", "value": "y"}]), Invalid),
    ],
)
async def test_a_patch_that_breaks_the_object_is_refused(
    registry: Registry, patch: Patch, error: type[APIError]
) -> None:
    await registry.create(Target(Cmd), cmd())
    with pytest.raises(error):
        await registry.patch(CMD, patch)
    assert registry.store.revision == 1


async def test_a_dry_run_writes_nothing_and_answers_as_if(registry: Registry) -> None:
    dry = WriteOptions(dry_run=True)
    created = (await registry.create(Target(Cmd), cmd(), dry)).stored.body
    assert created["metadata"]["uid"]
    assert "resourceVersion" not in created["metadata"]
    with pytest.raises(NotFound):
        registry.get(CMD)
    await registry.create(Target(Cmd), cmd())
    updated = (await registry.patch(CMD, Patch("merge", {"spec": {"args": ["y"]}}), dry)).stored.body
    assert (updated["spec"]["args"], updated["metadata"]["generation"]) == (["y"], 2)
    assert registry.get(CMD).body["spec"]["args"] == ["x"]
    with pytest.raises(AlreadyExists):
        await registry.create(Target(Cmd), cmd(), dry)


async def test_a_view_is_read_only(registry: Registry) -> None:
    with pytest.raises(MethodNotAllowed):
        await registry.create(Target(UIResource), {"metadata": {"name": "a"}})
    with pytest.raises(MethodNotAllowed):
        await registry.delete(Target(UIResource, name="a"))


async def test_nothing_is_made_in_a_namespace_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(NotFound, match='namespaces "n" not found'):
        await registry.create(Target(Pod, "n"), pod())
    await registry.create(Target(Namespace), {"metadata": {"name": "n"}})
    created = (await registry.create(Target(Pod, "n"), pod())).stored.body
    assert created["metadata"]["namespace"] == "n"
    with pytest.raises(BadRequest, match="does not match the namespace sent"):
        await registry.create(Target(Pod, "n"), pod() | {"metadata": {"name": "q", "namespace": "other"}})


async def test_a_selector_of_a_deployment_stays(registry: Registry) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    body = {
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    where = Target(Deployment, "default", "d")
    await registry.create(where, body)
    with pytest.raises(Invalid, match=r"spec.selector: Invalid value: .*field is immutable"):
        await registry.patch(where, Patch("merge", {"spec": {"selector": {"matchLabels": {"a": "c"}}}}))
