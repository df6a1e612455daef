"""Names of images: what the Tiltfile calls them, what they are tagged with, and how a Dockerfile names its bases; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAG_DIGITS = 16
_AS_NAME = 2  # FROM image AS name
_COPY_FROM = re.compile(r"--from=(\S+)", re.IGNORECASE)
_NAMES = {
    "FROM": re.compile(r"^\s*FROM\s+(?:(?:--\S+|\\)\s+)*([^\s\\]+)", re.IGNORECASE),
    "COPY": _COPY_FROM,
    "ADD": _COPY_FROM,
    "RUN": re.compile(r"--mount=\S*?\bfrom=([^,\s]+)"),
}


def split(reference: str) -> tuple[str, str]:
    """Return repository and tag of a reference; the tag is empty where there is none, a digest counts as a tag."""
    repository, at, digest = reference.partition("@")
    if at:
        return repository, digest
    head, colon, tag = reference.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (reference, "")


def path(repository: str) -> str:
    """Return a repository without its registry, as Docker fills it in: ``web`` is ``library/web``."""
    first, slash, rest = repository.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return rest
    return repository if slash else f"library/{repository}"


def content_tag(image_id: str) -> str:
    """Return the tag that says what is in the image: ``tilt-`` and the first digits of its id."""
    return f"tilt-{image_id.removeprefix('sha256:')[:_TAG_DIGITS]}"


def built_reference(reference: str, image_id: str) -> str:
    """Return the name under which a built image is stored."""
    return f"{split(reference)[0]}:{content_tag(image_id)}"


def familiar(reference: str) -> str:
    """Return the short name of a repository on the default registry: ``docker.io/library/web`` is ``web``."""
    for prefix in ("docker.io/library/", "index.docker.io/library/", "docker.io/"):
        if reference.startswith(prefix):
            return reference.removeprefix(prefix)
    return reference


def matches(selector: str, reference: str, *, exact: bool = False) -> bool:
    """Whether an image reference means the image that the selector names: by repository, or with its tag if exact."""
    if exact:
        return familiar(selector) == familiar(reference)
    return familiar(split(selector)[0]) == familiar(split(reference)[0])


def with_bases(dockerfile: str, bases: Mapping[str, str]) -> str:
    """Return the Dockerfile with base images replaced: ``bases`` is selector to the image that was built for it.

    Names of earlier stages are left alone, and so is all else, to the letter. Text that is no Dockerfile stays as it is.
    """
    if not bases:
        return dockerfile
    from e2b_dockerfile_utils import DockerfileSyntaxError, parse_dockerfile_ast  # noqa: PLC0415  reason: only where used

    try:
        instructions = parse_dockerfile_ast(dockerfile).instructions
    except DockerfileSyntaxError:
        return dockerfile
    lines = dockerfile.splitlines(keepends=True)
    stages: set[str] = set()
    for instruction in instructions:
        pattern = _NAMES.get(instruction.name.upper())
        if pattern is None:
            continue
        first, end = instruction.start_line - 1, instruction.end_line
        text = "".join(lines[first:end])
        lines[first:end] = [_replaced(text, pattern, bases, stages), *[""] * (end - first - 1)]
        if instruction.name.upper() == "FROM" and len(instruction.args) > _AS_NAME:
            stages.add(instruction.args[_AS_NAME].lower())
    return "".join(lines)


def _replaced(text: str, pattern: re.Pattern[str], bases: Mapping[str, str], stages: set[str]) -> str:
    found = pattern.search(text)
    if found is None or found[1].lower() in stages:
        return text
    built = next((ref for selector, ref in bases.items() if matches(selector, found[1])), None)
    return f"{text[: found.start(1)]}{built}{text[found.end(1) :]}" if built else text
