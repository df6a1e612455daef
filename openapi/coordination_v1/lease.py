"""Lease: who leads, until when; several processes elect one of them by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.causes import invalid_value
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import MicroTime, Model, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Object


class LeaseSpec(Model):
    """Who holds the lease, since when, and for how many seconds after the last renewal."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: MicroTime | None = None
    renew_time: MicroTime | None = None
    lease_transitions: int | None = None
    strategy: str = omit("")
    preferred_holder: str = omit("")


class Lease(EmbeddedObject):
    """Who leads, until when; several processes elect one of them by it."""

    definition: ClassVar[Kind] = Kind(
        "coordination.k8s.io",
        "v1",
        "Lease",
        "leases",
        categories=(),
        namespaced=True,
        status=False,
        columns=(
            NAME,
            Column("HOLDER", at("spec", "holderIdentity"), description="Who holds it"),
            AGE,
        ),
        merge_keys=EVERY_OBJECT,
    )

    spec: LeaseSpec = LeaseSpec()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        for name, value in (
            ("leaseDurationSeconds", self.spec.lease_duration_seconds),
            ("leaseTransitions", self.spec.lease_transitions),
        ):
            least = 1 if name == "leaseDurationSeconds" else 0
            if value is not None and value < least:
                yield invalid_value(f"spec.{name}", value, f"must be {least} or more")
