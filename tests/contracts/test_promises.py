"""What the API promises, a test a promise, for our own kinds and for Kubernetes'; in depth they are tested by their rooms."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.apiserver.app.conftest import TOKENS, Caller
from upright.apiserver import streams
from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard
from upright.apiserver.clock import utc_now
from upright.apiserver.registry import Registry
from upright.apiserver.storage.records import Retention
from upright.apiserver.storage.store import Store
from upright.openapi import core_v1, v1alpha1
from upright.openapi.scheme import discover
from upright.openapi.subresources import Subresources

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.apiserver.app.conftest import Answer, Call

MERGE = "application/merge-patch+json"
RETENTION = Retention(events=40, step=100, window=20)
PATHS = ("/apis/tilt.dev/v1alpha1/cmds", "/api/v1/namespaces/default/configmaps")


@dataclass
class Api:
    """Speaks of one kind of one group to a server."""

    caller: Caller
    path: str
    store: Store

    def body(self, name: str, value: str = "1", **metadata: object) -> dict[str, Any]:
        wanted = {"name": name, **metadata} if name else metadata
        return {"metadata": wanted, **({"spec": {"args": [value]}} if "tilt" in self.path else {"data": {"a": value}})}

    async def make(self, name: str, value: str = "1", **metadata: object) -> dict[str, Any]:
        answer = await self.caller.ask("POST", self.path, self.body(name, value, **metadata))
        assert answer.status == 201, answer.body
        return _document(answer)

    async def put(self, name: str, value: str, **metadata: object) -> Answer:
        return await self.caller.ask("PUT", f"{self.path}/{name}", self.body(name, value, **metadata))

    async def patch(self, name: str, **metadata: object) -> Answer:
        return await self.caller.ask("PATCH", f"{self.path}/{name}", {"metadata": metadata}, content_type=MERGE)

    async def get(self, query: str = "") -> Answer:
        return await self.caller.ask("GET", f"{self.path}{query}")

    async def delete(self, name: str, **options: object) -> Answer:
        return await self.caller.ask("DELETE", f"{self.path}/{name}", options or None)

    async def forget(self) -> None:
        """Write until the beginning is forgotten."""
        await self.make("churn")
        for number in range(60):
            assert (await self.put("churn", f"n{number}")).status == 200
        with anyio.fail_after(5):
            while self.store.compacted < 10:
                assert (await self.put("churn", "more")).status == 200
                assert (await self.put("churn", "again")).status == 200


@pytest.fixture(params=PATHS, ids=["tilt.dev", "core"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def serving(path: str, folder: Path) -> AsyncGenerator[Api]:
    """Speak of the kind at this path to a server on a folder."""
    async with Store.open(str(folder / "state.db"), durable=False, retention=RETENTION) as store:
        registry = Registry(discover(v1alpha1, core_v1), store, utc_now)
        subresources = Subresources()
        front = Front(registry, Guard(TOKENS), subresources, now=utc_now, version="1.2.3")
        yield Api(Caller(front, subresources), path, store)


@pytest.fixture
async def api(path: str, tmp_path: Path) -> AsyncGenerator[Api]:
    async with serving(path, tmp_path) as one:
        yield one


def _document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    return found


def version(body: dict[str, Any]) -> str:
    return str(body["metadata"]["resourceVersion"])


def reason(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["reason"]


async def taken(api: Api, query: str, count: int) -> list[dict[str, Any]]:
    """Return the first events of a watch."""
    call = api.caller.call("GET", f"{api.path}?watch=1&{query}")
    found: list[dict[str, Any]] = []
    async with anyio.create_task_group() as group:
        group.start_soon(call.run)
        await call.begun()
        while len(found) < count:
            found.append(await _event(call))
        call.hang_up()
    return found


async def events(api: Api, query: str, count: int) -> list[tuple[str, str]]:
    """Return type and name of the first events of a watch."""
    return [_told(event) for event in await taken(api, query, count)]


async def _event(call: Call) -> dict[str, Any]:
    with anyio.fail_after(5):
        found: dict[str, Any] = await call.event()
        return found


def _told(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def test_resource_versions_are_in_one_order_and_a_write_returns_the_one_at_which_it_is_visible(api: Api) -> None:
    made = [await api.make(name) for name in "abc"]
    assert [int(version(one)) for one in made] == sorted(int(version(one)) for one in made)
    assert version(_document(await api.get("/b"))) == version(made[1])
    assert version(_document(await api.get())) == version(made[2])


async def test_equal_content_makes_no_new_resource_version(api: Api) -> None:
    made = await api.make("a", labels={"x": "y"})
    assert version(_document(await api.put("a", "1", labels={"x": "y"}))) == version(made)
    assert version(_document(await api.patch("a", labels={"x": "y"}))) == version(made)


async def test_a_stale_update_or_patch_is_409_and_a_create_over_existing_too(api: Api) -> None:
    made = await api.make("a")
    await api.put("a", "2")
    assert reason(await api.put("a", "3", resourceVersion=version(made))) == (409, "Conflict")
    assert reason(await api.patch("a", labels={"x": "y"}, resourceVersion=version(made))) == (409, "Conflict")
    assert reason(await api.caller.ask("POST", api.path, api.body("a"))) == (409, "AlreadyExists")


async def test_a_delete_honours_preconditions_of_uid_and_resource_version(api: Api) -> None:
    made = await api.make("a")
    assert reason(await api.delete("a", preconditions={"uid": "other"})) == (409, "Conflict")
    assert reason(await api.delete("a", preconditions={"resourceVersion": "0x"})) == (409, "Conflict")
    uid = made["metadata"]["uid"]
    assert (await api.delete("a", preconditions={"uid": uid, "resourceVersion": version(made)})).status == 200


async def test_names_are_generated_and_metadata_of_the_server_cannot_be_forged(api: Api) -> None:
    made = await api.make("", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=9, generateName="run-")
    about = made["metadata"]
    assert about["name"].startswith("run-")
    assert len(about["name"]) > len("run-")
    assert about["uid"] != "mine"
    assert about["creationTimestamp"] > "2020"
    assert about.get("generation", 1) == 1


async def test_a_list_pages_over_one_consistent_snapshot(api: Api) -> None:
    for name in "abcd":
        await api.make(name)
    first = _document(await api.get("?limit=2"))
    await api.delete("c")
    await api.make("cc")
    second = _document(await api.get(f"?limit=2&continue={first['metadata']['continue']}"))
    assert [one["metadata"]["name"] for page in (first, second) for one in page["items"]] == ["a", "b", "c", "d"]
    assert version(first) == version(second)
    assert "continue" not in second["metadata"]


async def test_an_expired_token_is_410_and_a_fresh_one_is_offered(api: Api) -> None:
    for name in "abc":
        await api.make(name)
    token = _document(await api.get("?limit=1"))["metadata"]["continue"]
    await api.forget()
    expired = await api.get(f"?limit=5&continue={token}")
    assert reason(expired) == (410, "Expired")
    rest = _document(await api.get(f"?continue={_document(expired)['metadata']['continue']}"))
    assert [one["metadata"]["name"] for one in rest["items"]] == ["b", "c", "churn"]


async def test_a_list_can_be_exactly_of_a_revision_or_not_older_than_it(api: Api) -> None:
    then = version(await api.make("a"))
    await api.make("b")
    exact = _document(await api.get(f"?resourceVersion={then}&resourceVersionMatch=Exact"))
    assert [one["metadata"]["name"] for one in exact["items"]] == ["a"]
    newer = _document(await api.get(f"?resourceVersion={then}&resourceVersionMatch=NotOlderThan"))
    assert [one["metadata"]["name"] for one in newer["items"]] == ["a", "b"]


async def test_a_revision_from_the_future_is_504_and_never_accepted_silently(api: Api) -> None:
    for query in ("?resourceVersion=1000000", "?watch=1&resourceVersion=1000000"):
        assert reason(await api.get(query)) == (504, "Timeout")


async def test_a_watch_tells_every_later_event_once_and_in_order(api: Api) -> None:
    since = version(await api.make("a"))
    await api.put("a", "2")
    await api.make("b")
    await api.delete("a")
    told = await events(api, f"resourceVersion={since}", 3)
    assert told == [("MODIFIED", "a"), ("ADDED", "b"), ("DELETED", "a")]


async def test_a_watch_from_too_long_ago_is_410(api: Api) -> None:
    since = version(await api.make("a"))
    await api.forget()
    call = api.caller.call("GET", f"{api.path}?watch=1&resourceVersion={since}&timeoutSeconds=2")
    await call.run()
    answer = await call.answer()
    found = answer.json()
    assert (found.get("object") or found)["code"] == 410


async def test_an_object_that_enters_or_leaves_a_selector_is_added_or_deleted_with_a_new_revision(api: Api) -> None:
    since = version(await api.make("a", labels={"app": "shop"}))
    await api.patch("a", labels={"app": "mall"})
    await api.patch("a", labels={"app": "shop"})
    told = await events(api, f"labelSelector=app%3Dshop&resourceVersion={since}", 2)
    assert told == [("DELETED", "a"), ("ADDED", "a")]


async def test_a_deleted_event_has_a_revision_of_its_own(api: Api) -> None:
    made = await api.make("a")
    await api.delete("a")
    (event,) = await taken(api, f"resourceVersion={version(made)}", 1)
    assert event["type"] == "DELETED"
    assert int(version(event["object"])) > int(version(made))


async def test_a_watch_can_begin_with_what_is_there_and_marks_where_that_ends(api: Api) -> None:
    await api.make("a")
    query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
    added, mark = await taken(api, query, 2)
    assert _told(added) == ("ADDED", "a")
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_that_ends_says_by_a_bookmark_how_far_it_was(api: Api) -> None:
    made = await api.make("a")
    call = api.caller.call(
        "GET", f"{api.path}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={version(made)}"
    )
    with anyio.fail_after(10):
        await call.run()
    mark = (await call.answer()).json()
    assert (mark["type"], version(mark["object"])) == ("BOOKMARK", version(made))


async def test_a_watch_that_waits_is_told_by_bookmarks_how_far_it_is(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BOOKMARK_SECONDS", 0.01)
    made = await api.make("a")
    told = await taken(api, f"allowWatchBookmarks=true&resourceVersion={version(made)}", 2)
    assert [(one["type"], version(one["object"])) for one in told] == [("BOOKMARK", version(made))] * 2


async def test_a_watch_goes_on_where_it_was_after_the_server_came_again(path: str, tmp_path: Path) -> None:
    async with serving(path, tmp_path) as api:
        since = version(await api.make("a"))
        await api.put("a", "2")
    async with serving(path, tmp_path) as api:
        await api.delete("a")
        assert await events(api, f"resourceVersion={since}", 2) == [("MODIFIED", "a"), ("DELETED", "a")]


@pytest.mark.parametrize(
    ("path", "spec", "changed", "status"),
    [
        (PATHS[0], {"args": ["1"]}, {"args": ["2"]}, {"ready": True}),
        (
            "/api/v1/namespaces/default/pods",
            {"containers": [{"name": "a", "image": "one"}]},
            {"containers": [{"name": "a", "image": "two"}]},
            {"phase": "Running"},
        ),
    ],
    ids=["tilt.dev", "core"],
)
async def test_a_status_is_written_apart_from_what_is_wanted(
    path: str, spec: object, changed: object, status: dict[str, object], tmp_path: Path
) -> None:
    async with serving(path, tmp_path) as api:
        body = {"metadata": {"name": "a"}, "spec": spec, "status": status}
        made = _document(await api.caller.ask("POST", path, body))
        assert not status.items() <= (made.get("status") or {}).items()
        both = {"spec": changed, "status": status}
        told = await api.caller.ask("PATCH", f"{path}/a/status", both, content_type=MERGE)
        assert told.status == 200, told.body
        now = _document(await api.get("/a"))
        assert now["spec"] == made["spec"]
        assert status.items() <= now["status"].items()
        assert now["metadata"].get("generation") == made["metadata"].get("generation")


async def test_a_slow_reader_is_cut_and_others_are_not_affected(api: Api) -> None:
    resource = api.path.rpartition("/")[2]
    slow = api.store.watch(f"tilt.dev/{resource}" if "tilt" in api.path else resource)
    await api.make("a")
    with anyio.fail_after(30):
        for number in itertools.count():
            assert (await api.put("a", str(number))).status == 200
            if slow._ending is not None:
                break
    assert "fell" in str(slow._ending)
    slow.close()


async def test_finalizers_hold_a_delete_in_two_phases(api: Api) -> None:
    await api.make("a", finalizers=["acme.test/hold"])
    held = _document(await api.delete("a"))
    assert held["metadata"]["deletionTimestamp"]
    assert (await api.get("/a")).status == 200
    assert (await api.patch("a", finalizers=None)).status == 200
    assert (await api.get("/a")).status == 404


async def test_deletecollection_is_so_many_deletes_with_their_events(api: Api) -> None:
    made = [await api.make(name, labels={"go": "yes"}) for name in "abc"]
    await api.make("stays")
    assert (await api.caller.ask("DELETE", f"{api.path}?labelSelector=go")).status == 200
    told = await events(api, f"labelSelector=go&resourceVersion={version(made[-1])}", 3)
    assert told == [("DELETED", name) for name in "abc"]
    assert [one["metadata"]["name"] for one in _document(await api.get())["items"]] == ["stays"]


async def test_a_dry_run_answers_as_the_write_would_and_stores_nothing(api: Api) -> None:
    before = api.store.revision
    answer = await api.caller.ask("POST", f"{api.path}?dryRun=All", api.body("a"))
    assert (answer.status, _document(answer)["metadata"]["name"]) == (201, "a")
    assert api.store.revision == before


async def test_an_apply_owns_its_fields_and_another_must_force(api: Api) -> None:
    kind = (
        {"apiVersion": "tilt.dev/v1alpha1", "kind": "Cmd"}
        if "tilt" in api.path
        else {"apiVersion": "v1", "kind": "ConfigMap"}
    )
    media = "application/apply-patch+yaml"
    for manager, value, force, status in (
        ("one", "1", "", 201),
        ("two", "2", "", 409),
        ("two", "2", "&force=true", 200),
    ):
        where = f"{api.path}/a?fieldManager={manager}{force}"
        answer = await api.caller.ask("PATCH", where, kind | api.body("a", value), content_type=media)
        assert answer.status == status
