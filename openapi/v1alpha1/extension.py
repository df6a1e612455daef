"""Extension: a Tiltfile of an extension repository, executed beside the main one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExtensionSpec(Model):
    """The repository, the extension's folder in it, and the arguments of its Tiltfile."""

    repo_name: str = ""
    """The ExtensionRepo that has it."""
    repo_path: str = ""
    """The extension's folder in that repository."""
    args: tuple[str, ...] = omit(())
    """Arguments that its Tiltfile gets."""


class ExtensionStatus(Model):
    """The absolute path of its Tiltfile, or what went wrong."""

    error: str = omit("")
    """Why there is no such extension."""
    path: str = omit("")
    """Its Tiltfile on this machine."""


class Extension(Object):
    """A Tiltfile of an extension repository, executed beside the main one."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "Extension",
        "extensions",
        short_names=("ext",),
        columns=(
            NAME,
            Column("REPO", at("spec", "repoName"), description="The ExtensionRepo"),
            Column("PATH", at("spec", "repoPath"), description="The folder in it"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: ExtensionSpec = ExtensionSpec()
    status: ExtensionStatus = ExtensionStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        for name, value in (("repoName", self.spec.repo_name), ("repoPath", self.spec.repo_path)):
            if not value:
                yield Cause(f"spec.{name}", "Required value: cannot be empty", "FieldValueRequired")
