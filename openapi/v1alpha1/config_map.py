"""ConfigMap: small data that switches and triggers are kept in."""

from __future__ import annotations

from typing import ClassVar

from upright.openapi.meta import Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind


class ConfigMap(Object):
    """Key and value pairs: enable switches, the trigger queue, a Tiltfile's own data."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "ConfigMap",
        "configmaps",
        short_names=("cm",),
        status=False,
        columns=(NAME, Column("DATA", lambda body: len(body.get("data") or {}), "integer", "Number of keys"), AGE),
    )

    data: dict[str, str] = omit({})
    """The pairs."""
