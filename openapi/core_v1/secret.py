"""Secret: what must not be seen, by key, for environments and files."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, ClassVar

from upright.openapi.causes import forbidden, required
from upright.openapi.core_v1.config_map import base64_problems, key_problems
from upright.openapi.core_v1.merge_keys import EVERY_OBJECT
from upright.openapi.embedded import EmbeddedObject
from upright.openapi.meta import omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json, Object

_KEYS_OF_TYPE = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _defaults(body: Json) -> None:
    body["type"] = body.get("type") or "Opaque"
    plain, data = body.get("stringData"), body.get("data") or {}
    if not isinstance(plain, dict) or not isinstance(data, dict) or not all(isinstance(v, str) for v in plain.values()):
        return  # what has the wrong type is left for validation to name
    del body["stringData"]
    body["data"] = {**data, **{key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}}


class Secret(EmbeddedObject):
    """What must not be seen, by key, in base64; ``stringData`` is written in plain text and becomes ``data``."""

    compares = True
    definition: ClassVar[Kind] = Kind(
        "",
        "v1",
        "Secret",
        "secrets",
        categories=(),
        namespaced=True,
        status=False,
        columns=(
            NAME,
            Column("TYPE", at("type"), description="What kind of secret"),
            Column("DATA", lambda body: len(body.get("data") or ()), "integer", "How many keys it has"),
            AGE,
        ),
        selectable={"type": at("type")},
        immutable=(("type",),),
        defaults=_defaults,
        merge_keys=EVERY_OBJECT,
    )

    data: dict[str, str] = omit({})
    string_data: dict[str, str] = omit({})
    type: str = "Opaque"
    immutable: bool | None = None

    def problems(self, old: Object | None) -> Iterator[Cause]:
        yield from super().problems(old)
        yield from key_problems(self.data, "data")
        yield from base64_problems(self.data, "data")
        for key in _KEYS_OF_TYPE.get(self.type, ()):
            if key not in self.data:
                yield required(f"data[{key}]")
        if isinstance(old, Secret) and old.immutable:
            if not self.immutable:
                yield forbidden("immutable", "field is immutable when `immutable` is set")
            if self.data != old.data:
                yield forbidden("data", "field is immutable when `immutable` is set")
