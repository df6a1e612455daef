"""A container's environment, command and arguments: a pure function of its spec and of what it refers to."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from upright.openapi.core_v1.config_map import ConfigMap
    from upright.openapi.core_v1.container import Container, EnvFromSource, EnvVarSource
    from upright.openapi.core_v1.pod import Pod
    from upright.openapi.core_v1.references import KeySelector
    from upright.openapi.core_v1.secret import Secret

_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_QUOTED = re.compile(r"(labels|annotations)\['(.*)'\]")


class Missing(Exception):
    """Something that the spec refers to is not there; the text is Kubernetes'."""


class Lookup(Protocol):
    """Finds what a pod refers to, in its own namespace."""

    def config_map(self, name: str) -> ConfigMap | None: ...

    def secret(self, name: str) -> Secret | None: ...


class PodFacts(Struct, frozen=True):
    """What a fieldRef may ask of a pod; the addresses are known before its status has them."""

    pod: Pod
    pod_ip: str
    host_ip: str

    def field(self, path: str) -> str:
        """Return the value at a path such as ``metadata.name`` or ``status.podIP``."""
        meta, spec = self.pod.metadata, self.pod.spec
        if found := _QUOTED.fullmatch(path.removeprefix("metadata.")):
            return (meta.labels if found[1] == "labels" else meta.annotations).get(found[2], "")
        plain = {
            "metadata.name": meta.name,
            "metadata.namespace": meta.namespace,
            "metadata.uid": meta.uid,
            "spec.nodeName": spec.node_name,
            "spec.serviceAccountName": spec.service_account_name,
            "status.hostIP": self.host_ip,
            "status.hostIPs": self.host_ip,
            "status.podIP": self.pod_ip,
            "status.podIPs": self.pod_ip,
        }
        return plain[path]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by the variable; ``$$`` is a dollar, and what is not known stays as it is."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def expand_all(texts: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Expand each of the texts."""
    return [expand(text, variables) for text in texts]


def environment(container: Container, facts: PodFacts, lookup: Lookup) -> dict[str, str]:
    """Return the container's variables; raises Missing for what is not there and not optional."""
    variables: dict[str, str] = {}
    for source in container.env_from:
        variables.update(_all_of(source, lookup))
    namespace = facts.pod.metadata.namespace
    for variable in container.env:
        if variable.value_from is None:
            variables[variable.name] = expand(variable.value, variables)
            continue
        value = _from(variable.value_from, facts, namespace, lookup)
        if value is not None:
            variables[variable.name] = value
    return variables


def config_map_data(found: ConfigMap) -> dict[str, bytes]:
    """Return all keys with their bytes."""
    plain = {key: value.encode() for key, value in found.data.items()}
    return plain | {key: base64.b64decode(value) for key, value in found.binary_data.items()}


def secret_data(found: Secret) -> dict[str, bytes]:
    """Return all keys with their bytes."""
    return {key: base64.b64decode(value) for key, value in found.data.items()}


def _all_of(source: EnvFromSource, lookup: Lookup) -> Iterator[tuple[str, str]]:
    data: Mapping[str, str] | None = None
    ref, word = source.config_map_ref or source.secret_ref, "configmap" if source.config_map_ref else "secret"
    if ref is None:
        return
    if source.config_map_ref:
        data = found.data if (found := lookup.config_map(ref.name)) else None
    elif secret := lookup.secret(ref.name):
        data = {key: _text(value) for key, value in secret_data(secret).items()}
    if data is None:
        if not ref.optional:
            raise Missing(f'{word} "{ref.name}" not found')
        return
    yield from ((source.prefix + key, value) for key, value in data.items())


def _from(source: EnvVarSource, facts: PodFacts, namespace: str, lookup: Lookup) -> str | None:
    if source.field_ref is not None:
        return facts.field(source.field_ref.field_path)
    if source.config_map_key_ref is not None:
        ref = source.config_map_key_ref
        config_map = lookup.config_map(ref.name)
        return _key(ref, config_map.data if config_map else None, ("configmap", "ConfigMap"), namespace)
    if source.secret_key_ref is not None:
        ref = source.secret_key_ref
        secret = lookup.secret(ref.name)
        data = {key: _text(value) for key, value in secret_data(secret).items()} if secret else None
        return _key(ref, data, ("secret", "Secret"), namespace)
    return None


def _key(ref: KeySelector, data: Mapping[str, str] | None, words: tuple[str, str], namespace: str) -> str | None:
    if data is not None and ref.key in data:
        return data[ref.key]
    if ref.optional:
        return None
    if data is None:
        raise Missing(f'{words[0]} "{ref.name}" not found')
    raise Missing(f"couldn't find key {ref.key} in {words[1]} {namespace}/{ref.name}")


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
