"""What is to be deleted of all that a Tiltfile deploys, and in which order; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.apply_order import waves
from upright.controllers.tiltfile.dependencies import UNCATEGORIZED
from upright.controllers.tiltfile.injection import applied_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject
    from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd
    from upright.openapi.v1alpha1.resource import Resource

POLICY = "tilt.dev/down-policy"
KEEP = "keep"


class Down(Struct, frozen=True):
    """``objects`` are deleted in this order, then ``commands`` are run, then ``projects`` are taken down; the others stay."""

    objects: tuple[Json, ...] = ()
    commands: tuple[ApplyCmd, ...] = ()
    projects: tuple[DockerComposeProject, ...] = ()
    kept: tuple[Json, ...] = ()
    namespaces: tuple[Json, ...] = ()


def plan(resources: Sequence[Resource], enabled: Iterable[str], *, delete_namespaces: bool) -> Down:
    """Return what to delete of the enabled resources. Raises ValueError for YAML that is none."""
    objects: list[Json] = []
    commands: list[ApplyCmd] = []
    projects: dict[str, DockerComposeProject] = {}
    for resource in in_order(resources, set(enabled)):
        if resource.spec.kubernetes is not None:
            apply = resource.spec.kubernetes.apply
            if apply.delete_cmd is not None:
                commands.append(apply.delete_cmd)
            elif apply.yaml:
                objects += _reversed(applied_objects(apply.yaml))
        elif resource.spec.compose is not None:
            project = resource.spec.compose.service.project
            projects.setdefault(project.name, project)
    kept = [obj for obj in objects if _is_kept(obj)]
    held = {(obj.get("metadata") or {}).get("namespace") for obj in kept}
    kept += [obj for obj in objects if obj not in kept and _is_namespace(obj) and obj["metadata"].get("name") in held]
    spaces = [obj for obj in objects if _is_namespace(obj) and obj not in kept and not delete_namespaces]
    gone = [obj for obj in objects if obj not in kept and obj not in spaces]
    gone.sort(key=_is_namespace)  # they go last: all that is in them goes with them
    return Down(tuple(gone), tuple(commands), tuple(projects.values()), tuple(kept), tuple(spaces))


def in_order(resources: Sequence[Resource], enabled: set[str]) -> Iterator[Resource]:
    """Yield what is enabled: the last first, but what depends on a resource always before it.

    All else waits for the objects that are in no resource, so they go after all else.
    """
    last_first = [one for one in reversed(resources) if one.name != UNCATEGORIZED]
    last_first += [one for one in resources if one.name == UNCATEGORIZED]
    seen: set[str] = set()

    def visit(resource: Resource) -> Iterator[Resource]:
        if resource.name in seen:
            return
        seen.add(resource.name)
        for other in last_first:
            if resource.name in other.spec.depends_on:
                yield from visit(other)
        yield resource

    for resource in last_first:
        yield from (found for found in visit(resource) if found.name in enabled)


def _reversed(objects: Sequence[Json]) -> list[Json]:
    """Return the objects in the reverse of the order in which they are applied."""
    applied = [obj for wave in waves(objects) for _, obj in wave]
    return applied[::-1]


def _is_kept(obj: Json) -> bool:
    notes: Json = (obj.get("metadata") or {}).get("annotations") or {}
    return notes.get(POLICY) == KEEP


def _is_namespace(obj: Json) -> bool:
    return (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Namespace")
