from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from upright.openapi.errors import APIError, BadRequest, Invalid, RequestEntityTooLarge
from upright.openapi.patches import json_patch, merge, strategic

if TYPE_CHECKING:
    from upright.openapi.meta import Json

KEYS = {
    "spec.containers": "name",
    "spec.containers[].ports": "containerPort",
    "spec.containers.env": "name",
    "spec.words": "",
}


@pytest.mark.parametrize(
    ("body", "patch", "expected"),
    [  # the table of RFC 7386
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "foo"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_a_merge_patch_merges(body: Json, patch: Json, expected: Json) -> None:
    before = deepcopy(body)
    assert merge(body, patch) == expected
    assert body == before


def test_a_merge_patch_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadRequest):
        merge({}, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # reason: what a client may send


def test_copies_of_copies_are_refused_before_they_fill_the_memory() -> None:
    ops: list[Json] = [{"op": "add", "path": "/a", "value": {}}]
    ops += [{"op": "copy", "from": "/a", "path": f"/a/b{number}"} for number in range(60)]
    with pytest.raises(RequestEntityTooLarge, match="may copy 1048576 bytes"):
        json_patch({}, ops)


def test_an_object_that_a_patch_nests_beyond_all_depth_is_refused() -> None:
    deep: Json = {}
    for _ in range(2000):
        deep = {"a": deep}
    with pytest.raises(APIError):
        json_patch({"a": 1}, [{"op": "test", "path": "/a", "value": deep}])


def test_a_json_patch_patches() -> None:
    body = {"a": {"b": [1, 2]}, "c/d": 1}
    ops: list[Json] = [
        {"op": "test", "path": "/a/b/0", "value": 1},
        {"op": "add", "path": "/a/b/-", "value": 3},
        {"op": "replace", "path": "/c~1d", "value": 2},
        {"op": "move", "from": "/a/b/0", "path": "/x"},
        {"op": "copy", "from": "/x", "path": "/y"},
        {"op": "remove", "path": "/a/b/0"},
    ]
    assert json_patch(body, ops) == {"a": {"b": [3]}, "c/d": 2, "x": 1, "y": 1}
    assert body == {"a": {"b": [1, 2]}, "c/d": 1}


@pytest.mark.parametrize(
    ("ops", "error"),
    [
        ([{"op": "test", "path": "/a", "value": 2}], Invalid),
        ([{"op": "remove", "path": "/missing"}], Invalid),
        ([{"op": "add", "path": "/l/9", "value": 1}], Invalid),
        ([{"op": "add", "path": "/a/b/c", "value": 1}], Invalid),
        ([{"op": "replace", "path": "/missing", "value": 1}], Invalid),
        ([{"op": "fly", "path": "/a"}], BadRequest),
        ([{"op": "add"}], BadRequest),
        ([{"op": "add", "path": "a", "value": 1}], APIError),
        (["x"], BadRequest),
        ({"op": "add"}, BadRequest),
        ([{"op": "replace", "path": "", "value": 3}], BadRequest),
        ([{"op": "test", "path": "/a", "value": 1}] * 10_001, BadRequest),
    ],
)
def test_a_json_patch_that_is_wrong_is_refused(ops: list[Json], error: type[APIError]) -> None:
    with pytest.raises(error):
        json_patch({"a": 1, "l": []}, ops)


def containers(*items: Json) -> Json:
    return {"spec": {"containers": list(items)}}


WEB = {"name": "web", "image": "web:1", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}
LOG = {"name": "log", "image": "log:1"}


@pytest.mark.parametrize(
    ("body", "patch", "expected"),
    [
        pytest.param(
            containers(WEB, LOG),
            containers({"name": "log", "image": "log:2"}),
            containers(WEB, {"name": "log", "image": "log:2"}),
            id="items are merged by their key",
        ),
        pytest.param(
            containers(WEB),
            containers({"name": "web", "ports": [{"containerPort": 81}], "env": [{"name": "A", "value": "2"}]}),
            containers(
                {
                    "name": "web",
                    "image": "web:1",
                    "ports": [{"containerPort": 81}, {"containerPort": 80}],
                    "env": [{"name": "A", "value": "2"}],
                }
            ),
            id="lists inside items too",
        ),
        pytest.param(containers(WEB), containers(LOG), containers(LOG, WEB), id="new items come first"),
        pytest.param(
            containers(WEB, LOG), containers({"name": "web", "$patch": "delete"}), containers(LOG), id="item deleted"
        ),
        pytest.param(
            containers(WEB, LOG),
            containers({"$patch": "replace"}, {"name": "x"}),
            containers({"name": "x"}),
            id="list replaced",
        ),
        pytest.param(
            {"a": {"b": 1, "c": 2}}, {"a": {"$patch": "replace", "b": 3}}, {"a": {"b": 3}}, id="object replaced"
        ),
        pytest.param({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}, id="object emptied"),
        pytest.param({"a": [1, 2]}, {"a": [3]}, {"a": [3]}, id="a list without merge key is replaced"),
        pytest.param({"a": {"b": 1}}, {"a": None, "x": {"y": 1}}, {"x": {"y": 1}}, id="null deletes"),
        pytest.param({"spec": {"words": ["a"]}}, {"spec": {"words": ["b", "a"]}}, {"spec": {"words": ["b", "a"]}}),
        pytest.param(
            {"metadata": {"finalizers": ["a", "b"]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
            {"metadata": {"finalizers": ["b"]}},
            id="values deleted from a list of scalars",
        ),
        pytest.param(
            containers(WEB, LOG, {"name": "server"}),
            {
                "spec": {
                    "$setElementOrder/containers": [{"name": "log"}, {"name": "new"}, {"name": "web"}],
                    "containers": [{"name": "new"}],
                }
            },
            containers(LOG, {"name": "new"}, WEB, {"name": "server"}),
            id="the order of the patch",
        ),
        pytest.param(
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
            {"strategy": {"type": "Recreate"}},
            id="only some keys retained",
        ),
        pytest.param(
            {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}},
            {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": "1"}, {"uid": "2", "name": "b"}]}},
            {"metadata": {"ownerReferences": [{"uid": "2", "name": "b"}]}},
            id="owners by uid, in every kind",
        ),
    ],
)
def test_a_strategic_merge_patch_merges(body: Json, patch: Json, expected: Json) -> None:
    before = deepcopy(body)
    assert strategic(body, patch, KEYS) == expected
    assert body == before


@pytest.mark.parametrize(
    "patch", [{"$patch": "fly"}, containers({"image": "x"}), {"spec": {"containers": ["web"]}}, {"a": {"$patch": "?"}}]
)
def test_a_strategic_merge_patch_that_is_wrong_is_refused(patch: Json) -> None:
    with pytest.raises(BadRequest):
        strategic(containers(WEB), patch, KEYS)
