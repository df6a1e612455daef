"""The kubeconfig of a run: how kubectl and our own commands find the server and its token.

It is written as JSON, which is YAML; reading takes what this module wrote, and needs nothing but the standard library.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Access(NamedTuple):
    """How to reach one server: its address, the PEM of the CA it is trusted by ("": the system's), and a token.

    Of other kubeconfigs also a client's certificate and key, as PEM; ``verify`` is off where they say so.
    """

    server: str
    authority: str
    token: str
    context: str = "upright"
    namespace: str = "default"
    certificate: str = ""
    key: str = ""
    verify: bool = True

    def __repr__(self) -> str:
        return f"Access({self.server})"


def render(access: Access) -> str:
    """Return the kubeconfig's text."""
    name = access.context
    config: Mapping[str, Any] = {  # Any: a JSON document
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": access.server,
                    "certificate-authority-data": base64.b64encode(access.authority.encode()).decode(),
                },
            }
        ],
        "users": [{"name": name, "user": {"token": access.token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": access.namespace}}],
        "preferences": {},
    }
    return json.dumps(config, indent=2) + "\n"


def write(path: Path, access: Access) -> None:
    """Put the kubeconfig in place whole, for its owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render(access))
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise


def read(path: Path) -> Access:
    """Return the current context of a kubeconfig that ``write`` wrote. Raises ValueError for another one, OSError."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        name = config["current-context"]
        context = _named(config["contexts"], name)["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return Access(cluster["server"], authority, user["token"], name, context.get("namespace", "default"))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a kubeconfig that upright wrote: {error}") from error


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:  # Any: a JSON document
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise ValueError(f'it has no entry "{name}"')
