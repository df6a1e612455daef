"""enable_feature(), disable_feature() and disable_snapshots(): Tilt's feature flags, of which none changes a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required, string
from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project

ACTIVE = ("cluster_refresh", "snapshots")
OBSOLETE = frozenset(
    [
        "bulk_disable_resources",
        "disable_resources",
        "events",
        "facets",
        "labels",
        "live_update_v2",
        "multiple_containers_per_pod",
        "offline_snapshot_creation",
        "update_history",
    ]
)


class FeatureArguments(Arguments):
    """enable_feature(msg), disable_feature(msg); the name is Tilt's."""

    msg: str = required(string)


class Nothing(Arguments):
    """A function without arguments."""


def set_feature(project: Project, given: FeatureArguments) -> None:
    """Check the feature's name."""
    if given.msg in OBSOLETE:
        project.warn(f"Obsolete feature flag: {given.msg}")
    elif given.msg not in ACTIVE:
        raise Failure(f"Unknown feature flag: {given.msg}{nearest(given.msg, ACTIVE)}")


def disable_snapshots(_project: Project, _given: Nothing) -> None:
    """Do nothing: there are no shared snapshots."""


VALUES = {
    "disable_feature": function("disable_feature", FeatureArguments, set_feature),
    "disable_snapshots": function("disable_snapshots", Nothing, disable_snapshots),
    "enable_feature": function("enable_feature", FeatureArguments, set_feature),
}
