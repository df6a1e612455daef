"""What a Dockerfile asks for, read before anything is built."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from e2b_dockerfile_utils.syntax import DockerfileInstruction, DockerfileSyntaxError, parse_dockerfile_ast
from msgspec import Struct

from upright.controllers.world.engine.errors import BuildRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SYNTAX = re.compile(r"^#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_OFFICIAL = re.compile(r"^(docker\.io/)?docker/dockerfile(:1[.\d]*)?$")
_PLATFORM_ARGS = ("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT")


class Abilities(Struct, frozen=True):
    """What a builder understands: flags by instruction, kinds of RUN --mount, heredocs, platforms by variable.

    ``missing`` says what to do about the rest.
    """

    flags: frozenset[tuple[str, str]]
    mounts: frozenset[str] = frozenset()
    heredocs: bool = False
    platform_variables: bool = False
    missing: str = "needs BuildKit: install docker buildx (docker-buildx-plugin)"


_CLASSIC = frozenset(
    {("FROM", "platform"), ("COPY", "from"), ("COPY", "chown"), ("ADD", "chown")}
    | {("HEALTHCHECK", name) for name in ("interval", "timeout", "start-period", "retries")}
)
_MORE = frozenset({("COPY", "chmod"), ("ADD", "chmod"), ("RUN", "mount"), ("RUN", "network")})
DOCKERD = Abilities(_CLASSIC)
PODMAN = Abilities(_CLASSIC | _MORE, frozenset({"bind", "cache", "tmpfs"}))
PODMAN_WITH_HEREDOCS = Abilities(PODMAN.flags, PODMAN.mounts, heredocs=True)
"""Podman 4.9 and later."""
OLD_BUILDKIT = Abilities(
    PODMAN.flags | {("RUN", "security")},
    frozenset({"bind", "cache", "tmpfs", "secret", "ssh"}),
    platform_variables=True,
    missing="needs a newer BuildKit: write `# syntax=docker/dockerfile:1` as the first line, or install docker buildx",
)
"""The frontend inside dockerd before 23, without a ``# syntax=`` line."""
BUILDKIT = Abilities(
    OLD_BUILDKIT.flags
    | {
        ("COPY", "link"),
        ("ADD", "link"),
        ("ADD", "checksum"),
        ("ADD", "keep-git-dir"),
        ("HEALTHCHECK", "start-interval"),
    },
    OLD_BUILDKIT.mounts,
    heredocs=True,
    platform_variables=True,
    missing="needs a newer BuildKit: write `# syntax=docker/dockerfile:1` as the first line",
)
"""The frontend inside dockerd 25 and later, without a ``# syntax=`` line."""


def instructions(dockerfile: str) -> Sequence[DockerfileInstruction]:
    """Return a Dockerfile's instructions. Raises BuildRefused for bad syntax."""
    try:
        return parse_dockerfile_ast(dockerfile).instructions
    except DockerfileSyntaxError as error:
        raise BuildRefused(str(error), line=error.line or 0) from error
    except ValueError as error:
        raise BuildRefused(f"Dockerfile parse error: {error}") from error


def refuse_unknown(dockerfile: str, abilities: Abilities) -> None:
    """Raise BuildRefused, with the line, for the first thing that the builder does not understand."""
    line, frontend = frontend_of(dockerfile)
    if frontend and not _OFFICIAL.match(frontend):
        raise _missing(line, f"the frontend {frontend}", abilities)
    for instruction in instructions(dockerfile):
        for what in _unknown(instruction, abilities):
            raise _missing(instruction.start_line, what, abilities)


def frontend_of(dockerfile: str) -> tuple[int, str]:
    """Return the line and the image of the ``# syntax=`` directive, 0 and empty if there is none."""
    for number, text in enumerate(dockerfile.splitlines(), 1):
        if found := _SYNTAX.match(text):
            return number, found[1]
        if not text.startswith("#"):
            break
    return 0, ""


def for_buildkit(dockerfile: str, inside: Abilities) -> str:
    """Return the text to give to BuildKit, whose own frontend has these abilities. Raises BuildRefused.

    Where the own frontend understands all of it, an official one need not be fetched from Docker Hub; line numbers stay.
    """
    line, frontend = frontend_of(dockerfile)
    if frontend and not _OFFICIAL.match(frontend):
        return dockerfile
    try:
        refuse_unknown(dockerfile, inside)
    except BuildRefused:
        if frontend:
            return dockerfile
        raise
    lines = dockerfile.split("\n")
    if not frontend or lines[line].startswith("#"):  # another directive may follow, and must follow at once
        return dockerfile
    lines[line - 1] = "#"
    return "\n".join(lines)


def platform_args(dockerfile: str, target: str, engine: str) -> dict[str, str]:
    """Return what BuildKit would put into the platform ARGs that a Dockerfile declares; platforms as in linux/arm/v7."""
    os_name, arch, variant = (*target.split("/"), "", "")[:3]
    engine_os, engine_arch = engine.split("/")[:2]
    values = (engine, engine_os, engine_arch, target, os_name, arch, variant)
    declared = {word.partition("=")[0] for one in instructions(dockerfile) if one.name == "ARG" for word in one.args}
    return {name: value for name, value in zip(_PLATFORM_ARGS, values, strict=True) if name in declared}


def _unknown(instruction: DockerfileInstruction, abilities: Abilities) -> Iterator[str]:
    if instruction.name == "ONBUILD":
        _, _, later = instruction.original.strip().partition(" ")
        for nested in instructions(later):
            yield from _unknown(nested, abilities)
    for flag in instruction.flags:
        name, _, value = flag.removeprefix("--").partition("=")
        if (instruction.name, name) not in abilities.flags:
            yield f"{instruction.name} --{name}"
        elif name == "mount" and (kind := _mount_kind(value)) not in abilities.mounts:
            yield f"RUN --mount=type={kind}"
        elif name == "platform" and "$" in value and not abilities.platform_variables:
            yield f"FROM --platform={value}"
    if instruction.heredocs and not abilities.heredocs:
        yield f"a heredoc ({instruction.name} <<{instruction.heredocs[0].name})"


def _mount_kind(options: str) -> str:
    return next((part.partition("=")[2] for part in options.split(",") if part.startswith("type=")), "bind")


def _missing(line: int, what: str, abilities: Abilities) -> BuildRefused:
    return BuildRefused(f"Dockerfile line {line} uses {what}, which {abilities.missing}", line=line)
