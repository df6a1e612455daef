"""The View: all that Tilt's dashboard and its ``logs`` command are sent, made of the objects and the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from upright.apiserver.options import Target
from upright.client.log_folder import Selection
from upright.client.log_list import NOTHING, log_list
from upright.openapi.meta import format_micro_time
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.ui_button import UIButton
from upright.openapi.v1alpha1.ui_resource import UIResource
from upright.openapi.v1alpha1.ui_session import UISession

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.apiserver.registry import Registry
    from upright.apiserver.tilt.log_desk import LogDesk
    from upright.client.logs import LogLine
    from upright.openapi.meta import Json, Object

SESSION = "Tiltfile"
HISTORY_LINES = 50_000
"""How many lines of the past a view has at most; the whole log is in the run's folder, and at /log."""
LISTED: dict[str, type[Object]] = {"uiResources": UIResource, "uiButtons": UIButton, "clusters": Cluster}
"""The lists of a View, and what is in them."""


class Views:
    """Makes the views of one server that was started at ``started``."""

    def __init__(self, registry: Registry, desk: LogDesk, started: datetime) -> None:
        self.registry = registry
        self.desk = desk
        self._started = started

    async def complete(self) -> Json:
        """Return all there is to see now."""
        view = self.objects()
        lines = await self.history()
        return view | {"logList": log_list(lines)}

    def objects(self) -> Json:
        """Return the complete view without its log."""
        view: Json = {name: listed(self.registry, kind) for name, kind in LISTED.items()}
        view["uiResources"].sort(key=_in_order)
        session = [body for body in listed(self.registry, UISession) if body["metadata"]["name"] == SESSION]
        if session:
            view["uiSession"] = session[0]
        return {"logList": dict(NOTHING), "isComplete": True, **view, **self.about()}

    def about(self) -> Json:
        """Return what every view has: by the server's start clients see that it is another one."""
        return {"tiltStartTime": format_micro_time(self._started)}

    async def history(self) -> Sequence[LogLine]:
        """Return the lines of the past."""
        if self.desk.source is None:
            return ()
        lines = self.desk.source.read(Selection(tail=HISTORY_LINES))
        return await anyio.to_thread.run_sync(lambda: tuple(lines))


def listed(registry: Registry, kind: type[Object]) -> list[Json]:
    """Return all objects of the kind, as JSON with their kind and version."""
    return [stored.body for stored in registry.list(Target(kind)).items]


def _in_order(body: Json) -> tuple[bool, int, str]:
    name = str(body["metadata"]["name"])
    return name != "(Tiltfile)", int(body.get("status", {}).get("order") or 0), name
