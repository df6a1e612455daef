"""UISession: what the dashboard is told of the server as a whole."""

from __future__ import annotations

from typing import ClassVar

from upright.openapi.meta import Model, Object, Time, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at


class UISessionSpec(Model):
    """Empty, as Tilt's."""


class UIFeatureFlag(Model):
    """A feature, and whether it is on."""

    name: str
    value: bool = False


class TiltBuild(Model):
    """Which program this is."""

    version: str = omit("")
    commit_sha: str = omit("", alias="commitSHA")
    date: str = omit("")
    dev: bool = omit(default=False)


class VersionSettings(Model):
    """Whether newer versions are looked for."""

    check_updates: bool = omit(default=False)


class UISessionStatus(Model):
    """The program, its features, and when and for which Tiltfile it was started."""

    feature_flags: tuple[UIFeatureFlag, ...] = omit(())
    needs_analytics_nudge: bool = omit(default=False)
    running_tilt_build: TiltBuild | None = None
    suggested_tilt_version: str = omit("")
    version_settings: VersionSettings | None = None
    fatal_error: str = omit("")
    tilt_start_time: Time | None = None
    tiltfile_key: str = omit("")


class UISession(Object):
    """What the dashboard is told of the server as a whole."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "UISession",
        "uisessions",
        columns=(
            NAME,
            Column("TILTFILE", at("status", "tiltfileKey"), description="The Tiltfile"),
            Column("STARTED", at("status", "tiltStartTime"), "date", "Time since the server was started"),
            Column("ERROR", at("status", "fatalError"), description="What went wrong"),
            AGE,
        ),
    )

    spec: UISessionSpec = UISessionSpec()
    status: UISessionStatus = UISessionStatus()
