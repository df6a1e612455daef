"""Namespace: a room for names; what is in it goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.causes import invalid_value
from upright.openapi.core_v1.condition import Condition
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import Model, omit
from upright.openapi.names import dns_label_trouble
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object

NAMESPACE_FINALIZER = "kubernetes"
"""Keeps a Namespace until it is empty; it stands in the spec, as in Kubernetes."""
NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceSpec(Model):
    """Who has to let go of the Namespace before it may end."""

    finalizers: tuple[str, ...] = omit(())


class NamespaceStatus(Model):
    """Active, or Terminating while it is emptied."""

    phase: str = "Active"
    conditions: tuple[Condition, ...] = omit(())


def _defaults(body: Json) -> None:
    meta = body.setdefault("metadata", {})
    if not isinstance(meta, dict) or meta.get("deletionTimestamp"):
        return
    spec = body.setdefault("spec", {})
    if isinstance(spec, dict) and NAMESPACE_FINALIZER not in (spec.get("finalizers") or ()):
        spec["finalizers"] = [*(spec.get("finalizers") or ()), NAMESPACE_FINALIZER]
    if meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), NAME_LABEL: meta["name"]}


class Namespace(EmbeddedObject):
    """A room for names; what is in it goes with it."""

    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Namespace",
        "namespaces",
        short_names=("ns",),
        categories=(),
        columns=(NAME, Column("STATUS", at("status", "phase"), description="Active or Terminating"), AGE),
        selectable={"status.phase": at("status", "phase")},
        defaults=_defaults,
        merge_keys=EVERY_OBJECT,
    )

    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        if self.name and (trouble := dns_label_trouble(self.name)):
            yield invalid_value("metadata.name", self.name, trouble)
