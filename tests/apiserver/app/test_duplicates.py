from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from upright.apiserver.app.duplicates import duplicates

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Caller

SESSIONS = "/apis/tilt.dev/v1alpha1/sessions"
TWICE = b'{"metadata":{"name":"one"},"spec":{"tiltfilePath":"/p/Tiltfile","tiltfilePath":"/q/Tiltfile"}}'


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"a":1}', ()),
        (b'{"a": 1, "b": {"a": 1}}', ()),
        (b'{"a":1,"a":1}', ("a",)),
        (rb'{"a":"\u0022","b":"\u0022","a":"\u0022"}', ("a",)),
        (b'{"a":1,"a":1,"a":2}', ("a",)),
        (b'{"a":{"b":1,"c":[{"d":1,"d":2}],"b":2}}', ("a.b", "a.c[0].d")),
        (b'[{"op":"test","op":"add","value":{"a":1,"a":2}}]', ("[0].op", "[0].value.a")),
        (b"a: 1\nb: {c: [{d: 1, d: 2}]}\na: 2\n", ("a", "b.c[0].d")),
        (b"a: 1\n", ()),
    ],
)
def test_what_stands_twice_is_found_by_its_path(raw: bytes, found: tuple[str, ...]) -> None:
    assert duplicates(raw, yaml.safe_load(raw)) == found


async def test_a_field_that_stands_twice_is_refused_strictly_warned_of_or_ignored(caller: Caller) -> None:
    refused = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Strict", TWICE)
    assert refused.status == 400
    assert 'strict decoding error: duplicate field "spec.tiltfilePath"' in refused.json()["message"]
    warned = await caller.ask("POST", f"{SESSIONS}?dryRun=All", TWICE)
    assert warned.status == 201
    assert 'duplicate field \\"spec.tiltfilePath\\"' in warned.header("warning")
    ignored = await caller.ask("POST", f"{SESSIONS}?fieldValidation=Ignore", TWICE)
    assert (ignored.status, ignored.header("warning")) == (201, "")
    assert ignored.json()["spec"]["tiltfilePath"] == "/q/Tiltfile"


MERGE, JSON, APPLY = "application/merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml"
STATUS = b'{"status":{"done":true,"done":false}}'
YAML = b"metadata: {name: one}\nspec: {tiltfilePath: /p/Tiltfile, tiltfilePath: /q/Tiltfile}\n"


@pytest.mark.parametrize(
    ("method", "path", "media", "body", "field"),
    [
        ("POST", "", "application/yaml", YAML, "spec.tiltfilePath"),
        ("PUT", "/one", "application/json", TWICE, "spec.tiltfilePath"),
        ("PATCH", "/one", MERGE, b'{"spec":{"exitCondition":"ci","exitCondition":"manual"}}', "spec.exitCondition"),
        ("PATCH", "/one", JSON, b'[{"op":"test","op":"add","path":"/metadata/labels","value":{}}]', "[0].op"),
        ("PATCH", "/one?fieldManager=me&force=true", APPLY, b"apiVersion: tilt.dev/v1alpha1\nkind: Session\n" + YAML, "spec.tiltfilePath"),
        ("PATCH", "/one/status", MERGE, STATUS, "status.done"),
        ("PATCH", "/one/status", MERGE, b'{"status":{"colour":"red"}}', "status.colour"),
    ],
)  # fmt: skip
async def test_it_is_so_for_yaml_for_patches_and_for_a_status(
    caller: Caller, method: str, path: str, media: str, body: bytes, field: str
) -> None:
    if method != "POST":
        await caller.ask("POST", SESSIONS, {"metadata": {"name": "one"}, "spec": {"tiltfilePath": "/p/Tiltfile"}})

    async def told(validation: str) -> tuple[int, str]:
        query = f"{'&' if '?' in path else '?'}fieldValidation={validation}"
        answer = await caller.ask(method, f"{SESSIONS}{path}{query}&dryRun=All", body, content_type=media)
        return answer.status, answer.json()["message"] if answer.status >= 400 else answer.header("warning")

    status, message = await told("Strict")
    assert (status, f'field "{field}"' in message) == (400, True), message
    status, warning = await told("Warn")
    assert (status < 300, f'field \\"{field}\\"' in warning) == (True, True), (status, warning)
    assert (await told("Ignore"))[1] == ""
