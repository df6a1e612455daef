"""The HTTP surface under requests made of its own OpenAPI, mostly as it says and a little otherwise.

Every answer comes, says what it is, and none says that the fault was ours. The seed is in the test's name: the same
requests each time; more of them with UPRIGHT_FUZZ_SEEDS.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import anyio
import orjson
import pytest

from upright.openapi.documents import openapi_v3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.apiserver.app.conftest import Call, Caller
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

SEEDS = int(os.environ.get("UPRIGHT_FUZZ_SEEDS", "4"))
DEPTH = 7
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 62, 1 << 80, 1e300, "", "\x00", "ä\u2028\U0001f600", "../..", "a" * 300, [], {}, [[]],
    {"": ""}, {"$ref": "x"}, [None], "2026-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "9999999999h", "1e400m",
)  # fmt: skip
TEXTS = (
    "one",
    "two",
    "default",
    "web",
    "a=b",
    "a in (b,c)",
    "!a",
    "metadata.name=one",
    "All",
    "Strict",
    "1",
    "0",
    "true",
)
TYPES = (
    "application/json", "application/yaml", "application/merge-patch+json", "application/json-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/vnd.kubernetes.protobuf",
)  # fmt: skip
ACCEPTS = (
    "application/json", "*/*", "application/json;as=Table;g=meta.k8s.io;v=v1", "application/vnd.kubernetes.protobuf",
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "text/html;q=x", ";;,,=", "text/event-stream",
)  # fmt: skip
OPERATIONS = ("add", "remove", "replace", "move", "copy", "test", "odd")


class Maker:
    """Makes requests for the operations of a document."""

    def __init__(self, document: Json, dice: random.Random) -> None:
        self.document = document
        self.dice = dice

    def requests(self) -> Iterator[tuple[str, str, object, dict[str, str]]]:
        """Yield method, path with query, body and headers."""
        for path, methods in self.document["paths"].items():
            for method, about in methods.items():
                if method in {"get", "put", "post", "patch", "delete"}:
                    yield self._request(path, method, about)

    def _request(self, path: str, method: str, about: Json) -> tuple[str, str, object, dict[str, str]]:
        dice = self.dice
        query: list[str] = []
        for parameter in about.get("parameters", ()):
            if parameter["in"] == "path":
                name = "default" if parameter["name"] == "namespace" else dice.choice(("one", "two", "%20", "a%2Fb"))
                path = path.replace(f"{{{parameter['name']}}}", name)
            elif dice.random() < 0.15:
                value = dice.choice((*TEXTS, "-1", "%ff", "x" * 200, "99999999999999999999", ""))
                query.append(f"{parameter['name']}={value}")
        headers = {"accept": dice.choice(ACCEPTS)} if dice.random() < 0.2 else {}
        content = about.get("requestBody", {}).get("content", {})
        body: object = None
        if content:
            kind = dice.choice((*content, *TYPES) if dice.random() < 0.1 else [*content])
            headers["content-type"] = kind if kind != "*/*" else "application/json"
            schema = next(iter(content.values())).get("schema", {})
            body = self._patch(path) if "patch" in kind else self.value(schema)
            if "json-patch" in kind:
                body = self._operations()
        if dice.random() < 0.05:
            body = dice.choice((b"", b"{", b"\xff\xfe", b"[" * 5000, b'{"a":' * 3000, b"k8s\x00\n\x04", b"a: &b [*b]"))
        return method.upper(), f"{path}?{'&'.join(query)}" if query else path, body, headers

    def _patch(self, path: str) -> object:
        """Return a piece of the kind whose objects stand at the path."""
        found = self.document["paths"].get(path, {})
        for method in ("put", "post"):
            if content := found.get(method, {}).get("requestBody", {}).get("content"):
                return self.value(next(iter(content.values())).get("schema", {}))
        kinds = [name for name in self.document["components"]["schemas"] if not name.endswith(("List", "Status"))]
        return self.value({"$ref": f"#/components/schemas/{self.dice.choice(kinds)}"})

    def _operations(self) -> Sequence[object]:
        dice = self.dice
        paths = (
            "",
            "/",
            "/metadata/labels/a",
            "/spec",
            "/spec/x/0",
            "/metadata/finalizers/-",
            "/a~2",
            "x",
            "/metadata/name",
        )
        return [
            {
                "op": dice.choice(OPERATIONS),
                "path": dice.choice(paths),
                "from": dice.choice(paths),
                "value": dice.choice(ODD),
            }
            for _ in range(dice.randrange(3))
        ]

    def value(self, schema: Json, depth: int = 0, name: str = "") -> Any:  # noqa: ANN401  reason: any JSON
        """Return a value of the schema; one in forty is odd."""
        dice = self.dice
        if dice.random() < 0.025:
            return dice.choice(ODD)
        if inner := schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf"):
            return self.value(dice.choice(inner), depth, name)
        if "$ref" in schema:
            found = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return self.value(found, depth, name)
        makers: dict[object, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._list(schema, depth),
            "integer": lambda: dice.choice((0, 1, 80, 8080, 30)),
            "number": lambda: dice.choice((0, 0.5, 30)),
            "boolean": lambda: dice.random() < 0.5,
        }
        make = makers.get(schema.get("type"))
        return make() if make else self._text(schema, name)

    def _list(self, schema: Json, depth: int) -> list[Any]:
        count = self.dice.choice((0, 1, 1, 2)) if depth < DEPTH else 0
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]

    def _text(self, schema: Json, name: str) -> object:
        if schema.get("enum"):
            return self.dice.choice(schema["enum"])
        if name in {"name", "resourceVersion", "uid"}:
            return self.dice.choice(("one", "two", "")) if name == "name" else ""
        return self.dice.choice((*TEXTS, "5m", "100m", "2026-01-01T00:00:00Z"))

    def _object(self, schema: Json, depth: int) -> Json:
        found: Json = {}
        properties: Json = schema.get("properties", {})
        wanted = {*schema.get("required", ()), *({"metadata", "spec"} & properties.keys())}
        for name, inner in properties.items():
            if name in {"apiVersion", "kind"} and not depth:
                continue
            if name in wanted or (depth < DEPTH and self.dice.random() < 0.25):
                found[name] = self.value(inner, depth + 1, name)
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and self.dice.random() < 0.5:
            found[self.dice.choice(TEXTS)] = self.value(more, depth + 1)
        return found


def _wire(body: object) -> object:
    """Return the body as bytes; JSON has no numbers beyond 64 bits here, so those are written by hand."""
    if body is None or isinstance(body, bytes):
        return body
    try:
        return orjson.dumps(body)
    except TypeError:
        return repr(body).replace("'", '"').replace("None", "null").replace("True", "true").encode()


async def _answered(call: Call, *, watches: bool) -> None:
    if watches:
        call.hang_up()
    with anyio.fail_after(10):
        await call.run()
    if watches:
        return
    answer = await call.answer()
    yet_to_come = answer.status == 504 and b"ResourceVersionTooLarge" in answer.body
    assert answer.status < 500 or yet_to_come, (call.method, call.path, call.body[:300], answer.body)
    if answer.status >= 400:
        status = answer.json()
        assert (status["kind"], status["code"]) == ("Status", answer.status)
        assert status["reason"]
        assert status["message"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_request_is_our_own_fault(
    caller: Caller, scheme: Scheme, session: Callable[..., Json], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(seed)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    await caller.ask("POST", "/api/v1/namespaces", space)
    await caller.ask("POST", "/apis/tilt.dev/v1alpha1/sessions", session("one"))
    for where in openapi_v3.places(scheme).values():
        for method, path, body, headers in Maker(openapi_v3.document(scheme, *where), dice).requests():
            held = {name.replace("-", "_"): value for name, value in headers.items()}
            call = caller.call(method, path, _wire(body), **held)
            await _answered(call, watches="watch=" in path or "text/event-stream" in held.get("accept", ""))
    assert caplog.text == ""
