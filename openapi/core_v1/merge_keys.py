"""By which key the lists of an object are merged in a strategic merge patch; paths are dotted, lists transparent."""

from __future__ import annotations

EVERY_OBJECT = {"metadata.ownerReferences": "uid", "metadata.finalizers": "", "status.conditions": "type"}
"""Lists that any object may have; the empty key means a set of plain values."""

_CONTAINER = {
    "": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
}
_POD_SPEC = {
    "volumes": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    **{
        ".".join(filter(None, (part, inner))): key
        for part in ("containers", "initContainers", "ephemeralContainers")
        for inner, key in _CONTAINER.items()
    },
}


def pod_spec_keys(at: str) -> dict[str, str]:
    """Return the merge keys of a PodSpec that stands at the path."""
    return {f"{at}.{path}": key for path, key in _POD_SPEC.items()}
