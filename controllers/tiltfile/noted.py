"""What a Tiltfile says of matters that do not change a run, noted for those who ask what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from datetime import timedelta

    from upright.controllers.tiltfile.readers import Command

FEATURES = {"cluster_refresh": False, "snapshots": True}
"""The features of Tilt that can be switched, and what they are unless switched."""

OBSOLETE_FEATURES = {
    "bulk_disable_resources": False,
    "disable_resources": True,
    "events": True,
    "facets": True,
    "labels": True,
    "live_update_v2": True,
    "multiple_containers_per_pod": True,
    "offline_snapshot_creation": True,
    "update_history": False,
}
"""Features that once could be switched, and what they have become."""


class Pruning(Struct, kw_only=True):
    """docker_prune_settings: ages and intervals; ``num_builds`` 0: by time."""

    enabled: bool = True
    max_age_mins: int = 360
    num_builds: int = 0
    interval_hrs: int = 1
    keep_recent: int = 2


class Noted(Struct, kw_only=True):
    """Settings by the function that sets them; None: not said."""

    team_id: str = ""
    features: dict[str, bool] = field(default_factory=lambda: {**FEATURES, **OBSOLETE_FEATURES})
    pruning: Pruning = field(default_factory=Pruning)
    analytics: bool | None = None
    telemetry: Command | None = None
    telemetry_folder: str = ""
    telemetry_period: timedelta | None = None
    check_updates: bool = True
    quiet_images: list[str] = field(default_factory=list[str])
