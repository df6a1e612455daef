"""How objects end: at once, after their finalizers, after their grace; and what happens to what they own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from upright.apiserver.options import DeleteOptions, ListOptions, Patch, Propagation, Target, WriteOptions
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import Conflict, Forbidden, Invalid, NotFound
from upright.openapi.v1alpha1.cmd import Cmd

if TYPE_CHECKING:
    from upright.apiserver.registry import Registry
    from upright.apiserver.streams import Stream, WatchEvent
    from upright.openapi.meta import Json

CMD = Target(Cmd, name="a")


async def made(registry: Registry, *finalizers: str, name: str = "a") -> Json:
    body = {"metadata": {"name": name, "finalizers": [*finalizers]}, "spec": {"args": ["x"]}}
    return (await registry.create(Target(Cmd), body)).stored.body


async def finalized(registry: Registry, *finalizers: str) -> None:
    await registry.patch(CMD, Patch("merge", {"metadata": {"finalizers": [*finalizers]}}))


async def told(stream: Stream, count: int) -> list[WatchEvent]:
    events: list[WatchEvent] = []
    with anyio.fail_after(5):
        while len(events) < count:
            events += await stream.take()
    return events


async def test_an_object_without_finalizers_ends_at_once(registry: Registry) -> None:
    await made(registry)
    deleted = await registry.delete(CMD)
    assert deleted.gone
    assert (deleted.stored.revision, deleted.stored.body["metadata"]["resourceVersion"]) == (2, "2")
    with pytest.raises(NotFound):
        registry.get(CMD)
    with pytest.raises(NotFound):
        await registry.delete(CMD)


async def test_a_finalizer_holds_an_object_until_it_is_taken_off(registry: Registry) -> None:
    await made(registry, "tilt.dev/a", "tilt.dev/b")
    deleted = await registry.delete(CMD)
    assert not deleted.gone
    metadata = deleted.stored.body["metadata"]
    assert (metadata["deletionTimestamp"], metadata["deletionGracePeriodSeconds"], metadata["generation"]) == (
        "2026-01-02T03:04:05Z",
        0,
        2,
    )
    again = await registry.delete(CMD)
    assert (again.gone, again.stored.revision) == (False, deleted.stored.revision)
    await finalized(registry, "tilt.dev/b")
    registry.get(CMD)
    await finalized(registry)
    with pytest.raises(NotFound):
        registry.get(CMD)


async def test_the_last_event_of_a_finalized_object_is_its_removal(registry: Registry) -> None:
    await made(registry, "tilt.dev/a")
    with registry.watch(Target(Cmd)) as stream:
        await stream.take()
        await registry.delete(CMD)
        await finalized(registry)
        events = await told(stream, 2)
    assert [event.type for event in events] == ["MODIFIED", "DELETED"]
    assert "finalizers" not in events[1].stored.body["metadata"]


async def test_an_ending_object_gets_no_new_finalizers(registry: Registry) -> None:
    await made(registry, "tilt.dev/a")
    await registry.delete(CMD)
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await finalized(registry, "tilt.dev/a", "tilt.dev/b")


async def test_the_deletion_cannot_be_undone(registry: Registry) -> None:
    await made(registry, "tilt.dev/a")
    await registry.delete(CMD)
    patched = await registry.patch(CMD, Patch("merge", {"metadata": {"deletionTimestamp": None, "labels": {"a": "b"}}}))
    assert "deletionTimestamp" in patched.stored.body["metadata"]


@pytest.mark.parametrize("options", [DeleteOptions(uid="another"), DeleteOptions(resource_version="7")])
async def test_a_delete_keeps_its_preconditions(registry: Registry, options: DeleteOptions) -> None:
    body = await made(registry)
    with pytest.raises(Conflict):
        await registry.delete(CMD, options)
    assert (await registry.delete(CMD, DeleteOptions(uid=body["metadata"]["uid"], resource_version="1"))).gone


@pytest.mark.parametrize(
    ("propagation", "gone", "finalizers"),
    [
        ("", True, []),
        ("Background", True, []),
        ("Foreground", False, ["foregroundDeletion"]),
        ("Orphan", False, ["orphan"]),
    ],
)
async def test_what_becomes_of_dependents_is_noted_for_the_garbage_collector(
    registry: Registry, propagation: Propagation, *, gone: bool, finalizers: list[str]
) -> None:
    await made(registry)
    deleted = await registry.delete(CMD, DeleteOptions(propagation=propagation))
    assert deleted.gone is gone
    assert deleted.stored.body["metadata"].get("finalizers", []) == finalizers


async def test_the_last_word_on_dependents_counts(registry: Registry) -> None:
    await made(registry, "tilt.dev/a")
    await registry.delete(CMD, DeleteOptions(propagation="Foreground"))
    orphaned = await registry.delete(CMD, DeleteOptions(propagation="Orphan"))
    assert orphaned.stored.body["metadata"]["finalizers"] == ["tilt.dev/a", "orphan"]
    kept = await registry.delete(CMD)
    assert kept.stored.body["metadata"]["finalizers"] == ["tilt.dev/a", "orphan"]


async def test_a_dry_delete_deletes_nothing(registry: Registry) -> None:
    await made(registry)
    assert (await registry.delete(CMD, DeleteOptions(dry_run=True))).gone
    registry.get(CMD)


async def test_a_collection_is_deleted_one_by_one_with_their_events(registry: Registry) -> None:
    for name in "abc":
        await made(registry, name=name)
    with registry.watch(Target(Cmd)) as stream:
        await stream.take()
        listing = await registry.delete_collection(Target(Cmd), ListOptions(field_selector="metadata.name!=b"))
        events = await told(stream, 2)
    assert [stored.address.name for stored in listing.items] == ["a", "c"]
    assert [(event.type, event.stored.body["metadata"]["name"]) for event in events] == [
        ("DELETED", "a"),
        ("DELETED", "c"),
    ]
    assert [stored.address.name for stored in registry.list(Target(Cmd)).items] == ["b"]


POD = Target(Pod, "default", "p")


async def bound(registry: Registry, *finalizers: str, **spec: object) -> None:
    body = {
        "metadata": {"name": "p", "finalizers": [*finalizers]},
        "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "node", **spec},
    }
    await registry.create(Target(Pod, "default"), body)


@pytest.mark.parametrize(("asked", "own", "grace"), [(None, None, 30), (None, 7, 7), (3, 7, 3)])
async def test_a_pod_on_a_node_gets_its_grace(
    registry: Registry, asked: int | None, own: int | None, grace: int
) -> None:
    await bound(registry, **({} if own is None else {"terminationGracePeriodSeconds": own}))
    deleted = await registry.delete(POD, DeleteOptions(grace_period_seconds=asked))
    metadata = deleted.stored.body["metadata"]
    assert not deleted.gone
    assert metadata["deletionGracePeriodSeconds"] == grace
    assert metadata["deletionTimestamp"] == f"2026-01-02T03:04:{5 + grace:02}Z"
    ready = {"status": {"phase": "Running"}}
    await registry.patch(Target(Pod, "default", "p", "status"), Patch("merge", ready))
    assert (await registry.delete(POD, DeleteOptions(grace_period_seconds=0))).gone


async def test_a_second_delete_may_shorten_the_grace_only(registry: Registry) -> None:
    await bound(registry)
    await registry.delete(POD, DeleteOptions(grace_period_seconds=10))
    for asked, expected in ((20, 10), (5, 5)):
        deleted = await registry.delete(POD, DeleteOptions(grace_period_seconds=asked))
        assert deleted.stored.body["metadata"]["deletionGracePeriodSeconds"] == expected


async def test_a_pod_is_gone_when_its_node_takes_the_finalizer_off(registry: Registry) -> None:
    await bound(registry, "upright/node")
    await registry.delete(POD)
    await registry.patch(POD, Patch("merge", {"metadata": {"finalizers": None}}))
    with pytest.raises(NotFound):
        registry.get(POD)


@pytest.mark.parametrize(("spec", "phase"), [({"nodeName": ""}, "Pending"), ({}, "Succeeded"), ({}, "Failed")])
async def test_a_pod_that_does_not_run_ends_at_once(registry: Registry, spec: Json, phase: str) -> None:
    await bound(registry, **spec)
    await registry.patch(Target(Pod, "default", "p", "status"), Patch("merge", {"status": {"phase": phase}}))
    assert (await registry.delete(POD)).gone


async def test_nothing_is_made_in_a_namespace_that_is_ending(registry: Registry) -> None:
    where = Target(Namespace, name="n")
    await registry.create(Target(Namespace), {"metadata": {"name": "n"}})
    deleted = await registry.delete(where)
    assert not deleted.gone
    assert deleted.stored.body["status"]["phase"] == "Terminating"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    for dry_run in (False, True):
        with pytest.raises(Forbidden, match="because it is being terminated") as refused:
            await registry.create(Target(Pod, "n"), pod, WriteOptions(dry_run=dry_run))
        assert refused.value.causes[0].reason == "NamespaceTerminating"
    await registry.patch(where, Patch("merge", {"spec": {"finalizers": None}}))
    with pytest.raises(NotFound):
        registry.get(where)


async def test_the_namespaces_a_cluster_always_has_stay(registry: Registry) -> None:
    await registry.create(Target(Namespace), {"metadata": {"name": "default"}})
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        await registry.delete(Target(Namespace, name="default"))


async def test_a_collection_goes_but_for_what_may_not_and_that_is_told(registry: Registry) -> None:
    for name in ("default", "shop"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await registry.create(Target(Namespace), body)
    with pytest.raises(Forbidden, match="may not be deleted"):
        await registry.delete_collection(Target(Namespace))
    shop = registry.get(Target(Namespace, name="shop")).body
    assert shop["status"]["phase"] == "Terminating"
