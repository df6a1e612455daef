from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.apiserver.app.conftest import Caller

    Make = Callable[..., dict[str, Any]]

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


async def test_what_is_created_is_read_back(caller: Caller, session: Make) -> None:
    made = await caller.ask("POST", SESSIONS, session())
    assert made.status == 201
    read = await caller.ask("GET", f"{SESSIONS}/one")
    assert (read.status, read.body) == (200, made.body)
    assert read.json()["spec"]["tiltfilePath"] == "/p/Tiltfile"


async def test_a_list_holds_the_very_bytes_of_its_objects(caller: Caller, session: Make) -> None:
    one = await caller.ask("POST", SESSIONS, session("one"))
    two = await caller.ask("POST", SESSIONS, session("two"))
    listed = await caller.ask("GET", SESSIONS)
    assert one.body + b"," + two.body in listed.body
    assert listed.json()["kind"] == "SessionList"
    assert listed.json()["metadata"]["resourceVersion"] == two.json()["metadata"]["resourceVersion"]


async def test_a_list_comes_in_pages(caller: Caller, session: Make) -> None:
    for name in ("a", "b", "c"):
        await caller.ask("POST", SESSIONS, session(name))
    first = (await caller.ask("GET", f"{SESSIONS}?limit=2")).json()
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 1
    rest = (await caller.ask("GET", f"{SESSIONS}?limit=2&continue={first['metadata']['continue']}")).json()
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    assert "continue" not in rest["metadata"]


