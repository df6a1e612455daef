"""Which cluster a run deploys to: what was asked for, else the kubeconfig's current context, else the embedded one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from upright.openapi.v1alpha1.cluster import KubernetesConnection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EMBEDDED_CONTEXT = "upright-embedded"


def choose(cluster: str, namespace: str, environ: Mapping[str, str]) -> KubernetesConnection:
    """Return the connection for ``--cluster``: ``auto``, ``embedded``, or a kubeconfig context."""
    if cluster not in {"auto", "embedded"}:
        return KubernetesConnection(context=cluster, namespace=namespace)
    current = current_context(environ) if cluster == "auto" else ""
    if current:
        return KubernetesConnection(context=current, namespace=namespace)
    return KubernetesConnection(context=EMBEDDED_CONTEXT, namespace=namespace, embedded=True)


def current_context(environ: Mapping[str, str]) -> str:
    """Return the kubeconfig's current context: the first that a file of KUBECONFIG's list names; empty for none."""
    for path in _files(environ):
        if found := _current(path):
            return found
    return ""


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    listed = environ.get("KUBECONFIG", "")
    if listed:
        yield from (Path(one) for one in listed.split(os.pathsep) if one)
    elif home := environ.get("HOME"):
        yield Path(home) / ".kube" / "config"


def _current(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    import yaml  # noqa: PLC0415  reason: only where there is a kubeconfig

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    return str(found.get("current-context") or "") if isinstance(found, dict) else ""
