"""A snapshot of a run as Tilt's viewer reads it: what the page in the browser shows, in one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from upright.client.log_list import log_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.client.logs import LogLine
    from upright.openapi.meta import Json

_TILTS = [
    "lastDeployTime",
    "triggerMode",
    "buildHistory",
    "currentBuild",
    "pendingBuildSince",
    "hasPendingChanges",
    "endpointLinks",
    "k8sResourceInfo",
    "composeResourceInfo",
    "localResourceInfo",
    "runtimeStatus",
    "updateStatus",
    "specs",
    "queued",
    "order",
    "disableStatus",
    "waiting",
    "conditions",
]


def snapshot(*, resources: Iterable[Json], others: Json, lines: Sequence[LogLine], session: Json, version: str) -> str:
    """Return the document; ``others`` are further lists of the view by their names (``clusters``, ``uiButtons``)."""
    started = (session.get("status") or {}).get("startTime", "")
    ended = ((session.get("status") or {}).get("verdict") or {}).get("time", "")
    view = {
        "uiSession": _ui_session(session, started, version),
        "uiResources": [_ui_resource(one) for one in resources],
        "uiButtons": [],
        "clusters": [],
        **others,
        "logList": log_list(lines),
        "tiltStartTime": started,
        "isComplete": True,
    }
    return json.dumps({"view": view, "createdAt": ended}, indent=2, ensure_ascii=False) + "\n"


def _ui_resource(resource: Json) -> Json:
    """Return a Resource as Tilt's UIResource: its status has the same fields, and more."""
    about, status = resource["metadata"], resource.get("status") or {}
    kept = {name: about[name] for name in ("name", "uid", "resourceVersion", "creationTimestamp") if name in about}
    labels = {label: label for label in resource["spec"].get("labels") or ()}
    return {
        "metadata": kept | ({"labels": labels} if labels else {}),
        "spec": {},
        "status": {name: status[name] for name in _TILTS if name in status},
    }


def _ui_session(session: Json, started: str, version: str) -> Json:
    path = (session.get("spec") or {}).get("tiltfilePath", "")
    status = {
        "tiltfileKey": path,
        "tiltStartTime": started,
        "runningTiltBuild": {"version": version},
        "versionSettings": {"checkUpdates": False},
    }
    return {"metadata": {"name": "Tiltfile"}, "spec": {}, "status": status}
