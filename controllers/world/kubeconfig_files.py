"""Kubeconfig files: KUBECONFIG's list merged as kubectl does, one context of it, and a frozen copy of that alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from upright.controllers.world.cluster_product import Traces, product
from upright.openapi.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.openapi.meta import Json

IN_CLUSTER = "in-cluster"
"""The context that every pod has: its own cluster, as its ServiceAccount."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_FILES = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}


class ChosenContext(Struct, frozen=True):
    """One context of the kubeconfig; ``config`` is a kubeconfig of it alone, its paths absolute. It holds secrets.

    ``user_file`` is the file that has its user.
    """

    name: str
    namespace: str
    cluster: str
    product: str
    server: str
    config: Json
    user_file: str = ""

    def __repr__(self) -> str:
        """Say which, and never the secrets."""
        return f"ChosenContext({self.name} at {self.server})"

    def freeze(self, path: Path) -> None:
        """Write the kubeconfig of this context alone, readable for us only."""
        import yaml  # noqa: PLC0415  reason: only where there is a kubeconfig

        text = str(yaml.dump(self.config, Dumper=yaml.CSafeDumper, sort_keys=False))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _put(path, text)

    def refreshed(self, frozen: Path, before: Json, now: Json) -> None:
        """Put new tokens where the old ones stand, in the user's file and in the frozen copy: an old one may hold only once.

        The rest of the files stays as it is; a file that cannot be written is left alone, as kubectl leaves it.
        """
        for path in filter(None, (self.user_file, str(frozen))):
            with suppress(OSError, UnicodeDecodeError):
                text = changed = Path(path).read_text(encoding="utf-8")
                for name, old in before.items():
                    changed = changed.replace(str(old), str(now[name])) if old else changed
                if changed != text:
                    made = Path(f"{path}.{os.getpid()}")
                    _put(made, changed)
                    made.replace(Path(path).resolve())


def _put(path: Path, text: str) -> None:
    """Write a file that is readable for us only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def choose_context(name: str, namespace: str, environ: Mapping[str, str]) -> ChosenContext:
    """Return the context of that name (empty: the current one); raises ServiceUnavailable with what to do."""
    paths = [*_paths(environ)]
    found = [(path, _read(path)) for path in paths]
    where = ", ".join(str(path) for path in paths) or "KUBECONFIG and HOME are not set"
    name = name or next((str(config["current-context"]) for _, config in found if config.get("current-context")), "")
    if not name:
        raise ServiceUnavailable(f"no current context in the kubeconfig ({where}): name one with --cluster=CONTEXT")
    context = _entry(found, "contexts", name)
    if context is None and name == IN_CLUSTER:
        return _of_the_pod(namespace, environ)
    if context is None:
        known = ", ".join(sorted({str(one.get("name")) for _, config in found for one in config.get("contexts") or ()}))
        raise ServiceUnavailable(
            f"no context {name!r} in the kubeconfig ({where}): it has {known or 'none'}; use one of them with --cluster=CONTEXT"
        )
    about = context[1]
    cluster = _entry(found, "clusters", str(about.get("cluster", "")))
    if cluster is None or not cluster[1].get("server"):
        raise ServiceUnavailable(
            f"context {name!r} names the cluster {about.get('cluster')!r}, of which the kubeconfig ({where}) has no server"
        )
    user = _entry(found, "users", str(about.get("user", "")))
    space = namespace or str(about.get("namespace") or "") or "default"
    return ChosenContext(
        name=name,
        namespace=space,
        cluster=str(about["cluster"]),
        product=product(
            Traces(
                str(about["cluster"]),
                str(cluster[0]),
                str(cluster[1].get("certificate-authority") or ""),
                str(cluster[1]["server"]),
            )
        ),
        server=str(cluster[1]["server"]),
        config=_alone(name, {**about, "namespace": space}, cluster, user),
        user_file=str(user[0]) if user is not None else "",
    )


def _of_the_pod(namespace: str, environ: Mapping[str, str]) -> ChosenContext:
    """Return the cluster that this process is a pod of; its token is read from its file, where it is written anew."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    token = SERVICE_ACCOUNT / "token"
    if not host or not token.exists():
        raise ServiceUnavailable(
            f"--cluster={IN_CLUSTER} is for pods with a ServiceAccount: there is no "
            + ("KUBERNETES_SERVICE_HOST" if not host else f"{token}")
        )
    try:
        own = (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
    except OSError:
        own = ""
    server = f"https://{f'[{host}]' if ':' in host else host}:{port or '443'}"
    cluster = {"server": server, "certificate-authority": str(SERVICE_ACCOUNT / "ca.crt")}
    space = namespace or own or "default"
    context = {"cluster": IN_CLUSTER, "user": IN_CLUSTER, "namespace": space}
    user = (SERVICE_ACCOUNT, {"tokenFile": str(token)})
    config = _alone(IN_CLUSTER, context, (SERVICE_ACCOUNT, cluster), user)
    return ChosenContext(IN_CLUSTER, space, IN_CLUSTER, product(Traces(IN_CLUSTER)), server, config)


def _paths(environ: Mapping[str, str]) -> Iterator[Path]:
    listed = environ.get("KUBECONFIG", "")
    if listed:
        yield from (Path(one).expanduser().absolute() for one in listed.split(os.pathsep) if one)
    elif home := environ.get("HOME"):
        yield Path(home) / ".kube" / "config"


def _read(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415  reason: only where there is a kubeconfig

    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise ServiceUnavailable(f"cannot read the kubeconfig {path}: {told}") from error
    return found if isinstance(found, dict) else {}


def _entry(found: list[tuple[Path, dict[str, Any]]], section: str, name: str) -> tuple[Path, dict[str, Any]] | None:
    """Return the first entry of that name and the file it is in: as kubectl merges, the first file wins."""
    for path, config in found:
        for entry in config.get(section) or ():
            if entry.get("name") == name:
                return path, entry.get(section.removesuffix("s")) or {}
    return None


def _alone(
    name: str, context: Json, cluster: tuple[Path, dict[str, Any]], user: tuple[Path, dict[str, Any]] | None
) -> Json:
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": context}],
        "clusters": [{"name": context["cluster"], "cluster": _rooted("clusters", *cluster)}],
        "users": [],
    }
    if user is not None:
        config["users"] = [{"name": context["user"], "user": _rooted("users", *user)}]
    return config


def _rooted(section: str, path: Path, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry with absolute paths: relative ones are meant from the file that has them."""
    rooted = {
        key: str(path.parent / str(value)) if key in _FILES[section] and value else value
        for key, value in entry.items()
    }
    plugin = rooted.get("exec")
    if isinstance(plugin, dict) and "/" in str(plugin.get("command", "")):
        rooted["exec"] = {**plugin, "command": str(path.parent / str(plugin["command"]))}
    return rooted
