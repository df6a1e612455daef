"""update_settings(): how many updates run at once, and how objects are applied."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, optional, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.readers import int32, strings
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


_SERVER_SIDE = {"true": True, "false": False, "auto": None}
"""None leaves it to us, and we apply on the server's side."""


class UpdateArguments(Arguments):
    """Tilt's arguments; None is the same as not given."""

    max_parallel_updates: int | None = optional(int32, None, none_is_unset=True)
    k8s_upsert_timeout_secs: int | None = optional(int32, None, none_is_unset=True)
    suppress_unused_image_warnings: tuple[str, ...] = optional(strings, (), none_is_unset=True)
    k8s_server_side_apply: str = optional(string, "")


def update_settings(project: Project, given: UpdateArguments) -> None:
    """Change the settings that are given."""
    changed: dict[str, object] = {}
    if given.max_parallel_updates is not None:
        if given.max_parallel_updates < 1:
            raise Failure(f"max number of parallel updates must be >= 1(got: {given.max_parallel_updates})")
        changed["max_parallel_updates"] = given.max_parallel_updates
    if given.k8s_upsert_timeout_secs is not None:
        if given.k8s_upsert_timeout_secs < 1:
            raise Failure(f"minimum k8s upsert timeout is 1s; got {given.k8s_upsert_timeout_secs}s")
        changed["k8s_upsert_timeout"] = timedelta(seconds=given.k8s_upsert_timeout_secs)
    if given.k8s_server_side_apply not in {"", "true", "false", "auto"}:
        raise Failure(
            'update_settings: k8s_server_side_apply must be "true", "false", or "auto"; got '
            + quote(given.k8s_server_side_apply)
        )
    if given.k8s_server_side_apply:
        changed["server_side_apply"] = _SERVER_SIDE[given.k8s_server_side_apply]
    project.noted.quiet_images += given.suppress_unused_image_warnings
    project.settings = project.settings.model_copy(update=changed)


VALUES = {"update_settings": function("update_settings", UpdateArguments, update_settings)}
