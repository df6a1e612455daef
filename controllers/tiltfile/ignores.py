"""What of a build's context does not count: the Tiltfile, .git, .dockerignore, and the ignore and only arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.images import DockerBuild
from upright.controllers.tiltfile.language.errors import Failure
from upright.openapi.v1alpha1.docker_image import IgnoreDef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from upright.controllers.tiltfile.images import Image


def ignore_file(folder: str, dockerfile: str) -> str:
    """Return the path of the ignore file: the Dockerfile's own if it is there, else the folder's."""
    own = f"{dockerfile}.dockerignore"
    return own if dockerfile and Path(own).exists() else str(Path(folder) / ".dockerignore")


def context_ignores(image: Image) -> tuple[IgnoreDef, ...]:
    """Return what is left out of the build's context; a rule without patterns means all below its path."""
    build = image.build
    only = build.only if isinstance(build, DockerBuild) else ()
    repositories = repository_ignores(image.watched)
    own = (IgnoreDef(base_path=image.tiltfile),)
    try:
        return (*own, *repositories, *_rules(image.watched, image.ignore, only, image.dockerfile))
    except OSError as error:
        raise Failure(f"reading dockerignore for {image.familiar}: {error}", image.place) from None


def file_ignores(image: Image, context: tuple[IgnoreDef, ...]) -> tuple[IgnoreDef, ...]:
    """Return whose changes do not count: what is no part of the context, and the Dockerfile, which the Tiltfile watches."""
    own = (IgnoreDef(base_path=image.dockerfile),) if image.dockerfile else ()
    return (*context, *own)


def repository_ignores(paths: Iterable[str]) -> tuple[IgnoreDef, ...]:
    """Return the ``.git`` folders directly in the paths."""
    found = dict.fromkeys(str(Path(path) / ".git") for path in paths if path)
    return tuple(IgnoreDef(base_path=path) for path in found if Path(path).is_dir())


def compose_ignores(context: str, dockerfile: str, mounted: Iterable[str]) -> tuple[IgnoreDef, ...]:
    """Return whose changes do not count for an image that Compose builds; folders that are mounted are among them."""
    rules = (*repository_ignores([context]), *_rules([context] if context else [], (), (), dockerfile))
    return (*rules, *(IgnoreDef(base_path=path) for path in (dockerfile, *mounted)))


def _rules(
    folders: Sequence[str], ignore: tuple[str, ...], only: tuple[str, ...], dockerfile: str
) -> Iterator[IgnoreDef]:
    for folder in dict.fromkeys(folders):
        if not Path(folder).is_dir():
            continue
        if ignore:
            yield IgnoreDef(base_path=folder, patterns=ignore)
        if only:
            yield IgnoreDef(base_path=folder, patterns=("**", *(f"!{one}" for one in only)))
        try:
            patterns = tuple(patterns_of(Path(ignore_file(folder, dockerfile)).read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        if patterns:
            yield IgnoreDef(base_path=folder, patterns=patterns)


def patterns_of(text: str) -> list[str]:
    """Return the patterns of an ignore file, cleaned as Docker cleans them."""
    return list(_patterns(text))


def _patterns(text: str) -> Iterator[str]:
    """Yield the patterns of an ignore file, cleaned as Docker cleans them."""
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        inverted = pattern.startswith("!")
        pattern = pattern[1:].strip() if inverted else pattern
        if pattern:
            pattern = pattern.rstrip("/") or "/"
            pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
        yield f"!{pattern}" if inverted else pattern
