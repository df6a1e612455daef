"""secret_settings(): whether secret values are kept out of the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, boolean, required
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


class SecretArguments(Arguments):
    """secret_settings(disable_scrub=False)."""

    disable_scrub: bool = required(boolean)


def secret_settings(project: Project, given: SecretArguments) -> None:
    """Switch the scrubbing of secrets off, or on again."""
    project.scrub_secrets = not given.disable_scrub


VALUES = {"secret_settings": function("secret_settings", SecretArguments, secret_settings)}
