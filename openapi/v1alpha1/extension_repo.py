"""ExtensionRepo: a repository of Tiltfile extensions, cloned from git or a folder of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.errors import Cause
from upright.openapi.meta import MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExtensionRepoSpec(Model):
    """The repository's address, which of its versions, and by which name loads may find it."""

    url: str = ""
    """The address: https:// or git:// for git, file:// for a folder of this machine."""
    ref: str = omit("")
    """The branch, tag or commit that is wanted; empty: the default branch, renewed now and then."""
    load_host: str = omit("")
    """Loads of ext://HOST/… look here if the host is this one."""
    git_subpath: str = omit("")
    """The folder in the repository that extensions lie in."""


class ExtensionRepoStatus(Model):
    """Where it is on this machine, and which version that is; ``ran`` names the spec that this belongs to."""

    error: str = omit("")
    """Why it cannot be had."""
    last_fetched_at: MicroTime | None = None
    """When it was fetched last."""
    path: str = omit("")
    """Where it is on this machine."""
    checkout_ref: str = omit("")
    """The commit that is checked out."""
    stale_reason: str = omit("")
    """Why it could not be renewed, so that what was fetched before is used."""
    ran: str = omit("")
    """The spec that this status belongs to."""


class ExtensionRepo(Object):
    """A repository of Tiltfile extensions, cloned from git or a folder of this machine."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "ExtensionRepo",
        "extensionrepos",
        short_names=("repo", "extrepo"),
        columns=(
            NAME,
            Column("URL", at("spec", "url"), description="Where it comes from"),
            Column("REF", at("spec", "ref"), description="The version that is asked for"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: ExtensionRepoSpec = ExtensionRepoSpec()
    status: ExtensionRepoStatus = ExtensionRepoStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        url = self.spec.url
        is_file = url.startswith("file://")
        if not url.startswith(("http://", "https://")) and not is_file:
            yield Cause("spec.url", f'Invalid value: "{url}": URLs must start with http(s):// or file://')
        if is_file and not url.startswith("file:///"):
            yield Cause("spec.url", f'Invalid value: "{url}": file paths must be absolute')
        if is_file and self.spec.ref:
            yield Cause("spec.ref", f'Invalid value: "{self.spec.ref}": spec.ref not supported on file:// repos')
        if is_file and self.spec.git_subpath:
            yield Cause("spec.gitSubpath", f'Invalid value: "{self.spec.git_subpath}": not supported on file:// repos')
