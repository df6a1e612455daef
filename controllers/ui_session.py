"""Says what the dashboard is told of the server as a whole: which program, since when, for which Tiltfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright import __version__
from upright.openapi.errors import AlreadyExists
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.ui_session import TiltBuild, UISession, UISessionStatus, VersionSettings

if TYPE_CHECKING:
    from datetime import datetime

    from upright.client.client import Client

NAME = "Tiltfile"


async def tell_ui_session(client: Client, tiltfile: str, started: datetime) -> UISession:
    """Have the UISession say so; one that an earlier process left is told anew."""
    try:
        session = await client.create(UISession(metadata=ObjectMeta(name=NAME)))
    except AlreadyExists:
        session = await client.get(UISession, NAME)
    status = UISessionStatus(
        running_tilt_build=TiltBuild(version=__version__),
        version_settings=VersionSettings(),
        tilt_start_time=started,
        tiltfile_key=tiltfile,
    )
    return await client.update_status(session.model_copy(update={"status": status}))
