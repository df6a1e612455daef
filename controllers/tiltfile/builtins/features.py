"""enable_feature(), disable_feature() and disable_snapshots(): Tilt's feature flags, of which none changes a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required, string
from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.noted import FEATURES, OBSOLETE_FEATURES
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class FeatureArguments(Arguments):
    """enable_feature(msg), disable_feature(msg); the name is Tilt's."""

    msg: str = required(string)


class Nothing(Arguments):
    """A function without arguments."""


def _set(project: Project, name: str, *, on: bool) -> None:
    if name in OBSOLETE_FEATURES:
        project.warn(f"Obsolete feature flag: {name}")
    elif name in FEATURES:
        project.noted.features[name] = on
    else:
        raise Failure(f"Unknown feature flag: {name}{nearest(name, list(FEATURES))}")


def enable_feature(project: Project, given: FeatureArguments) -> None:
    """Switch a feature of Tilt's on."""
    _set(project, given.msg, on=True)


def disable_feature(project: Project, given: FeatureArguments) -> None:
    """Switch a feature of Tilt's off."""
    _set(project, given.msg, on=False)


def disable_snapshots(project: Project, _given: Nothing) -> None:
    """Switch shared snapshots off; there are none here."""
    _set(project, "snapshots", on=False)


VALUES = {
    "disable_feature": function("disable_feature", FeatureArguments, disable_feature),
    "disable_snapshots": function("disable_snapshots", Nothing, disable_snapshots),
    "enable_feature": function("enable_feature", FeatureArguments, enable_feature),
}
