"""FileWatch: files and folders whose changes are noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.docker_image import IgnoreDef
from upright.openapi.v1alpha1.triggers import DisableSource, DisableStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class FileWatchSpec(Model):
    """Absolute paths to watch, folders with all below them, and what does not count."""

    watched_paths: tuple[str, ...] = ()
    """Files and folders, absolute; a folder with all below it."""
    ignores: tuple[IgnoreDef, ...] = omit(())
    """What does not count."""
    disable_source: DisableSource | None = None


class FileEvent(Model):
    """Files that changed together."""

    time: MicroTime
    """When the change was seen."""
    seen_files: tuple[str, ...] = ()
    """The files that changed."""


class FileWatchStatus(Model):
    """What was seen last, or what went wrong."""

    monitor_start_time: MicroTime | None = None
    """Since when changes are seen."""
    last_event_time: MicroTime | None = None
    """When the last change was seen."""
    file_events: tuple[FileEvent, ...] = omit(())
    error: str = omit("")
    """Why they cannot be watched."""
    disable_status: DisableStatus | None = None


def _paths(body: Json) -> str:
    return ",".join(body.get("spec", {}).get("watchedPaths") or ())


class FileWatch(Object):
    """Files and folders whose changes are noted."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "FileWatch",
        "filewatches",
        short_names=("fw",),
        columns=(
            NAME,
            Column("LAST EVENT", at("status", "lastEventTime"), "date", "Time since the last change"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            Column("PATHS", _paths, description="What is watched", priority=1),
            AGE,
        ),
    )

    spec: FileWatchSpec
    status: FileWatchStatus = FileWatchStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if not self.spec.watched_paths:
            yield Cause("spec.watchedPaths", "Required value: cannot be an empty list", "FieldValueRequired")
