from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.apiserver.app.conftest import Caller

AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api", "APIVersions"),
        ("/apis", "APIGroupList"),
        ("/apis/", "APIGroupList"),
        ("/apis/tilt.dev", "APIGroup"),
        ("/apis/tilt.dev/v1alpha1", "APIResourceList"),
        ("/api/v1", "APIResourceList"),
    ],
)
async def test_discovery_is_served_plainly(caller: Caller, path: str, kind: str) -> None:
    assert (await caller.ask("GET", path)).json()["kind"] == kind


async def test_discovery_is_served_in_one_document_to_those_who_ask(caller: Caller) -> None:
    answer = await caller.ask("GET", "/apis", accept=AGGREGATED)
    assert answer.json()["apiVersion"] == "apidiscovery.k8s.io/v2"
    assert answer.header("content-type") == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    again = await caller.ask("GET", "/apis", accept=AGGREGATED, if_none_match=answer.header("etag"))
    assert (again.status, again.body) == (304, b"")
    core = await caller.ask("GET", "/api", accept=AGGREGATED)
    assert core.json()["items"][0]["versions"][0]["version"] == "v1"


async def test_an_openapi_document_is_kept_for_ever_under_its_hash(caller: Caller) -> None:
    index = (await caller.ask("GET", "/openapi/v3")).json()
    url = index["paths"]["apis/tilt.dev/v1alpha1"]["serverRelativeURL"]
    answer = await caller.ask("GET", url)
    assert answer.json()["openapi"] == "3.0.0"
    assert "immutable" in dict(answer.headers)[b"cache-control"].decode()
    assert "immutable" not in (await caller.ask("GET", url.partition("?")[0])).header("cache-control")


async def test_the_older_openapi_is_json_and_nothing_else(caller: Caller) -> None:
    assert (await caller.ask("GET", "/openapi/v2")).json()["swagger"] == "2.0"
    proto = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    assert (await caller.ask("GET", "/openapi/v2", accept=proto)).status == 406


@pytest.mark.parametrize(
    "path", ["/apis/nix", "/apis/nix/v1", "/openapi/v3/apis/nix/v1", "/openapi/v9", "/api/v2", "/nix"]
)
async def test_a_document_that_is_none_is_not_found(caller: Caller, path: str) -> None:
    answer = await caller.ask("GET", path)
    assert (answer.status, answer.json()["kind"]) == (404, "Status")


async def test_the_version_is_that_of_the_program_and_of_the_kubernetes_it_follows(caller: Caller) -> None:
    about = (await caller.ask("GET", "/version", token="")).json()
    assert about["gitVersion"].endswith("+upright-1.2.3")
    assert about["minor"] == "36"
