"""filter_yaml(): YAML parted in the objects that match, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.builtins.k8s_yaml import entities_of
from upright.controllers.tiltfile.language.arguments import Arguments, anything, optional, required, string
from upright.controllers.tiltfile.readers import string_map
from upright.controllers.tiltfile.vocabulary import function
from upright.controllers.tiltfile.workload_kinds import object_selector, selects
from upright.controllers.tiltfile.yaml_documents import dump_all

if TYPE_CHECKING:
    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project


class FilterArguments(Arguments):
    """filter_yaml(yaml, labels={}, name="", namespace="", kind="", api_version="")."""

    yaml: Value = required(anything)
    labels: dict[str, str] = optional(string_map, {})
    name: str = optional(string, "")
    namespace: str = optional(string, "")
    kind: str = optional(string, "")
    api_version: str = optional(string, "")


def filter_yaml(project: Project, given: FilterArguments) -> tuple[Blob, Blob]:
    """Return two Blobs: the objects that match everything that is given, and the others."""
    selector = object_selector(given.api_version, given.kind, given.name, given.namespace)
    matching: list[Entity] = []
    rest: list[Entity] = []
    unlike: list[Entity] = []
    for entity in entities_of(project, given.yaml):
        if not selects(selector, entity):
            rest.append(entity)
        elif given.labels.items() <= entity.labels.items():
            matching.append(entity)
        else:
            unlike.append(entity)
    source = given.yaml.source if isinstance(given.yaml, Blob) else "filter_yaml"
    first, second = (dump_all([one.body for one in found]) for found in (matching, rest + unlike))
    return Blob(first, source), Blob(second, source)


VALUES = {"filter_yaml": function("filter_yaml", FilterArguments, filter_yaml)}
