"""The contexts of any kubeconfig, found as kubectl finds it: ``$KUBECONFIG``, a list of files, or ``~/.kube/config``."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from upright.client.credential_plugin import Plugin
from upright.client.kubeconfig import Access

if TYPE_CHECKING:
    from collections.abc import Iterator

Config = dict[str, Any]  # Any: a decoded YAML document


class Way(NamedTuple):
    """How to reach a server; ``plugin`` is the program that knows by what token or certificate, if it is one."""

    access: Access
    plugin: Plugin | None


def way_of(path: str | Path = "", context: str = "") -> Way:
    """Return how to reach the server of a context (the current one, unless said). Raises ValueError, which says why not."""
    configs = list(_read(path))
    name = context or next((found for config in configs if (found := config.get("current-context"))), "")
    if not name:
        raise ValueError("the kubeconfig has no current context: say which")
    chosen = _entry(configs, "context", str(name))
    cluster = _entry(configs, "cluster", str(chosen.get("cluster") or ""))
    user = _entry(configs, "user", str(chosen["user"])) if chosen.get("user") else {}
    if provider := user.get("auth-provider"):
        raise ValueError(
            f'the user of the context "{name}" is known by the provider {provider.get("name")}: get a token and use that'
        )
    verify = not cluster.get("insecure-skip-tls-verify")
    access = Access(
        str(cluster.get("server") or ""),
        _pem(cluster, "certificate-authority"),
        _token(user),
        str(name),
        str(chosen.get("namespace") or "default"),
        _pem(user, "client-certificate"),
        _pem(user, "client-key"),
        verify=verify,
    )
    return Way(access, None if access.token else _plugin(user, cluster, access))


def _plugin(user: Config, cluster: Config, access: Access) -> Plugin | None:
    """Return the program that the user's entry names; a path in it is meant from the file that has it."""
    said = user.get("exec")
    if not isinstance(said, dict):
        return None
    if "/" in str(said.get("command") or ""):
        said = {**said, "command": str(Path(user["folder"]) / str(said["command"]))}
    about = {name: value for name, value in cluster.items() if name not in {"folder", "certificate-authority"}}
    if access.authority:
        about["certificate-authority-data"] = base64.b64encode(access.authority.encode()).decode()
    return Plugin(said, about, os.environ)


def _read(path: str | Path) -> Iterator[Config]:
    """Yield the files that are there; relative paths in them become whole."""
    given = [Path(path)] if path else [Path(one) for one in os.environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    files = [file for file in given or [Path.home() / ".kube" / "config"] if path or file.exists()]
    if not files:
        raise ValueError("there is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config")
    for file in files:
        try:
            config = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"the kubeconfig {file} cannot be read: {error}") from error
        if not isinstance(config, dict):
            raise ValueError(f"{file} is no kubeconfig")  # noqa: TRY004  reason: what is in a file is a value
        yield {**config, "folder": file.absolute().parent}


def _entry(configs: list[Config], what: str, name: str) -> Config:
    for config in configs:
        for entry in config.get(f"{what}s") or ():
            if entry.get("name") == name:
                return {**(entry.get(what) or {}), "folder": config["folder"]}
    known = sorted(str(entry.get("name")) for config in configs for entry in config.get(f"{what}s") or ())
    raise ValueError(f'the kubeconfig has no {what} "{name}": it has {", ".join(known) or "none"}')


def _pem(entry: Config, name: str) -> str:
    try:
        if data := entry.get(f"{name}-data"):
            return base64.b64decode("".join(str(data).split()), validate=True).decode("ascii")
        if file := entry.get(name):
            return (Path(entry["folder"]) / str(file)).read_text("ascii")
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise ValueError(f"{name} of the kubeconfig cannot be read: {error}") from error
    return ""


def _token(user: Config) -> str:
    if file := user.get("tokenFile"):
        try:
            return (Path(user["folder"]) / str(file)).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the token of the kubeconfig cannot be read: {error}") from error
    return str(user.get("token") or "")
