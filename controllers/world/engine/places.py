"""Where an engine may already be."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class Candidate(Struct, frozen=True):
    """Where an engine may be. ``wanted``: somebody named it, so it is that one or none."""

    source: str
    address: str = ""
    context: str = ""
    wanted: bool = False

    @property
    def absent(self) -> bool:
        """Whether there is nothing at one of the usual places."""
        return not self.wanted and not Path(self.address.removeprefix("unix://")).exists()


def candidates(environment: Mapping[str, str]) -> list[Candidate]:
    """Return where to look, in order; a place that somebody named is the only one."""
    if address := environment.get("DOCKER_HOST"):
        return [Candidate("DOCKER_HOST", address, wanted=True)]
    if context := _context(environment):
        return [Candidate(f"docker context {context}", context=context, wanted=True)]
    if address := environment.get("CONTAINER_HOST"):
        return [Candidate("CONTAINER_HOST", address, wanted=True)]
    sockets = ["/var/run/docker.sock", "/run/podman/podman.sock"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        sockets += [f"{runtime}/docker.sock", f"{runtime}/podman/podman.sock"]
    if home := environment.get("HOME"):
        sockets.append(f"{home}/.docker/run/docker.sock")
    return [Candidate(path, f"unix://{path}") for path in sockets]


def _context(environment: Mapping[str, str]) -> str:
    """Return the docker context that somebody chose, empty for the default one."""
    context = environment.get("DOCKER_CONTEXT", "")
    if not context:
        folder = environment.get("DOCKER_CONFIG") or f"{environment.get('HOME', '')}/.docker"
        with suppress(OSError, ValueError):
            context = json.loads(Path(folder, "config.json").read_bytes()).get("currentContext") or ""
    return "" if context == "default" else context
