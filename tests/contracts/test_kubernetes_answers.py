"""The same calls to our server and to a real kube-apiserver: the same answers, but for the differences that are explained.

The real one's answers are recorded. With UPRIGHT_TEST_KUBECONFIG they are asked for anew and must be as recorded; with
UPRIGHT_TEST_RECORD they are written.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from tests.contracts.asking import our_server, real_server
from tests.contracts.calls import CALLS
from tests.contracts.comparing import differing, put_to
from tests.contracts.differences import DIFFERENCES, page
from tests.contracts.requests import NAMESPACE, Call

RECORDED = Path(__file__).parent / "kubernetes.json"
PAGE = Path(__file__).parents[2] / "docs" / "api-differences.md"
SPACE = f"/api/v1/namespaces/{NAMESPACE}"
MAKE_SPACE = Call("space", "POST", "/api/v1/namespaces")
SPACE_BODY = orjson.dumps({"metadata": {"name": NAMESPACE}})

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(RECORDED.read_bytes())
    return found


async def test_our_answers_are_those_of_kubernetes_but_for_explained_differences(
    theirs: dict[str, Any], tmp_path: Path
) -> None:
    async with our_server(tmp_path) as ask:
        assert (await ask(MAKE_SPACE, SPACE_BODY)).status == 201
        ours = await put_to(ask, CALLS)
    assert ours.keys() == theirs.keys()
    used = set[int]()
    unexplained: list[str] = []
    for name, answer in ours.items():
        for path, real, own in differing(theirs[name], answer):
            covering = [index for index, one in enumerate(DIFFERENCES) if one.covers(name, path)]
            used.update(covering)
            if not covering:
                unexplained.append(f"{name} at {path}: Kubernetes {real!r}, ours {own!r}")
    assert not unexplained, "\n".join(unexplained)
    assert [one.what for index, one in enumerate(DIFFERENCES) if index not in used] == []


def test_every_difference_is_about_calls_that_are_made() -> None:
    made = {call.name for call in CALLS}
    assert [name for one in DIFFERENCES for name in one.calls if name not in made] == []


def test_the_page_of_differences_tells_them() -> None:
    assert PAGE.read_text() == page()


@pytest.mark.skipif("UPRIGHT_TEST_KUBECONFIG" not in os.environ, reason="UPRIGHT_TEST_KUBECONFIG names no cluster")
async def test_a_real_server_answers_as_it_was_recorded() -> None:
    ask = real_server(Path(os.environ["UPRIGHT_TEST_KUBECONFIG"]))
    gone, look = Call("gone", "DELETE", SPACE), Call("look", "GET", SPACE)
    try:
        with anyio.fail_after(60):
            while (await ask(MAKE_SPACE, SPACE_BODY)).status != 201:
                await ask(gone, b"")
                await anyio.sleep(1)
        found = await put_to(ask, CALLS)
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(60):
            await ask(gone, b"")
            while (await ask(look, b"")).status != 404:  # noqa: ASYNC110  reason: another server's state has no event
                await anyio.sleep(1)
    if "UPRIGHT_TEST_RECORD" in os.environ:
        RECORDED.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    theirs = orjson.loads(RECORDED.read_bytes())
    assert [[name, *one] for name in theirs for one in differing(theirs[name], found[name])] == []
