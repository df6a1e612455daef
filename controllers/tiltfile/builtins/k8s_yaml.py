"""k8s_yaml(): Kubernetes objects to deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.kubernetes_objects import parse_entities
from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.values import List, Set, Value
from upright.controllers.tiltfile.readers import path
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.project import Project


class YAMLArguments(Arguments):
    """k8s_yaml(yaml, allow_duplicates=False)."""

    yaml: Value = required(anything)
    allow_duplicates: bool = optional(boolean, default=False)


def k8s_yaml(project: Project, given: YAMLArguments) -> None:
    """Add the objects of files and Blobs."""
    sources = _sources(given.yaml)
    entities = entities_of(project, given.yaml)
    if not entities and (not sources or type(sources[0]) is not str):  # a file may be empty, as in Tilt
        raise Failure("Empty YAML passed to k8s_yaml")
    place = project.interpreter.where()
    for entity in entities:
        known = project.entity_places.get(entity.address)
        if entity.address in project.entity_places and not given.allow_duplicates:
            name, namespace, kind, _ = entity.address
            shown = f"{kind} {name} (Namespace: {namespace})" if namespace else f"{kind} {name}"
            raise Failure(
                f"Duplicate YAML: {shown}\nIgnore this error with k8s_yaml(..., allow_duplicates=True)\n"
                f"YAML originally registered at: {known}"
            )
        project.entity_places[entity.address] = place
    project.entities += entities
    if project.scrub_secrets:
        for entity in entities:
            for key, value in entity.secret_values():
                project.facts.tell_secret(entity.name, key, value)


def entities_of(project: Project, yaml: Value) -> list[Entity]:
    """Return the objects of a path, a Blob, or a list of these; raises Failure."""
    return [entity for source in _sources(yaml) for entity in _entities(project, source)]


def _sources(yaml: Value) -> Sequence[Value]:
    return list(yaml) if isinstance(yaml, List | tuple | Set) else (yaml,)


def _entities(project: Project, source: Value) -> list[Entity]:
    if source is None:
        return []
    if isinstance(source, Blob):
        try:
            return parse_entities(source.text, source.source)
        except Failure as failure:
            raise Failure(f"Error reading yaml from {source.source}: {failure}") from None
    try:
        where = path(source, project.directory)
    except WrongValue as wrong:
        raise Failure(f"k8s_yaml: {wrong}") from None
    try:
        text = project.read_or_fail(where)
    except Failure as failure:
        raise Failure(f"error reading yaml file: {failure}") from None
    return parse_entities(text, where)


VALUES = {"k8s_yaml": function("k8s_yaml", YAMLArguments, k8s_yaml)}
