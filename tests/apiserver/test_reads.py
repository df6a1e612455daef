"""Lists and watches, as Kubernetes promises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import orjson
import pytest

from upright.apiserver import streams
from upright.apiserver.options import ListOptions, Patch, Target, WatchOptions
from upright.apiserver.storage.records import Retention
from upright.apiserver.storage.store import Store
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.pod import Pod
from upright.openapi.errors import APIError, BadRequest, Expired, Invalid, ServiceUnavailable, Timeout
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.resource import Resource
from upright.openapi.v1alpha1.ui_resource import UIResource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from upright.apiserver.registry import Registry
    from upright.apiserver.storage.records import Stored
    from upright.apiserver.streams import Stream, WatchEvent
    from upright.openapi.meta import Json

CMDS = Target(Cmd)
RESOURCE: Json = {"metadata": {"name": "r"}, "spec": {"kind": "local", "local": {"update": {"args": ["x"]}}}}


async def make(registry: Registry, *names: str, partition: str = "", **labels: str) -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": labels}, "spec": {"args": ["x"]}}
        await registry.create(Target(Cmd, partition=partition), body)


async def label(registry: Registry, name: str, **labels: str | None) -> None:
    await registry.patch(Target(Cmd, name=name), Patch("merge", {"metadata": {"labels": labels}}))


def names(items: Sequence[Stored]) -> list[str]:
    return [item.address.name for item in items]


async def told(stream: Stream, count: int) -> list[WatchEvent]:
    events: list[WatchEvent] = []
    with anyio.fail_after(5):
        while len(events) < count:
            events += await stream.take()
    return events


def said(events: Sequence[WatchEvent]) -> list[tuple[str, str, int]]:
    return [(event.type, event.stored.body["metadata"].get("name", ""), event.revision) for event in events]


async def test_a_list_is_sorted_and_selected(registry: Registry) -> None:
    await make(registry, "c", "a", app="web")
    await make(registry, "b", app="api")
    assert names(registry.list(CMDS).items) == ["a", "b", "c"]
    for options, expected in (
        (ListOptions(label_selector="app=web"), ["a", "c"]),
        (ListOptions(label_selector="app in (api,db)"), ["b"]),
        (ListOptions(field_selector="metadata.name=b"), ["b"]),
        (ListOptions(field_selector="metadata.name=b", label_selector="app=web"), []),
        (ListOptions(field_selector="metadata.name!=b"), ["a", "c"]),
        (ListOptions(field_selector="metadata.name=nobody"), []),
    ):
        assert names(registry.list(CMDS, options).items) == expected


async def test_namespaces_and_partitions_are_apart(registry: Registry) -> None:
    await registry.create(Target(Namespace), {"metadata": {"name": "n"}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    for namespace in ("default", "n"):
        await registry.create(Target(Pod, namespace), pod)
    assert len(registry.list(Target(Pod)).items) == 2
    assert len(registry.list(Target(Pod), ListOptions(field_selector="metadata.name=p")).items) == 2
    selected = registry.list(Target(Pod), ListOptions(field_selector="metadata.name=p,metadata.namespace=n"))
    assert [item.address.namespace for item in selected.items] == ["n"]
    await make(registry, "a")
    await make(registry, "a", partition="other")
    assert len(registry.list(CMDS).items) == 1
    everywhere = registry.list(Target(Cmd, partition=None), ListOptions(field_selector="metadata.name=a"))
    assert [item.address.partition for item in everywhere.items] == ["", "other"]


async def test_pages_are_of_one_snapshot(registry: Registry) -> None:
    await make(registry, "a", "b", "c", "d", "e")
    first = registry.list(CMDS, ListOptions(limit=2))
    assert (names(first.items), first.revision, first.remaining) == (["a", "b"], 5, 3)
    await registry.delete(Target(Cmd, name="c"))
    await make(registry, "bb")
    second = registry.list(CMDS, ListOptions(limit=2, continue_=first.continue_))
    assert (names(second.items), second.revision, second.remaining) == (["c", "d"], 5, 1)
    third = registry.list(CMDS, ListOptions(limit=2, continue_=second.continue_))
    assert (names(third.items), third.revision, third.continue_, third.remaining) == (["e"], 5, "", None)


async def test_pages_can_be_selected(registry: Registry) -> None:
    await make(registry, "a", "c", "e", app="x")
    await make(registry, "b", "d")
    first = registry.list(CMDS, ListOptions(limit=2, label_selector="app=x"))
    assert (names(first.items), first.remaining) == (["a", "c"], None)
    rest = registry.list(CMDS, ListOptions(limit=2, label_selector="app=x", continue_=first.continue_))
    assert (names(rest.items), rest.continue_) == (["e"], "")


async def test_a_token_that_is_too_old_comes_back_with_a_fresh_one(registry: Registry) -> None:
    await make(registry, "a", "b", "c")
    first = registry.list(CMDS, ListOptions(limit=1))
    registry.store._window._retention = Retention(window=1)
    await make(registry, "bb", "d")
    with pytest.raises(Expired, match="continue parameter is too old") as refused:
        registry.list(CMDS, ListOptions(limit=1, continue_=first.continue_))
    fresh = refused.value.to_status()["metadata"]["continue"]
    assert names(registry.list(CMDS, ListOptions(continue_=fresh)).items) == ["b", "bb", "c", "d"]


async def test_a_list_may_say_how_old_it_may_be(registry: Registry) -> None:
    await make(registry, "a", "b")
    for version in ("", "0", "1", "2"):
        assert len(registry.list(CMDS, ListOptions(resource_version=version)).items) == 2
    exact = ListOptions(resource_version="1", resource_version_match="Exact")
    assert (names(registry.list(CMDS, exact).items), registry.list(CMDS, exact).revision) == (["a"], 1)
    newer = ListOptions(resource_version="1", resource_version_match="NotOlderThan")
    assert registry.list(CMDS, newer).revision == 2


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (ListOptions(limit=-1), BadRequest),
        (ListOptions(resource_version="x"), BadRequest),
        (ListOptions(resource_version="-1"), BadRequest),
        (ListOptions(resource_version="99"), Timeout),
        (ListOptions(resource_version="99", field_selector="metadata.name=a"), Timeout),
        (ListOptions(resource_version_match="Exact"), Invalid),
        (ListOptions(resource_version="0", resource_version_match="Exact"), Invalid),
        (ListOptions(continue_="x"), BadRequest),
        (ListOptions(continue_="eyJ4IjoxfQ"), BadRequest),
        (ListOptions(label_selector="="), BadRequest),
        (ListOptions(field_selector="spec.nothing=x"), BadRequest),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(
    registry: Registry, options: ListOptions, error: type[APIError]
) -> None:
    with pytest.raises(error):
        registry.list(CMDS, options)


async def test_entering_and_leaving_a_selection_are_told_as_added_and_deleted(registry: Registry) -> None:
    await make(registry, "a", app="web")
    await make(registry, "b")
    with registry.watch(CMDS, WatchOptions(label_selector="app=web")) as stream:
        assert said(await told(stream, 1)) == [("ADDED", "a", 1)]
        await label(registry, "b", app="web")
        await label(registry, "b", other="x")
        await label(registry, "b", app=None)
        await label(registry, "b", other="y")
        await registry.delete(Target(Cmd, name="b"))
        await registry.delete(Target(Cmd, name="a"))
        events = await told(stream, 4)
    assert said(events) == [("ADDED", "b", 3), ("MODIFIED", "b", 4), ("DELETED", "b", 5), ("DELETED", "a", 8)]
    left = events[2].stored.body["metadata"]
    assert (left["labels"], left["resourceVersion"]) == ({"app": "web", "other": "x"}, "5")
    assert orjson.loads(events[2].line)["object"] == events[2].stored.body


async def test_a_watch_of_one_name_hears_of_no_other(registry: Registry) -> None:
    await make(registry, "a", "b")
    with (
        registry.watch(CMDS, WatchOptions(field_selector="metadata.name=b")) as selected,
        registry.watch(Target(Cmd, name="b")) as named,
    ):
        await label(registry, "a", x="y")
        await label(registry, "b", x="y")
        for stream in (selected, named):
            assert said(await told(stream, 2)) == [("ADDED", "b", 2), ("MODIFIED", "b", 4)]


async def test_a_watch_resumes_where_it_was(registry: Registry) -> None:
    await make(registry, "a", "b", "c")
    with registry.watch(CMDS, WatchOptions(resource_version="1")) as stream:
        assert said(await told(stream, 2)) == [("ADDED", "b", 2), ("ADDED", "c", 3)]


async def test_initial_events_end_with_a_bookmark(registry: Registry) -> None:
    await make(registry, "a", "b")
    options = WatchOptions(
        resource_version_match="NotOlderThan", initial_events=True, bookmarks=True, field_selector="metadata.name=b"
    )
    with registry.watch(CMDS, options) as stream:
        await make(registry, "c")
        events = await told(stream, 2)
    assert said(events) == [("ADDED", "b", 2), ("BOOKMARK", "", 2)]
    assert orjson.loads(events[1].line) == {
        "type": "BOOKMARK",
        "object": {
            "kind": "Cmd",
            "apiVersion": "tilt.dev/v1alpha1",
            "metadata": {"resourceVersion": "2", "annotations": {"k8s.io/initial-events-end": "true"}},
        },
    }


async def test_a_watch_may_do_without_what_is_there(registry: Registry) -> None:
    await make(registry, "a")
    options = WatchOptions(resource_version_match="NotOlderThan", initial_events=False)
    with registry.watch(CMDS, options) as stream:
        await make(registry, "b")
        assert said(await told(stream, 1)) == [("ADDED", "b", 2)]


async def test_bookmarks_come_now_and_then_and_at_the_end(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOOKMARK_SECONDS", 0.001)
    options = WatchOptions(bookmarks=True, resource_version="1", timeout=0.05)
    await make(registry, "a")
    await registry.create(Target(Resource), RESOURCE)
    with registry.watch(CMDS, options) as stream:
        assert said(await told(stream, 2)) == [("BOOKMARK", "", 2)] * 2
    monkeypatch.setattr(streams, "BOOKMARK_SECONDS", 60.0)
    with registry.watch(CMDS, options) as stream:
        assert said([event async for event in stream]) == [("BOOKMARK", "", 2)]


async def test_a_watch_ends_when_its_time_is_over(registry: Registry) -> None:
    with registry.watch(CMDS, WatchOptions(timeout=0.01)) as stream:
        assert [event async for event in stream] == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (WatchOptions(resource_version="9"), Timeout),
        (WatchOptions(resource_version="x"), BadRequest),
        (WatchOptions(initial_events=True), Invalid),
        (WatchOptions(resource_version_match="NotOlderThan"), Invalid),
        (WatchOptions(resource_version_match="Exact", initial_events=True), Invalid),
        (WatchOptions(label_selector="a in"), BadRequest),
    ],
)
async def test_a_watch_that_makes_no_sense_is_refused(
    registry: Registry, options: WatchOptions, error: type[APIError]
) -> None:
    with pytest.raises(error):
        registry.watch(CMDS, options)


async def test_a_watch_of_the_forgotten_past_is_refused(registry: Registry) -> None:
    registry.store._commits.compacted = 3
    await make(registry, "a", "b", "c", "d")
    with pytest.raises(Expired, match="too old resource version"):
        registry.watch(CMDS, WatchOptions(resource_version="2"))


async def test_a_reader_that_falls_behind_hears_that_its_past_has_expired(registry: Registry) -> None:
    registry.store._hub.backlog = 2
    with registry.watch(CMDS) as stream:
        await make(registry, "a", "b", "c")
        with pytest.raises(Expired, match="cut off"):
            await stream.take()


async def test_when_the_store_closes_watches_end_and_calls_are_refused(registry: Registry, tmp_path: Path) -> None:
    async with Store.open(str(tmp_path / "other.db")) as store:
        registry.store = store
        stream = registry.watch(CMDS)
    assert [event async for event in stream] == []
    with pytest.raises(ServiceUnavailable):
        registry.watch(CMDS)
    with pytest.raises(ServiceUnavailable):
        await make(registry, "a")


async def test_a_view_shows_what_it_is_of(registry: Registry) -> None:
    await registry.create(Target(Resource), RESOURCE)
    shown = registry.get(Target(UIResource, name="r"))
    assert (shown.body["kind"], shown.body["spec"]) == ("UIResource", {})
    assert orjson.loads(shown.data) == shown.body
    assert registry.list(Target(UIResource)).items[0].body["kind"] == "UIResource"
    with registry.watch(Target(UIResource)) as stream:
        await registry.delete(Target(Resource, name="r"))
        events = await told(stream, 2)
    assert [(event.type, event.stored.body["kind"]) for event in events] == [
        ("ADDED", "UIResource"),
        ("DELETED", "UIResource"),
    ]
