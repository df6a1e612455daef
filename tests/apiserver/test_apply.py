"""Server-side apply: who owns a field, who may change it, and what goes when it is applied no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from upright.apiserver.options import Patch, Target, WriteOptions
from upright.apiserver.ownership import entries_of, told
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.errors import BadRequest, Conflict, NotFound
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.session import Session

if TYPE_CHECKING:
    from upright.apiserver.options import Written
    from upright.apiserver.registry import Registry
    from upright.openapi.meta import Json

SETTINGS = Target(ConfigMap, name="settings")
WEB = Target(Deployment, "default", "web")


async def apply(registry: Registry, where: Target, manager: str, body: Json, *, force: bool = False) -> Written:
    about = where.kind.definition
    whole = {"apiVersion": about.api_version, "kind": about.kind, "metadata": {"name": where.name}, **body}
    return await registry.patch(where, Patch("apply", whole), WriteOptions(field_manager=manager, force=force))


def owners(registry: Registry, where: Target) -> dict[str, set[str]]:
    managed = registry.get(where).body["metadata"]["managedFields"]
    return {str(entry.about["manager"]): {told(path) for path in entry.paths} for entry in entries_of(managed)}


def data(registry: Registry) -> Any:  # noqa: ANN401  reason: a part of a decoded document
    return registry.get(SETTINGS).body.get("data", {})


def deployment(*containers: Json, **spec: object) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [*containers]}}
    return {"spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}}


async def in_namespace(registry: Registry) -> None:
    await registry.create(Target(Namespace), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})


async def test_the_first_apply_creates_and_the_manager_owns_what_it_said(registry: Registry) -> None:
    written = await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    assert written.created
    (entry,) = registry.get(SETTINGS).body["metadata"]["managedFields"]
    assert entry == {
        "manager": "me",
        "operation": "Apply",
        "apiVersion": "tilt.dev/v1alpha1",
        "time": "2026-01-02T03:04:05Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:colour": {}}},
    }


async def test_an_apply_of_the_same_writes_nothing(registry: Registry) -> None:
    first = await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    again = await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    assert again.stored.revision == first.stored.revision
    assert not again.created


async def test_what_is_applied_no_more_goes_unless_another_manager_has_it_too(registry: Registry) -> None:
    await apply(registry, SETTINGS, "me", {"data": {"colour": "red", "size": "5", "mine": "x"}})
    await apply(registry, SETTINGS, "you", {"data": {"colour": "red", "yours": "y"}})
    await apply(registry, SETTINGS, "me", {"data": {"size": "5"}})
    assert data(registry) == {"colour": "red", "size": "5", "yours": "y"}
    assert owners(registry, SETTINGS) == {"me": {".data.size"}, "you": {".data.colour", ".data.yours"}}


async def test_a_value_that_another_manager_set_is_a_conflict_until_forced(registry: Registry) -> None:
    await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    with pytest.raises(Conflict, match=r'Apply failed with 1 conflict: conflict with "me": \.data\.colour$') as refused:
        await apply(registry, SETTINGS, "you", {"data": {"colour": "blue"}})
    (cause,) = refused.value.causes
    assert (cause.field, cause.reason) == (".data.colour", "FieldManagerConflict")
    assert data(registry) == {"colour": "red"}
    await apply(registry, SETTINGS, "you", {"data": {"colour": "blue"}}, force=True)
    assert data(registry) == {"colour": "blue"}
    assert owners(registry, SETTINGS) == {"you": {".data.colour"}}


async def test_an_update_takes_what_it_changes_and_a_later_apply_hears_of_it(registry: Registry) -> None:
    await apply(registry, SETTINGS, "me", {"data": {"colour": "red", "size": "5"}})
    by_editor = WriteOptions(field_manager="editor")
    await registry.patch(SETTINGS, Patch("merge", {"data": {"colour": "blue"}}), by_editor)
    assert owners(registry, SETTINGS) == {"me": {".data.size"}, "editor": {".data.colour"}}
    with pytest.raises(Conflict, match='"editor"'):
        await apply(registry, SETTINGS, "me", {"data": {"colour": "red", "size": "5"}})
    await registry.patch(SETTINGS, Patch("merge", {"data": {"colour": None}}), by_editor)
    assert owners(registry, SETTINGS) == {"me": {".data.size"}}


async def test_what_was_there_before_the_first_apply_has_an_owner_too(registry: Registry) -> None:
    body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    await registry.create(Target(ConfigMap), {**body, "data": {"colour": "red", "size": "5"}})
    with pytest.raises(Conflict, match='"before-first-apply"'):
        await apply(registry, SETTINGS, "me", {"data": {"colour": "blue"}})
    await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    assert owners(registry, SETTINGS)["before-first-apply"] == {".data.colour", ".data.size"}


async def test_containers_are_merged_by_name_and_go_by_name(registry: Registry) -> None:
    await in_namespace(registry)
    main, side = {"name": "main", "image": "web:1"}, {"name": "side", "image": "side:1"}
    await apply(registry, WEB, "me", deployment(main))
    await apply(registry, WEB, "injector", deployment(side))
    containers = registry.get(WEB).body["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in containers] == ["main", "side"]
    assert '.spec.template.spec.containers[name="side"].image' in owners(registry, WEB)["injector"]
    with pytest.raises(Conflict, match="containers"):
        await apply(registry, WEB, "injector", deployment(side, {"name": "main", "image": "other"}))
    await apply(registry, WEB, "me", deployment({**main, "image": "web:2"}))
    await apply(registry, WEB, "injector", {"spec": {"selector": {"matchLabels": {"app": "web"}}}})
    (left,) = registry.get(WEB).body["spec"]["template"]["spec"]["containers"]
    assert left["image"] == "web:2"


async def test_the_same_value_written_otherwise_is_no_conflict(registry: Registry) -> None:
    await in_namespace(registry)
    halves = [{"name": "main", "image": "w", "resources": {"limits": {"memory": size}}} for size in ("512Mi", "512Mi")]
    await apply(registry, WEB, "me", deployment(halves[0], replicas=2))
    await apply(registry, WEB, "you", deployment(halves[1], replicas=2))
    with pytest.raises(Conflict, match=r"\.spec\.replicas"):
        await apply(registry, WEB, "you", deployment(halves[1], replicas=3))


async def test_status_has_owners_of_its_own(registry: Registry) -> None:
    where = Target(Session, name="one")
    await apply(registry, where, "me", {"spec": {"tiltfilePath": "/p/Tiltfile"}})
    status = Target(Session, name="one", subresource="status")
    await apply(registry, status, "controller", {"status": {"done": True}})
    assert registry.get(where).body["status"]["done"] is True
    managed = registry.get(where).body["metadata"]["managedFields"]
    assert [(one["manager"], one.get("subresource", "")) for one in managed] == [("me", ""), ("controller", "status")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"metadata": {"name": "settings", "managedFields": []}}, "managedFields must be nil"),
        ({"kind": ""}, "needs apiVersion"),
        ({"metadata": {"name": "other"}}, "does not match the name on the URL"),
    ],
)
async def test_a_senseless_apply_is_refused(registry: Registry, body: Json, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        await apply(registry, SETTINGS, "me", body)


async def test_an_apply_that_knows_a_version_creates_nothing(registry: Registry) -> None:
    with pytest.raises(NotFound):
        await apply(registry, SETTINGS, "me", {"metadata": {"name": "settings", "resourceVersion": "7"}})


async def test_owners_can_be_set_and_forgotten_by_a_patch(registry: Registry) -> None:
    await apply(registry, SETTINGS, "me", {"data": {"colour": "red"}})
    path = "/metadata/managedFields/0/manager"
    await registry.patch(SETTINGS, Patch("json", [{"op": "replace", "path": path, "value": "you"}]))
    assert owners(registry, SETTINGS) == {"you": {".data.colour"}}
    await registry.patch(SETTINGS, Patch("merge", {"metadata": {"managedFields": [{}]}}))
    assert "managedFields" not in registry.get(SETTINGS).body["metadata"]
