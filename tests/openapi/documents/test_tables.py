from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from upright.openapi.documents.partial import partial
from upright.openapi.documents.tables import table
from upright.openapi.v1alpha1.session import Session

if TYPE_CHECKING:
    from upright.openapi.meta import Json

NOW = datetime(2026, 1, 1, 12, 3, 20, tzinfo=UTC)
BODY: Json = {
    "apiVersion": "tilt.dev/v1alpha1",
    "kind": "Session",
    "metadata": {"name": "Tiltfile", "creationTimestamp": "2026-01-01T12:00:00Z", "resourceVersion": "7"},
    "spec": {"tiltfilePath": "/p/Tiltfile", "exitCondition": "ci"},
    "status": {"done": False, "targets": [{"state": {"active": {"ready": True}}}, {"state": {"waiting": {}}}]},
}


def test_a_row_has_the_columns_of_the_kind_and_an_age() -> None:
    made = table(Session.definition, [BODY], NOW)
    assert [column["name"] for column in made["columnDefinitions"]] == [
        column.name for column in Session.definition.columns
    ]
    assert made["rows"][0]["cells"] == ["Tiltfile", "ci", False, "1/2", "<none>", "3m20s"]


def test_the_name_column_is_marked_for_kubectl() -> None:
    name = table(Session.definition, [], NOW)["columnDefinitions"][0]
    assert (name["type"], name["format"]) == ("string", "name")


def test_a_row_carries_metadata_or_the_object_or_nothing_as_asked() -> None:
    def carried(made: Json) -> object:
        return made["rows"][0]["object"]

    assert carried(table(Session.definition, [BODY], NOW)) == partial(BODY)
    assert carried(table(Session.definition, [BODY], NOW, include="Object")) == BODY
    assert carried(table(Session.definition, [BODY], NOW, include="None")) is None


def test_later_tables_of_a_watch_have_no_columns() -> None:
    assert table(Session.definition, [BODY], NOW, headed=False)["columnDefinitions"] is None


def test_partial_metadata_is_the_metadata_in_its_own_envelope() -> None:
    assert partial(BODY) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": BODY["metadata"],
    }
