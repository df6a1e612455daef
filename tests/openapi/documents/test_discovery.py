from __future__ import annotations

from typing import ClassVar

from upright.openapi.documents import discovery
from upright.openapi.meta import Object
from upright.openapi.scheme import Kind, Scheme


class Widget(Object):
    """A widget."""

    definition: ClassVar[Kind] = Kind("acme.test", "v1", "Widget", "widgets", short_names=("wd",))


class Parcel(Object):
    """A parcel, in the core group."""

    definition: ClassVar[Kind] = Kind(
        "", "v1", "Parcel", "parcels", namespaced=True, subresources=("log", "eviction"), categories=()
    )


class WidgetView(Object):
    """A view."""

    definition: ClassVar[Kind] = Kind(
        "acme.test", "v1", "WidgetView", "widgetviews", view_of="acme.test/widgets", project=dict
    )


SCHEME = Scheme([Widget, Parcel, WidgetView])


def test_the_core_group_stands_under_api_and_all_others_under_apis() -> None:
    assert discovery.api_versions(SCHEME)["versions"] == ["v1"]
    assert [group["name"] for group in discovery.api_group_list(SCHEME)["groups"]] == ["acme.test"]
    assert discovery.api_group(SCHEME, "acme.test")["preferredVersion"] == {
        "groupVersion": "acme.test/v1",
        "version": "v1",
    }


def test_a_resource_list_has_the_kinds_and_their_subresources() -> None:
    found = {entry["name"]: entry for entry in discovery.api_resource_list(SCHEME, "", "v1")["resources"]}
    assert sorted(found) == ["parcels", "parcels/eviction", "parcels/log", "parcels/status"]
    assert found["parcels"]["namespaced"] is True
    assert found["parcels"]["singularName"] == "parcel"
    assert found["parcels/eviction"]["group"] == "policy"
    assert found["parcels/log"]["verbs"] == ["get"]


def test_short_names_are_told_and_a_view_can_only_be_read() -> None:
    found = {entry["name"]: entry for entry in discovery.api_resource_list(SCHEME, "acme.test", "v1")["resources"]}
    assert found["widgets"]["shortNames"] == ["wd"]
    assert found["widgetviews"]["verbs"] == ["get", "list", "watch"]
    assert found["widgetviews/status"]["verbs"] == ["get"]


def test_aggregated_discovery_tells_the_same_in_one_document() -> None:
    made = discovery.aggregated(SCHEME, core=False, version="v2")
    assert made["apiVersion"] == "apidiscovery.k8s.io/v2"
    resources = made["items"][0]["versions"][0]["resources"]
    assert [entry["resource"] for entry in resources] == ["widgets", "widgetviews"]
    assert resources[0]["scope"] == "Cluster"
    core = discovery.aggregated(SCHEME, core=True, version="v2beta1")["items"]
    assert [entry["subresource"] for entry in core[0]["versions"][0]["resources"][0]["subresources"]] == [
        "eviction",
        "log",
        "status",
    ]
