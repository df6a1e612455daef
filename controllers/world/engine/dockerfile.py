"""What a Dockerfile asks for, read before anything is built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2b_dockerfile_utils.syntax import DockerfileInstruction, DockerfileSyntaxError, parse_dockerfile_ast

from upright.controllers.world.engine.errors import BuildRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SYNTAX = re.compile(r"^#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_OFFICIAL = re.compile(r"^(docker\.io/)?docker/dockerfile(:1[.\d]*)?$")
_PLATFORM_ARGS = ("BUILDPLATFORM", "BUILDOS", "BUILDARCH", "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a classic build API understands: flags by instruction, kinds of RUN --mount, heredocs."""

    flags: frozenset[tuple[str, str]]
    mounts: frozenset[str] = frozenset()
    heredocs: bool = False


_DOCKERD_FLAGS = frozenset(
    {("FROM", "platform"), ("COPY", "from"), ("COPY", "chown"), ("ADD", "chown")}
    | {("HEALTHCHECK", name) for name in ("interval", "timeout", "start-period", "retries")}
)
DOCKERD = Abilities(_DOCKERD_FLAGS)
PODMAN = Abilities(
    _DOCKERD_FLAGS | {("COPY", "chmod"), ("ADD", "chmod"), ("RUN", "mount"), ("RUN", "network")},
    frozenset({"bind", "cache", "tmpfs"}),
)
PODMAN_WITH_HEREDOCS = Abilities(PODMAN.flags, PODMAN.mounts, heredocs=True)
"""Podman 4.9 and later."""


def instructions(dockerfile: str) -> Sequence[DockerfileInstruction]:
    """Return a Dockerfile's instructions. Raises BuildRefused for bad syntax."""
    try:
        return parse_dockerfile_ast(dockerfile).instructions
    except DockerfileSyntaxError as error:
        raise BuildRefused(str(error), line=error.line or 0) from error
    except ValueError as error:
        raise BuildRefused(f"Dockerfile parse error: {error}") from error


def refuse_unknown(dockerfile: str, abilities: Abilities) -> None:
    """Raise BuildRefused, with the line, for the first thing that only BuildKit can do."""
    for number, text in enumerate(dockerfile.splitlines(), 1):
        found = _SYNTAX.match(text)
        if found and not _OFFICIAL.match(found[1]):
            raise _needs_buildkit(number, f"the frontend {found[1]}")
        if not text.startswith("#"):
            break
    for instruction in instructions(dockerfile):
        for what in _unknown(instruction, abilities):
            raise _needs_buildkit(instruction.start_line, what)


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
        elif name == "platform" and "$" in value:
            yield f"FROM --platform={value}"
    if instruction.heredocs and not abilities.heredocs:
        yield f"a heredoc ({instruction.name} <<{instruction.heredocs[0].name})"


def _mount_kind(options: str) -> str:
    return next((part.partition("=")[2] for part in options.split(",") if part.startswith("type=")), "bind")


def _needs_buildkit(line: int, what: str) -> BuildRefused:
    message = f"Dockerfile line {line} uses {what}, which needs BuildKit: install docker buildx (docker-buildx-plugin)"
    return BuildRefused(message, line=line)
