"""The user's docker credentials for a registry: ``config.json``'s auths, and its credential helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.controllers.world.engine.protocol import RegistryAuth
from upright.controllers.world.processes import Command, StartFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.controllers.world.processes import Processes

HUB = "https://index.docker.io/v1/"
_HUB_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}
_TOKEN = "<token>"  # noqa: S105  reason: the word by which helpers say that the secret is an identity token
_NONE = "credentials not found"


async def registry_auth(
    reference: str,
    environ: Mapping[str, str],
    processes: Processes,
    say: Callable[[str], object] = lambda _: None,
) -> RegistryAuth | None:
    """Return who we are to the image's registry, None for nobody.

    What is wrong with the file or a helper counts as none, and ``say`` hears of it.
    """
    server = server_of(reference)
    config = _config(environ, say)
    helper = (config.get("credHelpers") or {}).get(server) or config.get("credsStore")
    if helper:
        found = await _from_helper(Command(_asked(str(helper)), env=environ, stdin=server.encode()), processes, say)
        if found is not None:
            return found
    return stored_auth(config, server)


def server_of(reference: str) -> str:
    """Return the registry of an image, as docker's credentials name it."""
    host, slash, _ = reference.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return HUB if not named or host in _HUB_NAMES else host


def stored_auth(config: Mapping[str, Any], server: str) -> RegistryAuth | None:
    """Return the credentials that the file itself holds for the server."""
    for name, entry in (config.get("auths") or {}).items():
        if not isinstance(entry, dict) or _host(name) != _host(server):
            continue
        token = str(entry.get("identitytoken") or "")
        user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
        if entry.get("auth"):
            try:
                user, _, password = base64.b64decode(entry["auth"]).decode().rstrip("\0").partition(":")
            except ValueError:
                continue
        if user or token:
            return RegistryAuth(username=user, password=password, identity_token=token, server=server)
    return None


def _asked(helper: str) -> tuple[str, str]:
    return (f"docker-credential-{helper}", "get")


async def _from_helper(command: Command, processes: Processes, say: Callable[[str], object]) -> RegistryAuth | None:
    server, program = command.stdin.decode(), command.args[0]
    try:
        told = await capture(processes, command)
        said: Any = json.loads(told.stdout) if told.exit.code == 0 else {}
    except (StartFailed, ValueError) as error:
        say(f"     {program} was asked for the credentials of {server}, and cannot tell: {error}")
        return None
    if told.exit.code and _NONE not in (words := (told.stdout + told.stderr).decode(errors="replace").strip()):
        say(f"     {program} was asked for the credentials of {server}, and failed: {words or told.exit.reason}")
    user, secret = str(said.get("Username") or ""), str(said.get("Secret") or "")
    if not secret:
        return None
    if user == _TOKEN:
        return RegistryAuth(identity_token=secret, server=server)
    return RegistryAuth(username=user, password=secret, server=server)


def _config(environ: Mapping[str, str], say: Callable[[str], object]) -> dict[str, Any]:
    folder = environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME", "/"), ".docker")  # noqa: PTH118  reason: HOME may be anything
    try:
        found = json.loads(Path(folder, "config.json").read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        say(f"     {folder}/config.json cannot be read, so nobody is logged in: {error}")
        return {}
    return found if isinstance(found, dict) else {}


def _host(server: str) -> str:
    return server.partition("://")[2].partition("/")[0] if "://" in server else server.partition("/")[0]