async def test_the_short_path_serves_the_same_objects(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    full, short = await caller.ask("GET", SESSIONS), await caller.ask("GET", "/apis/session")
    assert full.body == short.body
    assert (await caller.ask("GET", "/apis/session/one")).body == (await caller.ask("GET", f"{SESSIONS}/one")).body


async def test_the_short_path_finds_a_session_wherever_it_is(caller: Caller, session: Make) -> None:
    await caller.ask("POST", f"/sessions/other{SESSIONS}", session("far"))
    found = await caller.ask("GET", "/apis/session/far")
    assert (found.status, found.json()["metadata"]["name"]) == (200, "far")
    assert (await caller.ask("GET", f"{SESSIONS}/far")).status == 404
    await caller.ask("POST", f"/sessions/third{SESSIONS}", session("far"))
    assert (await caller.ask("GET", "/apis/session/far")).status == 404


async def test_each_session_has_a_partition_of_its_own(caller: Caller, session: Make) -> None:
    made = await caller.ask("POST", f"/sessions/other{SESSIONS}", session())
    assert made.status == 201
    assert (await caller.ask("GET", f"/sessions/other{SESSIONS}/one")).status == 200
    assert (await caller.ask("GET", f"{SESSIONS}/one")).status == 404
    assert (await caller.ask("GET", "/apis/session")).json()["items"] == [made.json()]


async def test_a_table_has_rows_and_ages(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    made = (await caller.ask("GET", SESSIONS, accept=TABLE)).json()
    assert (made["kind"], made["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert made["rows"][0]["cells"][-1] == "5s"
    assert made["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert (await caller.ask("GET", f"{SESSIONS}/one", accept=TABLE)).json()["kind"] == "Table"


async def test_metadata_alone_may_be_asked_for(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    made = (await caller.ask("GET", SESSIONS, accept=PARTIAL)).json()
    assert made["kind"] == "PartialObjectMetadataList"
    assert set(made["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_an_update_and_two_kinds_of_patches_change_the_object(caller: Caller, session: Make) -> None:
    body = (await caller.ask("POST", SESSIONS, session())).json()
    body["spec"]["exitCondition"] = "manual"
    assert (await caller.ask("PUT", f"{SESSIONS}/one", body)).json()["metadata"]["generation"] == 2
    merged = await caller.ask(
        "PATCH", f"{SESSIONS}/one", {"metadata": {"labels": {"a": "b"}}}, content_type="application/merge-patch+json"
    )
    assert merged.json()["metadata"]["labels"] == {"a": "b"}
    operations = [{"op": "replace", "path": "/spec/exitCondition", "value": "ci"}]
    patched = await caller.ask("PATCH", f"{SESSIONS}/one", operations, content_type="application/json-patch+json")
    assert patched.json()["spec"]["exitCondition"] == "ci"


async def test_the_status_is_written_apart(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    patch = {"status": {"done": True}, "spec": {"tiltfilePath": "/other"}}
    kind = "application/merge-patch+json"
    patched = (await caller.ask("PATCH", f"{SESSIONS}/one/status", patch, content_type=kind)).json()
    assert patched["status"]["done"] is True
    assert patched["spec"]["tiltfilePath"] == "/p/Tiltfile"
    assert (await caller.ask("GET", f"{SESSIONS}/one/status")).json() == patched


async def test_a_delete_answers_with_a_status_or_with_the_object_that_waits(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session("free"))
    await caller.ask("POST", SESSIONS, session("held", finalizers=["acme.test/hold"]))
    gone = (await caller.ask("DELETE", f"{SESSIONS}/free")).json()
    assert (gone["kind"], gone["status"], gone["details"]["name"]) == ("Status", "Success", "free")
    waits = (await caller.ask("DELETE", f"{SESSIONS}/held", {"propagationPolicy": "Background"})).json()
    assert "deletionTimestamp" in waits["metadata"]


async def test_a_delete_keeps_to_its_preconditions(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    answer = await caller.ask("DELETE", f"{SESSIONS}/one", {"preconditions": {"uid": "another"}})
    assert (answer.status, answer.json()["reason"]) == (409, "Conflict")


async def test_a_collection_is_deleted_by_selector(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session("a", labels={"x": "1"}))
    await caller.ask("POST", SESSIONS, session("b"))
    answer = await caller.ask("DELETE", f"{SESSIONS}?labelSelector=x%3D1")
    assert [item["metadata"]["name"] for item in answer.json()["items"]] == ["a"]
    assert [item["metadata"]["name"] for item in (await caller.ask("GET", SESSIONS)).json()["items"]] == ["b"]


async def test_an_unknown_field_is_answered_with_a_warning_or_refused_when_strict(
    caller: Caller, session: Make
) -> None:
    body = session() | {"colour": "red"}
    warned = await caller.ask("POST", SESSIONS, body)
    assert warned.header("warning") == '299 - "unknown field \\"colour\\""'
    strict = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Strict", session("two") | {"colour": "red"})
    assert strict.status == 400
    silent = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Ignore", session("two") | {"colour": "red"})
    assert (silent.status, silent.header("warning")) == (201, "")


async def test_a_dry_run_stores_nothing(caller: Caller, session: Make) -> None:
    assert (await caller.ask("POST", f"{SESSIONS}?dryRun=All", session())).status == 201
    assert (await caller.ask("GET", f"{SESSIONS}/one")).status == 404


async def test_wrong_fields_are_named_with_their_paths(caller: Caller, session: Make) -> None:
    answer = await caller.ask("POST", SESSIONS, session() | {"spec": {"tiltfilePath": ""}})
    assert (answer.status, answer.json()["reason"]) == (422, "Invalid")
    assert answer.json()["details"]["causes"][0]["field"] == "spec.tiltfilePath"


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", f"{SESSIONS}/nix", 404, "NotFound"),
        ("GET", "/apis/tilt.dev/v1alpha1/nix", 404, "NotFound"),
        ("GET", "/apis/tilt.dev/v9/sessions", 404, "NotFound"),
        ("GET", f"{SESSIONS}/one/log", 404, "NotFound"),
        ("GET", f"{SESSIONS}?limit=-1", 400, "BadRequest"),
        ("GET", f"{SESSIONS}?limit=many", 400, "BadRequest"),
        ("GET", f"{SESSIONS}?labelSelector=%21%21", 400, "BadRequest"),
        ("GET", f"{SESSIONS}?resourceVersionMatch=Perhaps", 422, "Invalid"),
        ("GET", f"{SESSIONS}?continue=nix", 400, "BadRequest"),
        ("POST", f"{SESSIONS}/one", 405, "MethodNotAllowed"),
        ("PUT", SESSIONS, 405, "MethodNotAllowed"),
        ("BREW", SESSIONS, 405, "MethodNotAllowed"),
    ],
)
async def test_what_cannot_be_done_is_said_with_its_reason(
    caller: Caller, method: str, path: str, status: int, reason: str
) -> None:
    answer = await caller.ask(method, path)
    assert (answer.status, answer.json()["reason"]) == (status, reason)
    assert answer.json()["kind"] == "Status"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"a: [", "application/yaml", 400),
        (b"a: &x 1\nb: *x", "application/yaml", 400),
        (b"a: !!python/object:os.system 1", "application/yaml", 400),
        (b"k8s\x00", "application/vnd.kubernetes.protobuf", 415),
        (b"<a/>", "text/xml", 415),
    ],
)
async def test_a_body_that_is_none_is_refused(caller: Caller, body: bytes, content_type: str, status: int) -> None:
    answer = await caller.ask("POST", SESSIONS, body, content_type=content_type)
    assert answer.status == status, answer.body


async def test_protobuf_is_refused_with_a_hint(caller: Caller) -> None:
    answer = await caller.ask("POST", SESSIONS, b"k8s\x00", content_type="application/vnd.kubernetes.protobuf")
    assert "kubectl apply -f" in answer.json()["message"]


async def test_yaml_is_read_as_kubernetes_reads_it(caller: Caller) -> None:
    text = b"""
apiVersion: tilt.dev/v1alpha1
kind: ConfigMap
metadata: {name: dates}
data: {when: 2026-01-01, equals: =}
"""
    made = await caller.ask("POST", "/apis/tilt.dev/v1alpha1/configmaps", text, content_type="application/yaml")
    assert made.json()["data"] == {"when": "2026-01-01", "equals": "="}


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(caller: Caller) -> None:
    announced = await caller.ask("POST", SESSIONS, b"{}", content_length=str(50 * 1024 * 1024))
    assert (announced.status, announced.json()["reason"]) == (413, "RequestEntityTooLarge")
    sent = await caller.ask("POST", SESSIONS, b"x" * (21 * 1024 * 1024))
    assert sent.status == 413


async def test_a_strategic_patch_of_our_own_kinds_is_not_supported(caller: Caller, session: Make) -> None:
    await caller.ask("POST", SESSIONS, session())
    kind = "application/strategic-merge-patch+json"
    assert (await caller.ask("PATCH", f"{SESSIONS}/one", {}, content_type=kind)).status == 415
    assert (await caller.ask("PATCH", f"{SESSIONS}/one", {}, content_type="application/json")).status == 415


async def test_only_protobuf_is_not_acceptable_but_protobuf_or_json_is_json(caller: Caller) -> None:
    refused = await caller.ask("GET", SESSIONS, accept="application/vnd.kubernetes.protobuf")
    assert (refused.status, refused.json()["reason"]) == (406, "NotAcceptable")
    both = await caller.ask("GET", SESSIONS, accept="application/vnd.kubernetes.protobuf,application/json")
    assert both.header("content-type") == "application/json"


async def test_a_large_answer_is_compressed_if_asked_from_another_machine(caller: Caller) -> None:
    body = {
        "apiVersion": "tilt.dev/v1alpha1",
        "kind": "ConfigMap",
        "metadata": {"name": "big"},
        "data": {"x": "y" * 200_000},
    }
    await caller.ask("POST", "/apis/tilt.dev/v1alpha1/configmaps", body)
    path = "/apis/tilt.dev/v1alpha1/configmaps/big"

    async def encoding(path: str, client: str, asked: str = "gzip") -> str:
        call = caller.call("GET", path, accept_encoding=asked)
        call.client = client
        await call.run()
        return (await call.answer()).header("content-encoding")

    assert await encoding(path, "10.0.0.1") == "gzip"
    assert await encoding(path, "127.0.0.1") == ""
    assert await encoding(path, "10.0.0.1", "identity") == ""
    assert await encoding("/apis/session", "10.0.0.1") == ""


async def test_a_name_may_hold_what_a_path_must_escape(caller: Caller, session: Make) -> None:
    made = await caller.ask("POST", SESSIONS, session("(Tiltfile)"))
    assert made.status == 201
    assert (await caller.ask("GET", f"{SESSIONS}/%28Tiltfile%29")).body == made.body
