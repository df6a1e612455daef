from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.world.field_owners import taken_over

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def entry(manager: str, operation: str, *fields: str, **more: object) -> Json:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsV1": {"f:data": {f"f:{name}": {} for name in fields}},
        **more,
    }


def test_what_was_applied_from_the_clients_side_becomes_ours() -> None:
    others = entry("controller", "Update", "c")
    status = entry("tilt", "Update", "d", subresource="status")
    managed = [entry("kubectl-client-side-apply", "Update", "a", "b"), others, status, entry("upright", "Apply", "a")]
    found = taken_over(managed, "upright")
    assert found == [others, status, entry("upright", "Apply", "a", "b")]


def test_where_nobody_applied_before_there_is_nothing_to_take_over() -> None:
    assert taken_over([entry("controller", "Update", "c"), entry("upright", "Apply", "a")], "upright") is None


def test_the_first_time_we_apply_the_fields_become_ours_too() -> None:
    before = entry("kubectl-client-side-apply", "Update", "a")
    assert taken_over([before], "upright") == [entry("upright", "Apply", "a")]


def test_fields_of_another_version_are_let_go() -> None:
    old = entry("tilt", "Update", "b", apiVersion="v1beta1")
    assert taken_over([old, entry("upright", "Apply", "a")], "upright") == [entry("upright", "Apply", "a")]
