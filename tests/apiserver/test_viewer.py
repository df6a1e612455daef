"""Snapshots as pages: Tilt's and ours, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from upright.apiserver.viewer import PAGE, Viewer

SPAN: dict[str, Any] = {"spanId": "build:1", "time": "2026-01-02T03:04:05Z", "level": "INFO"}
SNAPSHOT: dict[str, Any] = {
    "view": {
        "uiSession": {
            "metadata": {"name": "Tiltfile"},
            "status": {"tiltfileKey": "/shop/Tiltfile", "runningTiltBuild": {"version": "0.37.6"}},
        },
        "uiResources": [
            {
                "metadata": {"name": "web", "labels": None, "creationTimestamp": "2026-01-02T03:00:00Z"},
                "spec": None,
                "status": {
                    "updateStatus": "error",
                    "runtimeStatus": "pending",
                    "pendingBuildSince": None,
                    "waiting": {"reason": "waiting-for-dep", "on": [{"name": "<db>"}]},
                    "k8sResourceInfo": None,
                },
            },
            {"metadata": {"name": "db"}, "status": None},
        ],
        "clusters": None,
        "uiButtons": [],
        "logList": {
            "spans": {"build:1": {"manifestName": "web"}, "other": None},
            "segments": [{**SPAN, "text": "<b>half"}, {**SPAN, "text": " a line\n"}, {"text": "nobody's\n"}],
        },
    },
    "createdAt": "2026-01-02T03:10:00Z",
}


async def ask(viewer: Viewer, path: str, *, method: str = "GET", host: str = "localhost:1") -> tuple[int, str, str]:
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401  reason: as ASGI has it
        said.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [(b"host", host.encode())]}
    await viewer(scope, receive, send)
    start, body = said
    return start["status"], dict(start["headers"])[b"content-type"].decode(), body["body"].decode()


async def test_a_snapshot_is_shown_as_things_were() -> None:
    code, media, page = await ask(Viewer(json.dumps(SNAPSHOT).encode()), PAGE)
    assert (code, media) == (200, "text/html; charset=utf-8")
    assert "/shop/Tiltfile · 2026-01-02T03:10:00Z · version 0.37.6" in page
    assert '<td data-value="web">web</td><td data-value="error">error</td><td data-value="pending">pending</td>' in page
    assert "waiting-for-dep &lt;db&gt;" in page
    assert ">10m<" in page, "ages are those of then"
    assert "<summary>web</summary><pre>&lt;b&gt;half a line\n</pre>" in page
    assert "<summary>(global)</summary><pre>nobody&#x27;s\n</pre>" in page
    assert "<script" not in page, "nothing moves any more"


async def test_it_is_there_as_it_is_too_and_nothing_else() -> None:
    raw = json.dumps(SNAPSHOT).encode()
    viewer = Viewer(raw)
    assert await ask(viewer, "/api/snapshot/local") == (200, "application/json", raw.decode())
    assert (await ask(viewer, "/"))[2] == (await ask(viewer, PAGE + "/"))[2]
    assert (await ask(viewer, "/dashboard/dashboard.css"))[0] == 200
    assert (await ask(viewer, "/api/view"))[0] == 404
    assert (await ask(viewer, PAGE, method="HEAD"))[2] == ""
    assert (await ask(viewer, PAGE, method="POST"))[0] == 405
    assert (await ask(viewer, PAGE, host="[::1]:1"))[0] == 200
    for name in ("evil.example.org:1", "", "localhost.evil.example.org:1"):
        assert (await ask(viewer, PAGE, host=name))[0] == 403, "a name that was made to lead here"


@pytest.mark.parametrize(
    "raw",
    [b"", b"no json", b"[]", b"{}", b'{"view": []}', b'{"view": {"uiResources": [{}]}}', b'{"view": {"logList": 3}}'],
)
def test_what_is_no_snapshot_is_said(raw: bytes) -> None:
    with pytest.raises(ValueError, match="it is no snapshot"):
        Viewer(raw)


def test_the_least_of_a_snapshot_is_enough() -> None:
    Viewer(b'{"view": {}}')
