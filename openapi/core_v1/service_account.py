"""ServiceAccount: as whom a Pod speaks to the API; here its name only."""

from __future__ import annotations

from typing import ClassVar

from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.core_v1.references import LocalObjectReference, ObjectReference
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import omit
from upright.openapi.scheme import AGE, NAME, Column, Kind


class ServiceAccount(EmbeddedObject):
    """As whom a Pod speaks to the API: here its name only, no token is made."""

    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        short_names=("sa",),
        categories=(),
        namespaced=True,
        status=False,
        columns=(
            NAME,
            Column("SECRETS", lambda body: len(body.get("secrets") or ()), "integer", "How many secrets it names"),
            AGE,
        ),
        merge_keys={**EVERY_OBJECT, "secrets": "name", "imagePullSecrets": "name"},
    )

    secrets: tuple[ObjectReference, ...] = omit(())
    image_pull_secrets: tuple[LocalObjectReference, ...] = omit(())
    automount_service_account_token: bool | None = None
