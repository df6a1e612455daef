"""What may stand in an object's metadata: names, labels, annotations, owners, finalizers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from upright.openapi import causes, names
from upright.openapi.errors import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from upright.openapi.meta import Object, ObjectMeta, OwnerReference

_PATH_SEGMENT_GROUPS = frozenset({"tilt.dev", "rbac.authorization.k8s.io"})
_OWN_GROUPS = frozenset({"tilt.dev"})
"""Where a finalizer may do without a domain, as in custom resources."""
_FINALIZERS = frozenset({"orphan", "foregroundDeletion", "kubernetes"})


def metadata_problems(kind: type[Object], meta: ObjectMeta, name: str, most: int) -> Iterator[Cause]:
    """Yield what is wrong with the metadata; ``name`` is what the object will be called, ``most`` a limit of bytes."""
    if not name:
        yield causes.required("metadata.name", "name or generateName is required")
    elif trouble := _name_trouble(kind.definition.group, name):
        yield causes.invalid_value("metadata.name", name, trouble)
    yield from _label_problems(meta.labels.items())
    yield from _annotation_problems(meta.annotations)
    yield from _too_long("metadata.labels", meta.labels, most)
    yield from _too_long("metadata.annotations", meta.annotations, most)
    yield from _owner_problems(meta.owner_references)
    for index, finalizer in enumerate(meta.finalizers):
        if trouble := _key_trouble(finalizer):
            yield causes.invalid_value("metadata.finalizers", finalizer, trouble)
        elif "/" not in finalizer and finalizer not in _FINALIZERS and kind.definition.group not in _OWN_GROUPS:
            why = "name is neither a standard finalizer name nor is it fully qualified"
            yield causes.invalid_value(f"metadata.finalizers[{index}]", finalizer, why)


def _owner_problems(owners: tuple[OwnerReference, ...]) -> Iterator[Cause]:
    for index, owner in enumerate(owners):
        named = {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name, "uid": owner.uid}
        for field, value in named.items():
            if not value:
                yield causes.invalid_value(f"metadata.ownerReferences[{index}].{field}", value, "must not be empty")
    if sum(1 for owner in owners if owner.controller) > 1:
        yield causes.invalid_value(
            "metadata.ownerReferences", None, "only one reference can have controller set to true"
        )


@lru_cache(maxsize=4096)
def _name_trouble(group: str, name: str) -> str:
    if group not in _PATH_SEGMENT_GROUPS:
        return names.dns_subdomain_trouble(name)
    if name in {".", ".."}:
        return f"may not be '{name}'"
    return next((f"may not contain '{letter}'" for letter in "/%" if letter in name), "")


_key_trouble = lru_cache(maxsize=4096)(names.label_key_trouble)
_value_trouble = lru_cache(maxsize=4096)(names.label_value_trouble)


def _label_problems(labels: Iterable[tuple[str, str]]) -> Iterator[Cause]:
    for key, value in labels:
        if trouble := _key_trouble(key):
            yield causes.invalid_value("metadata.labels", key, trouble)
        if trouble := _value_trouble(value):
            yield causes.invalid_value("metadata.labels", value, trouble)


def _annotation_problems(annotations: Mapping[str, str]) -> Iterator[Cause]:
    for key in annotations:
        if trouble := _key_trouble(key.lower()):
            yield causes.invalid_value("metadata.annotations", key, trouble)


def _too_long(field: str, pairs: Mapping[str, str], most: int) -> Iterator[Cause]:
    if pairs and sum(map(len, pairs)) + sum(map(len, pairs.values())) > most:
        yield Cause(field, f"Too long: may not be more than {most} bytes", "FieldValueTooLong")
