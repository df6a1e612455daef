"""A Cluster: where it is, whether it can be reached, and how to look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.layouts.page import Page, ago

if TYPE_CHECKING:
    from datetime import datetime

    from upright.openapi.meta import Json


def described(body: Json, now: datetime) -> str:
    """Return the page of a Cluster."""
    status = body.get("status") or {}
    resolved = (status.get("connection") or {}).get("kubernetes") or {}
    page = Page()
    page.pair("Name", body["metadata"]["name"])
    page.pair("Wanted", _wanted((body.get("spec") or {}).get("connection") or {}))
    page.known("Context", resolved.get("context"))
    page.known("Namespace", resolved.get("namespace"))
    page.known("Product", resolved.get("product"))
    page.known("Version", status.get("version"))
    page.known("Machine", status.get("arch"))
    page.pair("Connected", ago(status.get("connectedAt"), now) or "no")
    page.known("Error", status.get("error"))
    _registry(page, status.get("registry") or (body.get("spec") or {}).get("defaultRegistry") or {})
    if path := resolved.get("configPath"):
        page.section("To look into it")
        page.line(f"  kubectl --kubeconfig {path} get pods")
    return page.text()


def _wanted(connection: Json) -> str:
    if kubernetes := connection.get("kubernetes"):
        if kubernetes.get("embedded"):
            return "the embedded cluster"
        return f"context {kubernetes['context']}" if kubernetes.get("context") else "the kubeconfig's current context"
    if "docker" in connection:
        return f"a container engine{f' at {host}' if (host := (connection['docker'] or {}).get('host')) else ''}"
    return "nothing in particular"


def _registry(page: Page, registry: Json) -> None:
    page.known("Registry", registry.get("host"))
    page.known("Registry from the cluster", registry.get("hostFromClusterNetwork"))
