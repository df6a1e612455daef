"""Preparing objects to be applied: images put in, labels and hashes added. Pure; what is given stays as it is."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.tiltfile.kubernetes_objects import (
    containers,
    env_vars,
    image_volumes,
    is_built_in,
    parse_entities,
    pod_templates,
)
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.locators import located
from upright.controllers.tiltfile.references import Selector, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec
    from upright.openapi.v1alpha1.kubernetes_apply import ImageLocator, KubernetesApply

MANAGED_BY = ("app.kubernetes.io/managed-by", "tilt")
TEMPLATE_HASH_LABEL = "tilt.dev/pod-template-hash"
PULL_POLICY = "IfNotPresent"


class InjectionFailed(ValueError):
    """The objects and the images do not fit together."""


class BuiltImage(Struct, frozen=True):
    """An image to put in: its ImageMap's name and spec, and the reference that the cluster pulls."""

    name: str
    spec: ImageMapSpec
    image: str

    @property
    def selector(self) -> Selector:
        return Selector(parse_reference(self.spec.selector), exact=self.spec.match_exact)


def prepare(apply: KubernetesApply, image_maps: Iterable[ImageMap]) -> list[Json]:
    """Return the objects of a KubernetesApply's YAML with its built images put in; raises InjectionFailed."""
    by_name = {one.name: one for one in image_maps}
    try:
        objects = [entity.body for entity in parse_entities(apply.spec.yaml, "yaml")]
    except Failure as failure:
        raise InjectionFailed(str(failure)) from None
    built = [_built(name, by_name.get(name)) for name in apply.spec.image_maps]
    return inject(objects, built, apply.spec.image_locators)


def applied_objects(text: str) -> list[Json]:
    """Return the objects of the YAML that an apply command printed; raises ValueError."""
    try:
        return [entity.body for entity in parse_entities(text, "stdout")]
    except Failure as failure:
        raise InjectionFailed(str(failure)) from None


def _built(name: str, found: ImageMap | None) -> BuiltImage:
    image = "" if found is None else found.status.image_from_cluster or found.status.image
    if found is None or not image:
        raise InjectionFailed(f"the image of {name} is not built yet")
    return BuiltImage(name, found.spec, image)


def inject(objects: Iterable[Json], images: Sequence[BuiltImage], locators: Sequence[ImageLocator] = ()) -> list[Json]:
    """Return copies of the objects, ready to be applied, as Tilt prepares them.

    Every image must be used by one of the objects; raises InjectionFailed if not.
    """
    missing = {image.name for image in images}
    ready: list[Json] = []
    for given in objects:
        body = deepcopy(given)
        _label(body)
        if images:
            _prefer_local(body)
        for image in images:
            if _replace(body, image, locators):
                missing.discard(image.name)
                _override(body, image)
        add_template_hashes(body)
        ready.append(body)
    for image in images:
        if image.name in missing:
            raise InjectionFailed(f"Docker image missing from yaml: {image.name}")
    return ready


def _label(body: Json) -> None:
    """Say who manages the object, in its metadata and its pods'; a selector only if it asks for that label already."""
    key, value = MANAGED_BY
    for part in _labelled_parts(body):
        labels = part.setdefault("metadata", {})
        labels["labels"] = {**(labels.get("labels") or {}), key: value}
    for selector in _selectors(body):
        if key in selector:
            selector[key] = value


def _labelled_parts(body: Json) -> Iterator[Json]:
    """Yield what has metadata of its own: the object, a CronJob's job template, the pod template."""
    yield body
    spec = body.get("spec")
    if body.get("kind") == "CronJob" and isinstance(spec, dict) and isinstance(spec.get("jobTemplate"), dict):
        yield spec["jobTemplate"]
    yield from (template for template in pod_templates(body) if template is not body)


def _selectors(body: Json) -> Iterator[Json]:
    if not is_built_in(body):
        return
    spec = body.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    if body.get("kind") == "Service" and isinstance(selector, dict):
        yield selector
    elif isinstance(selector, dict) and isinstance(selector.get("matchLabels"), dict):
        yield selector["matchLabels"]


def _prefer_local(body: Json) -> None:
    for container in containers(body):
        container["imagePullPolicy"] = PULL_POLICY
    if body.get("kind") == "StatefulSet" and str(body.get("apiVersion", "")).startswith("apps/"):
        body.setdefault("spec", {})["podManagementPolicy"] = "Parallel"


def _replace(body: Json, image: BuiltImage, locators: Sequence[ImageLocator]) -> bool:
    """Put the image in wherever it is meant; tell whether it was anywhere."""
    selector = image.selector
    places = [(container, "image", "imagePullPolicy") for container in containers(body) if container.get("image")]
    places += [(volume, "reference", "pullPolicy") for volume in image_volumes(body)]
    replaced = False
    for part, field, policy in places:
        if _means(selector, part[field]):
            part[field] = image.image
            part[policy] = PULL_POLICY
            replaced = True
    for pair in env_vars(body) if image.spec.match_in_env_vars else ():
        if _means(selector, pair["value"]):
            pair["value"] = image.image
            replaced = True
    for place in located(body, locators):
        if _means(selector, place.text):
            place.put(image.image, PULL_POLICY)
            replaced = True
    return replaced


def _means(selector: Selector, text: object) -> bool:
    try:
        return selector.matches(parse_reference(str(text)))
    except ValueError:
        return False


def _override(body: Json, image: BuiltImage) -> None:
    command, args = image.spec.override_command, image.spec.override_args
    if command is None and args is None:
        return
    mine = [container for container in containers(body) if container.get("image") == image.image]
    if not mine:
        words = " ".join(command.command) if command else ""
        raise InjectionFailed(
            f"could not inject command [{words}] into entity: {body.get('metadata', {}).get('name')}. "
            f"No container found matching ref: {image.image}. "
            "Note: command overrides only supported on containers with images, not on CRDs"
        )
    for container in mine:
        if command is not None:
            container["command"] = list(command.command)
        if args is not None:
            container["args"] = list(args.args)


def add_template_hashes(body: Json) -> None:
    """Label every pod template with the hash of itself, so that a pod can be told from one of an older apply."""
    for template in pod_templates(body):
        metadata = template.setdefault("metadata", {})
        metadata["labels"] = {**(metadata.get("labels") or {}), TEMPLATE_HASH_LABEL: template_hash(template)}


def template_hash(template: Json) -> str:
    """Return the first ten bytes, in hex, of the hash of a pod template without that label."""
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != TEMPLATE_HASH_LABEL}
    data = json.dumps({"metadata": {**metadata, "labels": labels}, "spec": template.get("spec")}, sort_keys=True)
    return hashlib.sha1(data.encode(), usedforsecurity=False).hexdigest()[:20]


def template_hashes(body: Json) -> list[str]:
    """Return the hashes that ``add_template_hashes`` put on an object's pod templates."""
    labels = ((template.get("metadata") or {}).get("labels") or {} for template in pod_templates(body))
    return [one[TEMPLATE_HASH_LABEL] for one in labels if TEMPLATE_HASH_LABEL in one]
