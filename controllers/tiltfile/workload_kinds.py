"""Which objects are workloads by their kind, how their pods become ready, and where images stand in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.regexps import searcher
from upright.openapi.v1alpha1.kubernetes_apply import ObjectSelector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.resource_options import PodReadiness
    from upright.openapi.v1alpha1.kubernetes_apply import ImageLocator


class KindInfo(Struct):
    """What is known of the objects that a selector selects."""

    selector: ObjectSelector
    locators: tuple[ImageLocator, ...] = ()
    readiness: PodReadiness = ""


class Kinds:
    """The kinds that are known: Jobs succeed and CronJobs are not waited for without a word, others as the Tiltfile says."""

    def __init__(self) -> None:
        self.infos = [
            KindInfo(object_selector("batch/v1", "Job"), readiness="succeeded"),
            KindInfo(object_selector("batch/v1", "CronJob"), readiness="ignore"),
        ]

    def of(self, selector: ObjectSelector) -> KindInfo:
        """Return what is known under the selector, to be filled in if it is new."""
        for info in self.infos:
            if info.selector == selector:
                return info
        self.infos.append(KindInfo(selector))
        return self.infos[-1]

    def is_workload(self, entity: Entity) -> bool:
        """Whether the object is of a known kind."""
        return any(selects(info.selector, entity) for info in self.infos)

    def readiness(self, entities: Iterable[Entity]) -> PodReadiness:
        """Return the readiness that the objects' kinds ask for: wait over ignore over succeeded."""
        asked = {info.readiness for entity in entities for info in self.infos if selects(info.selector, entity)}
        modes: tuple[PodReadiness, ...] = ("wait", "ignore", "succeeded")
        for mode in modes:
            if mode in asked:
                return mode
        return ""

    def locators(self, entities: Iterable[Entity]) -> tuple[ImageLocator, ...]:
        """Return where images stand in these objects; a selector that selects none of them is left out."""
        known = list(entities)
        return tuple(
            locator
            for info in self.infos
            if info.locators and any(selects(info.selector, entity) for entity in known)
            for locator in info.locators
        )


def object_selector(api_version: str, kind: str = "", name: str = "", namespace: str = "") -> ObjectSelector:
    """Return a selector of regular expressions that heed no case; raises Failure for one that is none."""
    api_version, kind, name, namespace = (
        f"(?i){pattern}" if pattern else "" for pattern in (api_version, kind, name, namespace)
    )
    for word, pattern in (("apiVersion", api_version), ("kind", kind), ("name", name), ("namespace", namespace)):
        try:
            searcher(pattern)
        except WrongValue as wrong:
            raise Failure(f"error parsing {word} regexp: {wrong}") from None
    return ObjectSelector(
        api_version_regexp=api_version, kind_regexp=kind, name_regexp=name, namespace_regexp=namespace
    )


def selects(selector: ObjectSelector, entity: Entity) -> bool:
    """Whether each expression is found somewhere in its field; raises WrongValue for one that is none."""
    return (
        _found(selector.kind_regexp, entity.kind)
        and _found(selector.api_version_regexp, entity.api_version)
        and _found(selector.name_regexp, entity.name)
        and _found(selector.namespace_regexp, entity.namespace)
    )


def _found(pattern: str, text: str) -> bool:
    return not pattern or searcher(pattern)(text)
