"""Kubernetes objects in YAML: what they are called, which pods they make, which images they use."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.yaml_documents import InvalidYAML, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


APPLY_ORDER = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "PriorityClass",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
]
"""Kinds to apply first, in this order; all others come after them."""
_RANK = {kind: rank for rank, kind in enumerate(APPLY_ORDER)}


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """One object of the YAML, and where it was read."""

    body: Json
    source: str = ""

    @property
    def kind(self) -> str:
        return str(self.body.get("kind", ""))

    @property
    def api_version(self) -> str:
        return str(self.body.get("apiVersion", ""))

    @property
    def group(self) -> str:
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        return str(_metadata(self.body).get("name", ""))

    @property
    def namespace(self) -> str:
        return str(_metadata(self.body).get("namespace") or "default")

    @property
    def address(self) -> tuple[str, str, str, str]:
        """What makes two objects the same one."""
        return self.name, str(_metadata(self.body).get("namespace") or ""), self.kind, self.api_version

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Name, kind, namespace and group: what resource names are made of."""
        return self.name, self.kind, self.namespace, self.group or "core"

    @property
    def full_name(self) -> str:
        return join_parts(self.parts[:3])

    @property
    def rank(self) -> int:
        return _RANK.get(self.kind, len(_RANK))

    def secret_values(self) -> Iterator[tuple[str, bytes]]:
        """Yield the keys and values if this is a Secret."""
        if self.kind != "Secret" or self.api_version != "v1":
            return
        for key, value in _mapping(self.body.get("data")).items():
            try:
                yield key, base64.b64decode(str(value), validate=True)
            except binascii.Error:
                yield key, str(value).encode()
        for key, value in _mapping(self.body.get("stringData")).items():
            yield key, str(value).encode()


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _metadata(body: Json) -> Json:
    return _mapping(body.get("metadata"))


def join_parts(parts: tuple[str, ...]) -> str:
    """Return the parts with colons between them; a colon inside a part is escaped."""
    return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)


def split_parts(text: str) -> list[str]:
    """Return the parts that ``join_parts`` joined; raises Failure for an escape that means nothing."""
    parts = [""]
    letters = iter(text)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, "")
            if escaped not in {":", "\\"}:
                raise Failure(f'invalid escape sequence "\\{escaped}" in "{text}"')
            parts[-1] += escaped
        elif letter == ":":
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def parse_entities(text: str, source: str) -> list[Entity]:
    """Return the objects of a YAML stream, lists taken apart; raises Failure with the place."""
    found: list[Entity] = []
    try:
        for document in documents(text):
            found += _entities(document.value, f"{source}:{document.line}")
    except InvalidYAML as error:
        raise Failure(f"{source} is not a valid YAML file: {error}") from None
    return found


def _entities(value: object, where: str) -> Iterator[Entity]:
    if not isinstance(value, dict):
        raise Failure(f"{where}: a Kubernetes object must be a mapping, not {type(value).__name__}")
    for field in ("kind", "apiVersion"):
        if not value.get(field) or not isinstance(value[field], str):
            raise Failure(f"{where}: Object '{field[0].upper() + field[1:]}' is missing")
    items = value.get("items")
    if isinstance(items, list) and value["kind"].endswith("List"):
        for item in items:
            yield from _entities(item, where)
        return
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise Failure(f"{where}: {value['kind']}: metadata.name is missing")
    yield Entity(value, where)


def unique_names(entities: list[Entity]) -> list[str]:
    """Return a name for each: the shortest of name, name:kind, … that no other could have."""
    counts: dict[str, int] = {}
    for entity in entities:
        for name in potential_names(entity):
            counts[name] = counts.get(name, 0) + 1
    names: list[str] = []
    for at, entity in enumerate(entities):
        possible = potential_names(entity)
        names.append(next((name for name in possible if counts[name] == 1), f"{possible[-1]}:{at}"))
    return names


def potential_names(entity: Entity, least: int = 1) -> list[str]:
    """Return the names by which an object can be meant, the shortest first."""
    return [join_parts(entity.parts[:count]).lower() for count in range(least, 5)]


def display_names(entities: list[Entity]) -> list[str]:
    """Return ``name:kind`` for each, longer where that is not unique."""
    counts: dict[str, int] = {}
    for entity in entities:
        for name in potential_names(entity, 2):
            counts[name] = counts.get(name, 0) + 1
    return [
        next((name for name in potential_names(entity, 2) if counts[name] == 1), potential_names(entity, 2)[-1])
        for entity in entities
    ]


def pod_templates(body: Any) -> list[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Return every pod template in the object, the Pod itself included; they are parts of it, not copies."""
    if isinstance(body, dict) and body.get("kind") == "Pod" and body.get("apiVersion") == "v1":
        return [body]
    return [part for part in _dicts(body) if _is_template(part)]


def _is_template(part: Json) -> bool:
    spec = part.get("spec")
    return (
        "metadata" in part
        and isinstance(spec, dict)
        and isinstance(spec.get("containers"), list)
        and ("kind" not in part)
    )


def pod_specs(body: Any) -> list[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Return every pod spec in the object: whatever has a list of containers."""
    return [part for part in _dicts(body) if _is_pod_spec(part)]


def _is_pod_spec(part: Json) -> bool:
    containers = part.get("containers")
    return isinstance(containers, list) and all(isinstance(one, dict) and "name" in one for one in containers)


def containers(body: Any) -> list[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Return every container of every pod spec, init containers included."""
    return [
        one
        for spec in pod_specs(body)
        for field in ("containers", "initContainers")
        for one in spec.get(field) or ()
        if isinstance(one, dict)
    ]


def image_volumes(body: Any) -> list[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Return the image sources among the pod specs' volumes."""
    volumes = (volume for spec in pod_specs(body) for volume in spec.get("volumes") or ())
    images = (volume.get("image") for volume in volumes if isinstance(volume, dict))
    return [image for image in images if isinstance(image, dict) and image.get("reference")]


def env_vars(body: Any) -> list[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Return the environment variables of all containers that have a value of their own."""
    pairs = (pair for container in containers(body) for pair in container.get("env") or ())
    return [pair for pair in pairs if isinstance(pair, dict) and pair.get("value")]


def _dicts(value: Any) -> Iterator[Json]:  # noqa: ANN401  reason: walks any part of a JSON document
    """Yield every mapping in the value, outer ones first."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _dicts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _dicts(part)


def selects(service: Entity, workload: Entity) -> bool:
    """Tell whether the object is a Service, in the workload's namespace, whose selector fits its pods."""
    if service.kind != "Service" or service.api_version != "v1" or service.namespace != workload.namespace:
        return False
    selector = _mapping(_mapping(service.body.get("spec")).get("selector"))
    labels = (_mapping(_metadata(template).get("labels")) for template in pod_templates(workload.body))
    return bool(selector) and any(selector.items() <= one.items() for one in labels)
