"""Kubernetes objects in YAML: what they are called, which pods they make, which images they use."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

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


class Entity(Struct, frozen=True, eq=False):
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
    def labels(self) -> Json:
        return _mapping(_metadata(self.body).get("labels"))

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
        for document in documents(text if text.endswith("\n") else f"{text}\n"):  # a block text's last line ends, too
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
    names = [metadata.get(field) for field in ("name", "generateName")] if isinstance(metadata, dict) else []
    name = next((one for one in names if one is not None), None)
    if name is None:
        raise Failure(f"{where}: {value['kind']}: metadata.name is missing")
    if not name or not isinstance(name, str):
        raise Failure(f"{where}: {value['kind']}: metadata.name must be text: put it in quotes")
    yield Entity(value, where)


def unique_names(entities: list[Entity]) -> list[str]:
    """Return a name for each: the shortest of name, name:kind, … that no other could have."""
    possible = [potential_names(entity) for entity in entities]
    counts = Counter(name for names in possible for name in names)
    return [
        next((name for name in names if counts[name] == 1), f"{names[-1]}:{at}") for at, names in enumerate(possible)
    ]


def potential_names(entity: Entity, least: int = 1) -> list[str]:
    """Return the names by which an object can be meant, the shortest first."""
    parts = [join_parts((part,)).lower() for part in entity.parts]
    return [":".join(parts[:count]) for count in range(least, 5)]


def display_names(entities: list[Entity]) -> list[str]:
    """Return ``name:kind`` for each, longer where that is not unique."""
    possible = [potential_names(entity, 2) for entity in entities]
    counts = Counter(name for names in possible for name in names)
    return [next((name for name in names if counts[name] == 1), names[-1]) for names in possible]


_BUILT_IN = frozenset({"", "apps", "batch", "extensions"})
_TEMPLATE_PATHS = {"Pod": (), "PodTemplate": ("template",), "CronJob": ("spec", "jobTemplate", "spec", "template")}


def is_built_in(body: Json) -> bool:
    """Tell whether the object is of a kind whose fields we know to mean pods, containers and selectors."""
    group, slash, _ = str(body.get("apiVersion", "")).partition("/")
    return (group if slash else "") in _BUILT_IN


def pod_templates(body: Json) -> list[Json]:
    """Return the object's pod template, a Pod being its own; it is a part of the object, not a copy."""
    if not is_built_in(body):
        return []
    part: Any = body  # Any: walks down a decoded JSON document
    for step in _TEMPLATE_PATHS.get(str(body.get("kind")), ("spec", "template")):
        part = part.get(step) if isinstance(part, dict) else None
    is_template = isinstance(part, dict) and isinstance(part.get("spec"), dict) and "containers" in part["spec"]
    return [part] if is_template else []


def containers(body: Json) -> list[Json]:
    """Return the containers of the object's pods, init containers included."""
    return [
        one
        for template in pod_templates(body)
        for field in ("initContainers", "containers")
        for one in template["spec"].get(field) or ()
        if isinstance(one, dict)
    ]


def image_volumes(body: Json) -> list[Json]:
    """Return the image sources among the pods' volumes."""
    volumes = (volume for template in pod_templates(body) for volume in template["spec"].get("volumes") or ())
    images = (volume.get("image") for volume in volumes if isinstance(volume, dict))
    return [image for image in images if isinstance(image, dict) and image.get("reference")]


def env_vars(body: Json) -> list[Json]:
    """Return the environment variables of all containers that have a value of their own."""
    pairs = (pair for container in containers(body) for pair in container.get("env") or ())
    return [pair for pair in pairs if isinstance(pair, dict) and pair.get("value")]


def pod_labels(workload: Entity) -> Json:
    """Return the labels of the pods that the object makes."""
    return next((_mapping(_metadata(template).get("labels")) for template in pod_templates(workload.body)), {})


def service_selector(entity: Entity) -> Json:
    """Return the labels by which a Service finds its pods; nothing for other objects, and for a Service without."""
    if entity.kind != "Service" or entity.api_version != "v1":
        return {}
    return _mapping(_mapping(entity.body.get("spec")).get("selector"))
