"""Namespaces: nothing is made in one that is not there or is ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.apiserver.storage.records import Address
from upright.openapi import errors
from upright.openapi.errors import BadRequest, Cause, Forbidden

if TYPE_CHECKING:
    from upright.apiserver.options import Target
    from upright.apiserver.storage.store import Store
    from upright.openapi.scheme import Scheme

_ALWAYS_THERE = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


def require_namespace(scheme: Scheme, store: Store, where: Target) -> None:
    """Raise NotFound if the target's namespace is not there, Forbidden if it is ending."""
    about = where.kind.definition
    if not about.namespaced:
        return
    name = where.namespace
    if not name:
        raise BadRequest("an empty namespace may not be set during creation")
    if scheme.by_plural("", "v1", "namespaces") is None:
        return
    found = store.newest(Address(where.partition or "", "namespaces", "", name))
    if found and "deletionTimestamp" in found.body["metadata"]:
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise Forbidden(
            f'{errors.qualified(about.group, about.plural)} "{where.name}" is forbidden: {why}',
            causes=[Cause("metadata.namespace", f"namespace {name} is being terminated", "NamespaceTerminating")],
            details=errors.named(about.group, about.plural, where.name),
        )
    if not found and name not in _ALWAYS_THERE:
        raise errors.not_found("", "namespaces", name)


def require_deletable(where: Target) -> None:
    """Raise Forbidden for the namespaces that a cluster always has."""
    about = where.kind.definition
    if about.resource == "namespaces" and where.name in _ALWAYS_THERE:
        raise Forbidden(
            f'namespaces "{where.name}" is forbidden: this namespace may not be deleted',
            details=errors.named("", "namespaces", where.name),
        )
