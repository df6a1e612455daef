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
    """Its name."""
    value: bool = False
    """It is on."""


class TiltBuild(Model):
    """Which program this is."""

    version: str = omit("")
    """Its version."""
    commit_sha: str = omit("", alias="commitSHA")
    """The commit it was built from."""
    date: str = omit("")
    """When it was built."""
    dev: bool = omit(default=False)
    """It is not a release."""


class VersionSettings(Model):
    """Whether newer versions are looked for."""

    check_updates: bool = omit(default=False)
    """Newer versions are looked for."""


class UISessionStatus(Model):
    """The program, its features, and when and for which Tiltfile it was started."""

    feature_flags: tuple[UIFeatureFlag, ...] = omit(())
    needs_analytics_nudge: bool = omit(default=False)
    """The dashboard asks whether use may be reported; never here."""
    running_tilt_build: TiltBuild | None = None
    suggested_tilt_version: str = omit("")
    """A newer version to take; always empty here."""
    version_settings: VersionSettings | None = None
    fatal_error: str = omit("")
    """Why the whole run failed."""
    tilt_start_time: Time | None = None
    """When the server was started."""
    tiltfile_key: str = omit("")
    """The Tiltfile's path, which tells one project from another."""


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
