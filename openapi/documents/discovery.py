"""Discovery: which groups, versions and resources there are, in the plain form and in the aggregated one.

Shapes: ``meta/v1`` APIVersions, APIGroupList, APIGroup, APIResourceList; ``apidiscovery.k8s.io`` v2 and v2beta1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from upright.openapi.documents.verbs import subresources, verbs

if TYPE_CHECKING:
    from upright.openapi.meta import Json
    from upright.openapi.scheme import Kind, Scheme

Aggregated = Literal["v2", "v2beta1"]

_RESPONSE_KIND = {"eviction": ("policy", "v1", "Eviction"), "scale": ("autoscaling", "v1", "Scale")}


def group_versions(scheme: Scheme) -> dict[str, tuple[str, ...]]:
    """Return the versions of each group, groups in the order of their names (the core group, ``""``, first)."""
    found: dict[str, list[str]] = {}
    for kind in scheme:
        about = kind.definition
        versions = found.setdefault(about.group, [])
        if about.version not in versions:
            versions.append(about.version)
    return {group: tuple(found[group]) for group in sorted(found)}


def kinds_of(scheme: Scheme, group: str, version: str) -> tuple[Kind, ...]:
    """Return the definitions of a group-version, in the order of their plurals."""
    return tuple(k.definition for k in scheme if (k.definition.group, k.definition.version) == (group, version))


def api_versions(scheme: Scheme) -> Json:
    """Return the answer of ``/api``."""
    return {
        "kind": "APIVersions",
        "versions": list(group_versions(scheme).get("", ())),
        "serverAddressByClientCIDRs": [],
    }


def api_group_list(scheme: Scheme) -> Json:
    """Return the answer of ``/apis``."""
    groups = [api_group(scheme, group) for group in group_versions(scheme) if group]
    inner = [{key: value for key, value in found.items() if key not in {"kind", "apiVersion"}} for found in groups]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": inner}


def api_group(scheme: Scheme, group: str) -> Json:
    """Return the answer of ``/apis/GROUP``; the group must be one of the scheme's."""
    versions = [{"groupVersion": f"{group}/{version}", "version": version} for version in group_versions(scheme)[group]]
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": group,
        "versions": versions,
        "preferredVersion": versions[0],
    }


def api_resource_list(scheme: Scheme, group: str, version: str) -> Json:
    """Return the answer of ``/apis/GROUP/VERSION``, or ``/api/v1`` for the core group."""
    resources: list[Json] = []
    for kind in kinds_of(scheme, group, version):
        resources.append(_resource(kind))
        for name, can in subresources(kind).items():
            resources.append(_subresource(kind, name, can))
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": resources,
    }


def aggregated(scheme: Scheme, *, core: bool, version: Aggregated) -> Json:
    """Return every resource in one document: those of the core group (``/api``), or of all others (``/apis``)."""
    groups = [group for group in group_versions(scheme) if (group == "") == core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_group_discovery(scheme, group) for group in groups],
    }


def _resource(kind: Kind) -> Json:
    about: Json = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(verbs(kind)),
    }
    return about | _names(kind)


def _subresource(kind: Kind, name: str, can: tuple[str, ...]) -> Json:
    group, version, word = _response_kind(kind, name)
    foreign = {"group": group, "version": version} if group != kind.group else {}
    return {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **foreign,
        "kind": word,
        "verbs": list(can),
    }


def _names(kind: Kind) -> dict[str, Any]:
    named = {"shortNames": list(kind.short_names), "categories": list(kind.categories)}
    return {key: value for key, value in named.items() if value}


def _group_discovery(scheme: Scheme, group: str) -> Json:
    return {
        "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
        "versions": [
            {
                "version": version,
                "resources": [_resource_discovery(kind) for kind in kinds_of(scheme, group, version)],
                "freshness": "Current",
            }
            for version in group_versions(scheme)[group]
        ],
    }


def _resource_discovery(kind: Kind) -> Json:
    about: Json = {
        "resource": kind.plural,
        "responseKind": _gvk(kind.group, kind.version, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(verbs(kind)),
    }
    about |= _names(kind)
    below = [
        {"subresource": name, "responseKind": _gvk(*_response_kind(kind, name)), "verbs": list(can)}
        for name, can in subresources(kind).items()
    ]
    return about | ({"subresources": below} if below else {})


def _response_kind(kind: Kind, subresource: str) -> tuple[str, str, str]:
    return _RESPONSE_KIND.get(subresource, (kind.group, kind.version, kind.kind))


def _gvk(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}
