"""The documents as the files that are committed under ``openapi/spec/``."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

from upright.openapi.documents import discovery, openapi_v2, openapi_v3
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Scheme

SCHEMES: dict[str, tuple[str, ...]] = {
    "upright": ("upright.openapi.v1alpha1", "upright.openapi.coordination_v1"),
    "embedded": (
        "upright.openapi.core_v1",
        "upright.openapi.apps_v1",
        "upright.openapi.batch_v1",
        "upright.openapi.coordination_v1",
        "upright.openapi.discovery_v1",
    ),
}
"""The packages of kinds that are served together: by a run's own server, and by the embedded cluster."""


def scheme(name: str) -> Scheme:
    """Return one of the SCHEMES, its modules imported."""
    return discover(*(importlib.import_module(package) for package in SCHEMES[name]))


def rendered(name: str) -> dict[str, str]:
    """Return the files of a scheme: path below ``openapi/spec/`` to text."""
    served = scheme(name)
    documents: dict[str, Json] = {
        "discovery.json": discovery.aggregated(served, core=False, version="v2"),
        "discovery-core.json": discovery.aggregated(served, core=True, version="v2"),
        "v2.json": openapi_v2.document(served),
    }
    for place, make in openapi_v3.documents(served).items():
        documents[f"v3/{place.replace('/', '__')}.json"] = make()
    if not openapi_v3.places(served):
        return {}
    return {f"{name}/{path}": json.dumps(found, indent=1) + "\n" for path, found in documents.items()}
