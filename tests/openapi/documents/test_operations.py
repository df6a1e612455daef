"""Every verb of every kind and subresource that discovery tells is described as an operation."""

from __future__ import annotations

import pytest

from upright.openapi import apps_v1, batch_v1, core_v1, v1alpha1
from upright.openapi.documents.discovery import kinds_of
from upright.openapi.documents.openapi_v3 import document, places
from upright.openapi.documents.verbs import subresources, verbs
from upright.openapi.scheme import discover

SCHEME = discover(v1alpha1, core_v1, apps_v1, batch_v1)
OF_ONE = {"get": "get", "update": "put", "patch": "patch", "delete": "delete", "create": "post"}
OF_MANY = {"list": "get", "watch": "get", "create": "post", "deletecollection": "delete"}


@pytest.mark.parametrize("place", places(SCHEME), ids=str)
def test_every_verb_that_discovery_tells_is_an_operation(place: str) -> None:
    group, version = places(SCHEME)[place]
    paths = document(SCHEME, group, version)["paths"]
    for kind in kinds_of(SCHEME, group, version):
        middle = "namespaces/{namespace}/" if kind.namespaced else ""
        many = f"/{place}/{middle}{kind.plural}"
        for verb in verbs(kind):
            where = many if verb in OF_MANY else f"{many}/{{name}}"
            assert (OF_MANY.get(verb) or OF_ONE[verb]) in paths[where], (verb, where)
        for name, can in subresources(kind).items():
            for verb in can:
                assert OF_ONE[verb] in paths[f"{many}/{{name}}/{name}"], (verb, kind.kind, name)


def test_scale_and_eviction_are_of_their_own_groups() -> None:
    apps = document(SCHEME, "apps", "v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]
    core = document(SCHEME, "", "v1")["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]
    told = [one["x-kubernetes-group-version-kind"]["kind"] for one in (*apps.values(), *core.values())]
    assert told == ["Scale", "Scale", "Scale", "Eviction"]
