"""Names of resources as the Tiltfile's own function gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure, Place
from upright.controllers.tiltfile.language.values import HostValue, Value, function_name, type_name

if TYPE_CHECKING:
    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.project import Project


class ObjectID(HostValue):
    """What the function gets: a workload's name, kind, namespace and group."""

    starlark_type = "K8sObjectID"

    def __init__(self, entity: Entity) -> None:
        self.parts = {
            "name": entity.name,
            "kind": entity.kind,
            "namespace": entity.namespace,
            "group": entity.group,
        }

    def attributes(self) -> dict[str, Value]:
        return self.parts

    def __str__(self) -> str:
        return ":".join(self.parts.values()).lower()


def names_by_function(project: Project, function: Value, workloads: list[Entity]) -> list[str]:
    """Return what the function names each workload; raises Failure for what is no name, or not the only one."""
    taken: dict[str, ObjectID] = {}
    for workload in workloads:
        this = ObjectID(workload)
        name = project.interpreter.call(function, this)
        wrong = ""
        if type(name) is not str:
            wrong = (
                f"error determining resource name for '{this}': {function_name(function)}: invalid return value. "
                f"wanted: string. got: {type_name(name)}"
            )
        elif not name:
            wrong = f"error determining resource name for '{this}': {function_name(function)}: it returned no name"
        elif name in taken:
            wrong = f"both '{this}' and '{taken[name]}' mapped to resource name '{name}'"
        if wrong:
            where = Place(function.__code__.co_filename, function.__code__.co_firstlineno)
            raise Failure(f"error applying workload_to_resource_function: {wrong}", where)
        taken[name] = this
    return list(taken)
