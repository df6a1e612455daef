"""Where the repositories of extensions are on this machine: cloned where they are not, renewed where they may change."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.openapi.v1alpha1.extension import ExtensionSpec
    from upright.openapi.v1alpha1.extension_repo import ExtensionRepo

_CACHE = "upright/tilt_modules"  # extensions look for a folder of this name above them
_SCHEME = re.compile(r"^https?://")
_FILE = "file://"


class Checkout(Struct, frozen=True):
    """A repository that is here; ``stale`` says why it could not be renewed, where it could not."""

    path: Path
    stale: str = ""
    cloned: bool = True


def checked_out(
    repo: ExtensionRepo,
    environ: Mapping[str, str],
    git: Callable[..., object],
    say: Callable[[str], None],
    *,
    renew: bool = True,
) -> Checkout:
    """Return where the repository is, after fetching it where that is needed; raises Failure.

    ``git`` runs git with the words it is given, and raises Failure where that fails. ``renew``: one that is not pinned
    is brought up to date.
    """
    url, ref = repo.spec.url, repo.spec.ref
    if url.startswith(_FILE):
        local = Path(os.path.normpath(url.removeprefix(_FILE)))
        if not local.exists():
            raise Failure(f"loading extension repo {repo.name}: stat {local}: no such file or directory")
        return Checkout(local, cloned=False)
    folder = _cached(repo, environ)
    if not folder.exists():
        say(f"Downloading extension repo {repo.name} from {url}")
        _clone(repo, folder, git)
    elif renew and not ref:
        try:
            git("-C", str(folder), "pull", "--quiet", "--ff-only")
        except Failure as failure:  # without a network what is here has to do
            say(f"Extension repo {repo.name} could not be renewed: using what is cached")
            return Checkout(folder, str(failure))
    return Checkout(folder)


def _cached(repo: ExtensionRepo, environ: Mapping[str, str]) -> Path:
    """Return the repository's folder in the cache, each pinned version's another; it must not lie outside."""
    place, ref = _SCHEME.sub("", repo.spec.url).rstrip("/"), repo.spec.ref
    if {"", ".", ".."} & set(place.split("/")):
        raise Failure(f"loading extension repo {repo.name}: invalid import path: malformed import path {quote(place)}")
    home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "/")) / ".local/share")
    return Path(home) / _CACHE / (place + (f"@{ref.replace('/', '_')}" if ref else ""))


def _clone(repo: ExtensionRepo, folder: Path, git: Callable[..., object]) -> None:
    """Clone into a folder beside, which takes its place when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as fresh:
        made = str(Path(fresh) / "repo")
        try:
            git("clone", "--quiet", "--", repo.spec.url, made)
            if repo.spec.ref:
                git("-C", made, "checkout", "--quiet", "--detach", repo.spec.ref, "--")
        except Failure as failure:
            raise Failure(f"loading extension repo {repo.name}: {failure}") from None
        try:
            Path(made).rename(folder)
        except OSError:  # another run was faster
            shutil.rmtree(made, ignore_errors=True)


def extension_path(spec: ExtensionSpec, root: Path, subpath: str) -> Path:
    """Return the extension's Tiltfile in its repository; raises Failure for one outside of it, or that is not there."""
    tiltfile = Path(os.path.normpath(root / subpath / spec.repo_path / "Tiltfile"))
    if not tiltfile.is_relative_to(root):
        raise Failure(f"invalid repo path: {spec.repo_path}")
    if not tiltfile.exists():
        raise Failure(f"no extension tiltfile found at {tiltfile}")
    return tiltfile
