"""k8s_kind() and k8s_image_json_path(): which objects are workloads, and where their images stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.k8s_resource import pod_readiness
from upright.controllers.tiltfile.json_path import JSONPath
from upright.controllers.tiltfile.language.arguments import Arguments, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.values import Builtin, Dict, List, Set, Value, type_name
from upright.controllers.tiltfile.vocabulary import function
from upright.controllers.tiltfile.workload_kinds import object_selector
from upright.openapi.v1alpha1.kubernetes_apply import ImageLocator, ImageObject, ObjectSelector

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.resource_options import PodReadiness

_OBJECT_FIELDS = ("json_path", "repo_field", "tag_field")


def _paths(value: Value, _directory: str) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, List | tuple | Set | Dict) else (value,)
    for item in items:
        if type(item) is not str:
            raise WrongValue(f"paths must be a string or list of strings, found a {type_name(item)}")
        _checked(item)
    return tuple(items)


def _checked(path: str) -> str:
    try:
        JSONPath(path)
    except ValueError as error:
        raise WrongValue(str(error)) from None
    return path


def _image_object(value: Value, _directory: str) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Dict):
        raise WrongValue(f"'image_object' expected a dict. Got: {type_name(value)}")
    for name in _OBJECT_FIELDS:
        if type(value.get(name)) is not str or not value[name]:
            raise WrongValue(f"Expected key '{name}' to be a string")
    _checked(value["json_path"])
    return {name: value[name] for name in _OBJECT_FIELDS}


class KindArguments(Arguments):
    """Tilt's arguments; only the kind may be given by place."""

    kind: str = required(string)
    image_json_path: tuple[str, ...] = optional(_paths, ())
    api_version: str = optional(string, "")
    image_object: dict[str, str] | None = optional(_image_object, None)
    pod_readiness: PodReadiness = optional(pod_readiness, "")


class PathArguments(Arguments):
    """k8s_image_json_path(paths, api_version="", kind="", name="", namespace="")."""

    paths: tuple[str, ...] = required(_paths)
    api_version: str = optional(string, "")
    kind: str = optional(string, "")
    name: str = optional(string, "")
    namespace: str = optional(string, "")


def _locators(selector: ObjectSelector, paths: tuple[str, ...]) -> tuple[ImageLocator, ...]:
    return tuple(ImageLocator(object_selector=selector, path=path) for path in paths)


def k8s_kind(project: Project, given: KindArguments) -> None:
    """Make every object of the kind a workload."""
    selector = object_selector(given.api_version, given.kind)
    if given.image_json_path and given.image_object:
        raise Failure("Cannot specify both image_json_path and image_object")
    info = project.kinds.of(selector)
    if given.image_json_path:
        info.locators = _locators(selector, given.image_json_path)
    elif given.image_object:
        fields = given.image_object
        parts = ImageObject(repo_field=fields["repo_field"], tag_field=fields["tag_field"])
        info.locators = (ImageLocator(object_selector=selector, path=fields["json_path"], object=parts),)
    info.readiness = given.pod_readiness or info.readiness


def k8s_image_json_path(project: Project, given: PathArguments) -> None:
    """Say where the images of some objects stand."""
    if not (given.kind or given.name or given.namespace):
        raise Failure("at least one of kind, name, or namespace must be specified")
    selector = object_selector(given.api_version, given.kind, given.name, given.namespace)
    project.kinds.of(selector).locators = _locators(selector, given.paths)


def _make_kind(project: Project) -> Builtin:
    inner = function("k8s_kind", KindArguments, k8s_kind)(project)

    def run(args: tuple[Value, ...], kwargs: dict[str, Value]) -> None:
        if len(args) > 1:
            raise Failure(f"k8s_kind: got {len(args)} arguments, want at most 1")
        inner.run(args, kwargs)

    return Builtin("k8s_kind", run)


VALUES = {
    "k8s_image_json_path": function("k8s_image_json_path", PathArguments, k8s_image_json_path),
    "k8s_kind": _make_kind,
}
