"""How objects of the embedded cluster point at each other and at keys of a ConfigMap or Secret."""

from __future__ import annotations

from upright.openapi.meta import Model, omit


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    name: str = omit("")


class KeySelector(Model):
    """One key of a ConfigMap or Secret; ``optional``: may be absent."""

    name: str = omit("")
    key: str = ""
    optional: bool | None = None


class ObjectReference(Model):
    """An object anywhere in the cluster, or a part of it."""

    api_version: str = omit("")
    kind: str = omit("")
    namespace: str = omit("")
    name: str = omit("")
    uid: str = omit("")
    resource_version: str = omit("")
    field_path: str = omit("")
