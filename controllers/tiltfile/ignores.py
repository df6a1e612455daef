"""What of a build's context does not count: the Tiltfile, .git, .dockerignore, and the ignore and only arguments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure
from upright.openapi.v1alpha1.docker_image import IgnoreDef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.tiltfile.images import DockerBuild, Image


def ignore_file(build: DockerBuild) -> str:
    """Return the path of the ignore file: the Dockerfile's own if it is there, else the context's."""
    own = f"{build.dockerfile_path}.dockerignore"
    if build.dockerfile_path and Path(own).exists():
        return own
    return str(Path(build.context) / ".dockerignore")


def context_ignores(image: Image, build: DockerBuild) -> tuple[IgnoreDef, ...]:
    """Return what is left out of the build's context; a rule without patterns means all below its path."""
    return tuple(_rules(image, build))


def _rules(image: Image, build: DockerBuild) -> Iterator[IgnoreDef]:
    yield IgnoreDef(base_path=image.tiltfile)
    if (Path(build.context) / ".git").is_dir():
        yield IgnoreDef(base_path=str(Path(build.context) / ".git"))
    if not Path(build.context).is_dir():
        return
    if image.ignore:
        yield IgnoreDef(base_path=build.context, patterns=image.ignore)
    if build.only:
        yield IgnoreDef(base_path=build.context, patterns=("**", *(f"!{one}" for one in build.only)))
    path = ignore_file(build)
    try:
        patterns = tuple(_patterns(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return
    except OSError as error:
        raise Failure(f"reading dockerignore for {image.familiar}: {error}", image.place) from None
    if patterns:
        yield IgnoreDef(base_path=build.context, patterns=patterns)


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
