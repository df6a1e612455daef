"""Images that stand where only a JSONPath finds them: read, and replaced."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.tiltfile.json_path import JSONPath
from upright.controllers.tiltfile.kubernetes_objects import Entity
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.workload_kinds import selects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from upright.controllers.tiltfile.json_path import Place
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.kubernetes_apply import ImageLocator, ImageObject

_path = lru_cache(maxsize=256)(JSONPath)


class Located(Struct, frozen=True):
    """An image in an object: as text, or as a repository and a tag."""

    place: Place
    parts: ImageObject | None

    @property
    def text(self) -> str:
        """The image's reference; empty where there is none."""
        value = self.place.value
        if self.parts is None:
            return value if isinstance(value, str) else ""
        repository, tag = value.get(self.parts.repo_field), value.get(self.parts.tag_field)
        return f"{repository}:{tag}" if repository and tag else str(repository or "")

    def put(self, image: str, policy: str) -> None:
        """Put another image there; a pull policy that stands beside it is set too."""
        if self.parts is None:
            self.place.holder[self.place.key] = image
            beside = self.place.holder
        else:
            reference = parse_reference(image)
            beside = self.place.value
            beside[self.parts.repo_field] = reference.familiar_name
            beside[self.parts.tag_field] = reference.tag
        if isinstance(beside, dict) and "imagePullPolicy" in beside:
            beside["imagePullPolicy"] = policy


def located(body: Json, locators: Iterable[ImageLocator]) -> Iterator[Located]:
    """Yield the images that the locators find; raises Failure for what is no image."""
    entity = Entity(body)
    for locator in locators:
        if not selects(locator.object_selector, entity):
            continue
        for place in _path(locator.path).find(body):
            wanted = dict if locator.object is not None else str
            if place.value is None:
                continue
            if not isinstance(place.value, wanted):
                raise Failure(
                    f"{entity.kind}/{entity.name}: at {locator.path}: want "
                    f"{'an object' if wanted is dict else 'a string'}, got {place.value!r}"
                )
            yield Located(place, locator.object)
