"""ConfigMap: configuration by key, for environments and files."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, ClassVar

from upright.openapi.causes import forbidden, invalid_value
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import omit
from upright.openapi.names import config_key_trouble
from upright.openapi.scheme import AGE, NAME, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object


def _keys(body: Json) -> int:
    return len(body.get("data") or ()) + len(body.get("binaryData") or ())


def key_problems(data: Mapping[str, str], at: str) -> Iterator[Cause]:
    """Yield the keys that cannot be file names."""
    for key in data:
        if trouble := config_key_trouble(key):
            yield invalid_value(f"{at}[{key}]", key, trouble)


def base64_problems(data: Mapping[str, str], at: str) -> Iterator[Cause]:
    """Yield the values that are not base64."""
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            yield invalid_value(f"{at}[{key}]", "", "must be base64")


class ConfigMap(EmbeddedObject):
    """Configuration by key; ``binaryData`` is base64."""

    compares = True
    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "ConfigMap",
        "configmaps",
        short_names=("cm",),
        categories=(),
        namespaced=True,
        status=False,
        columns=(NAME, Column("DATA", _keys, "integer", "How many keys it has"), AGE),
        merge_keys=EVERY_OBJECT,
    )

    data: dict[str, str] = omit({})
    binary_data: dict[str, str] = omit({})
    immutable: bool | None = None

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        yield from key_problems(self.data, "data")
        yield from key_problems(self.binary_data, "binaryData")
        yield from base64_problems(self.binary_data, "binaryData")
        for key in sorted(self.data.keys() & self.binary_data.keys()):
            yield invalid_value(f"binaryData[{key}]", key, "duplicate of key present in data")
        if isinstance(old, ConfigMap) and old.immutable:
            if not self.immutable:
                yield forbidden("immutable", "field is immutable when `immutable` is set")
            if (self.data, self.binary_data) != (old.data, old.binary_data):
                yield forbidden("data", "field is immutable when `immutable` is set")
