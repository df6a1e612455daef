"""What two results of one Tiltfile must agree in, in a form that is the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 100
"""Longer texts, and those with several lines, are told apart by their hashes: they are not ours to keep."""

Json = dict[str, Any]  # Any: a decoded JSON document


def summary(result: Json, markers: Mapping[str, str]) -> Json:
    """Return resources, files and the enabled set of a ``tiltfile-result``; ``markers`` stand for folders."""
    found = {
        "resources": [_resource(one) for one in result["Manifests"] or ()],
        "enabled": result["EnabledManifests"] or [],
        "files": sorted(result["ConfigFiles"] or ()),
        "registry": result["DefaultRegistry"] or {},
        "settings": {"ci": result["CISettings"], "watch": result["WatchSettings"]["Ignores"] or []},
        "objects": {kind.partition("=")[2]: sorted(names) for kind, names in result["ObjectSet"].items() if names},
    }
    return clean(found, markers)  # type: ignore[no-any-return]  # reason: an object stays one


def _resource(manifest: Json) -> Json:
    target = manifest["DeployTarget"]
    kind = "kubernetes" if "PodReadinessMode" in target else "local" if "ServeCmd" in target else "compose"
    update = target.get("UpdateCmdSpec") or {}
    return {
        "name": manifest["Name"],
        "kind": kind,
        "after": manifest["ResourceDependencies"],
        "trigger": manifest["TriggerMode"],
        "labels": sorted(manifest["Labels"] or ()),
        "links": [[_address(one["URL"]), one["Name"]] for one in target["Links"] or ()],
        "images": [_image(one) for one in manifest["ImageTargets"] or ()],
        "imageMaps": target.get("imageMaps"),
        "objects": _objects(target.get("yaml") or ""),
        "readiness": target.get("PodReadinessMode"),
        "discovery": [target.get("discoveryStrategy"), target.get("kubernetesDiscoveryTemplateSpec")],
        "forwards": (target.get("portForwardTemplateSpec") or {}).get("forwards"),
        "commands": [update.get("args"), (target.get("ServeCmd") or {}).get("Argv"), target.get("applyCmd")],
        "environments": [update.get("env"), (target.get("ServeCmd") or {}).get("Env")],
        "probe": target.get("ReadinessProbe"),
        "watched": target.get("Deps"),
        "ignored": target.get("FileWatchIgnores"),
    }


def _address(url: Json) -> str:
    """Return what a link leads to; Tilt takes the host of one without a scheme for something else."""
    return f"{url['Scheme']}:{url['Opaque']}" if url["Opaque"] else url["Host"] + url["Path"]


def _image(image: Json) -> Json:
    """Return how an image is built; Tilt's ``.git`` of the folder it was started in is no ignore of the Tiltfile's."""
    ignores = [one for one in image["FileWatchIgnores"] or () if one["basePath"] != ".git"]
    names = ("selector", "matchExact", "matchInEnvVars", "overrideCommand", "overrideArgs", "BuildDetails")
    return {**{name: image.get(name) for name in names}, "update": image["LiveUpdateSpec"], "ignored": ignores}


def _objects(text: str) -> list[str]:
    import yaml  # noqa: PLC0415  reason: only where there is Kubernetes

    found: list[str] = []
    for one in yaml.load_all(text, Loader=yaml.CSafeLoader):
        meta = one["metadata"]
        found.append(f"{one['kind']}/{meta.get('namespace', '')}/{meta.get('name') or meta.get('generateName')}")
    return found


def clean(value: Any, markers: Mapping[str, str]) -> Any:  # noqa: ANN401  reason: a part of a decoded JSON document
    """Return the value without what is empty, with the markers in place of folders."""
    if isinstance(value, dict):
        cleaned = {key: clean(item, markers) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in (None, "", [], {}, False, 0)}
    if isinstance(value, list):
        return [clean(item, markers) or None for item in value]
    if isinstance(value, str):
        for folder, marker in markers.items():
            value = value.replace(folder, marker)
        if "\n" in value or len(value) > LONGEST:
            return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return value
