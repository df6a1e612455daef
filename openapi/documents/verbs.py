"""What can be asked of a kind and of its subresources."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upright.openapi.scheme import Kind

READS = ("get", "list", "watch")
ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

_SUBRESOURCE: dict[str, tuple[str, ...]] = {
    "status": ("get", "patch", "update"),
    "scale": ("get", "patch", "update"),
    "log": ("get",),
    "exec": ("create", "get"),
    "attach": ("create", "get"),
    "portforward": ("create", "get"),
    "proxy": ("create", "delete", "get", "patch", "update"),
    "eviction": ("create",),
    "binding": ("create",),
    "token": ("create",),
}


def verbs(kind: Kind) -> tuple[str, ...]:
    """Return the verbs of a kind; a view can only be read."""
    return READS if kind.view_of else ALL


def subresources(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Return the kind's subresources with their verbs, in the order of their names."""
    names = {*kind.subresources, *(("status",) if kind.status else ())}
    readable = ("get",) if kind.view_of else ()
    return {name: readable or _SUBRESOURCE.get(name, ("get",)) for name in sorted(names)}
