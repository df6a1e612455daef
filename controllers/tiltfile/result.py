"""What an evaluation came to as the JSON of ``tilt alpha tiltfile-result``: Tilt's names, Tilt's shapes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.ignores import patterns_of
from upright.controllers.tiltfile.result_targets import image_targets, target
from upright.openapi.meta import format_duration

if TYPE_CHECKING:
    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.resource import Resource

_NANOSECONDS = 1_000_000_000
_TRIGGER_MODES = {("auto", True): 0, ("manual", True): 1, ("manual", False): 2, ("auto", False): 3}
_TELEMETRY_PERIOD = timedelta(seconds=60)
_CI_TIMEOUT = timedelta(minutes=30)
_READINESS_TIMEOUT = timedelta(minutes=5)


def tiltfile_result(found: Evaluation, tiltfile: str) -> Json:
    """Return the whole result; ``tiltfile`` is the absolute path. Secrets are named, their values are left out."""
    settings, noted = found.settings, found.noted
    ci = settings.ci
    return {
        "Manifests": [_manifest(found, resource) for resource in found.resources],
        "EnabledManifests": list(found.enabled),
        "Tiltignore": _tiltignore(tiltfile),
        "ConfigFiles": sorted(found.config_files),
        "FeatureFlags": dict(sorted(noted.features.items())),
        "TeamID": noted.team_id,
        "TelemetrySettings": _telemetry(found),
        "Secrets": {
            f"[redacted secret {one.name}:{one.key}]": {"Name": one.name, "Key": one.key} for one in found.secrets
        },
        "Error": None,
        "DockerPruneSettings": _pruning(found),
        "AnalyticsOpt": {None: 0, False: 1, True: 2}[noted.analytics],
        "VersionSettings": {"CheckUpdates": noted.check_updates},
        "UpdateSettings": {"SuppressUnusedImageWarnings": noted.quiet_images or None},
        "WatchSettings": {
            "Ignores": [
                {"LocalPath": one.base_path, "Source": "watch_settings()", "Patterns": list(one.patterns)}
                for one in settings.watch_ignores
            ]
            or None
        },
        "DefaultRegistry": found.default_registry.to_wire() if found.default_registry else None,
        "ObjectSet": _objects(found),
        "Hashes": _hashes(found),
        "CISettings": {
            **({"k8sGracePeriod": format_duration(ci.k8s_grace_period)} if ci.k8s_grace_period else {}),
            "timeout": format_duration(_CI_TIMEOUT if ci.timeout is None else ci.timeout),
            "readinessTimeout": format_duration(
                _READINESS_TIMEOUT if ci.readiness_timeout is None else ci.readiness_timeout
            ),
        },
    }


def _manifest(found: Evaluation, resource: Resource) -> Json:
    spec = resource.spec
    return {
        "Name": resource.name,
        "ImageTargets": image_targets(found, resource) or None,
        "DeployTarget": target(found, resource),
        "TriggerMode": _TRIGGER_MODES[spec.trigger_mode, spec.auto_init],
        "ResourceDependencies": list(spec.depends_on) or None,
        "SourceTiltfile": "",
        "Labels": {label: label for label in spec.labels},
    }


def _tiltignore(tiltfile: str) -> Json:
    where = Path(tiltfile).parent / ".tiltignore"
    try:
        patterns = patterns_of(where.read_text(encoding="utf-8"))
    except OSError:
        return {"LocalPath": "", "Source": "", "Patterns": None}
    return {"LocalPath": str(where.parent), "Source": str(where), "Patterns": patterns or None}


def _telemetry(found: Evaluation) -> Json:
    noted = found.noted
    command = noted.telemetry
    return {
        "Cmd": {
            "Argv": list(command.argv) if command else None,
            "Dir": command.directory if command else "",
            "Env": None,
            "EchoOff": False,
        },
        "Workdir": noted.telemetry_folder,
        "Period": round((noted.telemetry_period or _TELEMETRY_PERIOD).total_seconds() * _NANOSECONDS),
    }


def _pruning(found: Evaluation) -> Json:
    said = found.noted.pruning
    return {
        "Enabled": said.enabled,
        "MaxAge": said.max_age_mins * 60 * _NANOSECONDS,
        "NumBuilds": said.num_builds,
        "Interval": said.interval_hrs * 3600 * _NANOSECONDS,
        "KeepRecent": said.keep_recent,
    }


def _objects(found: Evaluation) -> Json:
    kinds: dict[str, Json] = {}
    for one in found.made:
        kind = one.definition
        group = kinds.setdefault(f"{kind.group}/{kind.version}, Resource={kind.plural}", {})
        body = one.to_wire()
        metadata = {name: value for name, value in body["metadata"].items() if value}
        group[one.name] = {**{name: body[name] for name in ("spec", "data") if name in body}, "metadata": metadata}
    return kinds


def _hashes(found: Evaluation) -> Json:
    first, everything = hashlib.sha256(), hashlib.sha256()
    for at, path in enumerate(found.files):
        content = Path(path).read_bytes()
        everything.update(content)
        if not at:
            first.update(content)
    return {"TiltfileSHA256": first.hexdigest(), "AllFilesSHA256": everything.hexdigest()}
