"""The module v1alpha1: constructors of the API's objects and of their parts, made from the kinds themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.builtins.probe import ProbePart
from upright.controllers.tiltfile.extensions import MANAGED_BY
from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.values import Builtin, Dict, HostValue, List, Module, Set, Value, type_name
from upright.openapi.meta import Model, Object
from upright.openapi.v1alpha1 import kubernetes_apply, kubernetes_discovery, probe, triggers, ui_button
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.docker_image import IgnoreDef
from upright.openapi.v1alpha1.extension import Extension
from upright.openapi.v1alpha1.extension_repo import ExtensionRepo
from upright.openapi.v1alpha1.file_watch import FileWatch
from upright.openapi.v1alpha1.pod_log_stream import PodLogStreamTemplateSpec
from upright.openapi.v1alpha1.port_forward import Forward, PortForwardTemplateSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.tiltfile.project import Project


M = TypeVar("M", bound=Model)


class Handler(Model):
    """How a probe asks: one of the three."""

    exec: probe.ExecAction | None = None
    http_get: probe.HTTPGetAction | None = None
    tcp_socket: probe.TCPSocketAction | None = None


OBJECTS: dict[str, type[Object]] = {
    "cmd": Cmd,
    "config_map": ConfigMap,
    "extension": Extension,
    "extension_repo": ExtensionRepo,
    "file_watch": FileWatch,
    "kubernetes_apply": kubernetes_apply.KubernetesApply,
    "kubernetes_discovery": kubernetes_discovery.KubernetesDiscovery,
    "ui_button": ui_button.UIButton,
}
PARTS: dict[str, type[Model]] = {
    "config_map_disable_source": triggers.ConfigMapDisableSource,
    "disable_source": triggers.DisableSource,
    "exec_action": probe.ExecAction,
    "forward": Forward,
    "handler": Handler,
    "http_get_action": probe.HTTPGetAction,
    "http_header": probe.HTTPHeader,
    "ignore_def": IgnoreDef,
    "kubernetes_apply_cmd": kubernetes_apply.ApplyCmd,
    "kubernetes_discovery_template_spec": kubernetes_apply.DiscoveryTemplateSpec,
    "kubernetes_image_locator": kubernetes_apply.ImageLocator,
    "kubernetes_image_object_descriptor": kubernetes_apply.ImageObject,
    "kubernetes_watch_ref": kubernetes_discovery.WatchRef,
    "label_selector": kubernetes_apply.LabelSelector,
    "label_selector_requirement": kubernetes_apply.LabelSelectorRequirement,
    "object_selector": kubernetes_apply.ObjectSelector,
    "pod_log_stream_template_spec": PodLogStreamTemplateSpec,
    "port_forward_template_spec": PortForwardTemplateSpec,
    "probe": probe.Probe,
    "restart_on_spec": triggers.RestartOnSpec,
    "start_on_spec": triggers.StartOnSpec,
    "tcp_socket_action": probe.TCPSocketAction,
    "ui_bool_input_spec": ui_button.BoolInputSpec,
    "ui_choice_input_spec": ui_button.ChoiceInputSpec,
    "ui_component_location": ui_button.UIComponentLocation,
    "ui_hidden_input_spec": ui_button.HiddenInputSpec,
    "ui_input_spec": ui_button.UIInputSpec,
    "ui_text_input_spec": ui_button.TextInputSpec,
}
_META = ("name", "labels", "annotations")
_LOCAL_PATHS = frozenset({"dir", "base_path", "watched_paths"})


class PartValue(HostValue):
    """A part of an object, as the Tiltfile sees it."""

    starlark_type = "v1alpha1 value"

    def __init__(self, name: str, model: Model) -> None:
        self.name = name
        self.model = model

    def attributes(self) -> dict[str, Value]:
        return {name: _shown(getattr(self.model, name)) for name in type(self.model).model_fields}

    def __str__(self) -> str:
        return f"{self.name}({self.model})"


def _shown(value: Any) -> Value:  # noqa: ANN401  reason: any field of a model
    if isinstance(value, Model):
        return PartValue(type(value).__name__, value)
    if isinstance(value, tuple | list):
        return List(_shown(item) for item in value)
    return Dict(value) if isinstance(value, dict) else value


def _plain(value: Value) -> Any:  # noqa: ANN401  reason: what pydantic reads
    """Return the value as pydantic reads it; raises Failure for what no field can be."""
    if isinstance(value, PartValue):
        return value.model
    if isinstance(value, ProbePart):
        return value.meaning
    if isinstance(value, Blob):
        return value.text
    if isinstance(value, Dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, List | tuple | Set):
        return tuple(_plain(item) for item in value)
    if value is None or type(value) in {bool, int, float, str}:
        return value
    raise Failure(f"unexpected value of type {type_name(value)}")


def _read(
    function: str, names: list[str], call: tuple[tuple[Value, ...], dict[str, Value]], directory: str
) -> dict[str, Any]:
    """Return the arguments that were given, by field; paths of this machine made absolute."""
    args, kwargs = call
    if len(args) > len(names):
        raise Failure(f"{function}: got {len(args)} arguments, want at most {len(names)}")
    given = dict(zip(names, args, strict=False))
    for name, value in kwargs.items():
        if name not in names:
            raise Failure(f'{function}: unexpected keyword argument "{name}"{nearest(name, names)}')
        if name in given:
            raise Failure(f'{function}: got multiple values for keyword argument "{name}"')
        given[name] = value
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            plain = _plain(value)
        except Failure as failure:
            raise Failure(f'{function}: for parameter "{name}": {failure}') from None
        found[name] = _located(name, plain, directory) if name in _LOCAL_PATHS else plain
    return found


def _located(name: str, plain: Any, directory: str) -> Any:  # noqa: ANN401  reason: what pydantic reads
    found = _absolute(plain, directory)
    return (found,) if name == "watched_paths" and isinstance(found, str) else found  # one path is a list, as in Tilt


def _absolute(plain: Any, directory: str) -> Any:  # noqa: ANN401  reason: what pydantic reads
    if isinstance(plain, tuple):
        return tuple(_absolute(one, directory) for one in plain)
    return absolute(plain, directory) if isinstance(plain, str) else plain


def _validated(function: str, model: type[M], fields: dict[str, Any]) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in {"spec", "metadata"})
        wanted = _WANTED.get(first["type"])
        given = "list" if isinstance(first["input"], tuple) else type_name(first["input"])
        said = f"got {given}, want {wanted}" if wanted else first["msg"]
        raise Failure(f'{function}: for parameter "{where}": {said}') from None


_WANTED = {"string_type": "string", "int_type": "int", "bool_type": "bool", "dict_type": "dict", "tuple_type": "list"}
"""What pydantic calls an error of type, and what Tilt says is wanted."""

_TILTS_ORDER = {
    "kubernetes_apply": (
        "name labels annotations yaml image_maps image_locators timeout kubernetes_discovery_template_spec "
        "port_forward_template_spec pod_log_stream_template_spec discovery_strategy disable_source apply_cmd restart_on "
        "delete_cmd cluster server_side_apply"
    ),
    "kubernetes_watch_ref": "uid namespace name",
    "probe": "handler initial_delay_seconds timeout_seconds period_seconds success_threshold failure_threshold",
}
"""The arguments of constructors where they are not the fields in their order."""


def parameters_of(name: str) -> list[str]:
    """Return what a constructor takes, in order."""
    if name in OBJECTS and name not in _TILTS_ORDER:
        fields = OBJECTS[name].model_fields
        spec: Any = fields["spec"].annotation if "spec" in fields else None  # Any: the class of a kind's spec
        return [*_META, *(spec.model_fields if spec is not None else ["data"])]
    if name in _TILTS_ORDER:
        return _TILTS_ORDER[name].split()
    return list(PARTS[name].model_fields)


def _part(project: Project, name: str, model: type[Model]) -> Builtin:
    function = f"v1alpha1.{name}"
    names = parameters_of(name)

    def run(args: tuple[Value, ...], kwargs: dict[str, Value]) -> PartValue:
        fields = _read(function, names, (args, kwargs), project.directory)
        handler = fields.pop("handler", None)
        if isinstance(handler, Handler):
            fields |= {key: value for key, value in handler if value is not None}
        return PartValue(name, _validated(function, model, fields))

    return Builtin(function, run)


def _object(project: Project, name: str, kind: type[Object]) -> Builtin:
    function = f"v1alpha1.{name}"
    spec: Any = kind.model_fields["spec"].annotation if "spec" in kind.model_fields else None
    names = parameters_of(name)

    def run(args: tuple[Value, ...], kwargs: dict[str, Value]) -> None:
        fields = _read(function, names, (args, kwargs), project.directory)
        if not fields.get("name"):
            raise Failure(f"{function}: missing argument for name")
        meta = {key: fields.pop(key) for key in _META if key in fields}
        body: dict[str, Any] = {"metadata": meta, **({"spec": fields} if spec is not None else fields)}
        made = _validated(function, kind, body)
        problems = [f"{cause.field}: {cause.message}" for cause in made.problems(None)]
        if problems:
            raise Failure(f"{function}: {'; '.join(problems)}")
        key = (kind.definition.kind, str(meta["name"]))
        if key in project.objects and _as_said(project.objects[key]) != made:
            raise Failure(f"{function}: {key[0]} named {key[1]!r} is defined already")
        project.objects[key] = made

    return Builtin(function, run)


def _as_said(known: Object) -> Object:
    """Return the object as a Tiltfile made it: without the note that it was loaded already."""
    annotations = {name: text for name, text in known.metadata.annotations.items() if name != MANAGED_BY}
    return known.model_copy(update={"metadata": known.metadata.model_copy(update={"annotations": annotations})})


def _module(project: Project) -> Module:
    members: dict[str, Value] = {name: _object(project, name, kind) for name, kind in OBJECTS.items()}
    members |= {name: _part(project, name, model) for name, model in PARTS.items()}
    return Module("v1alpha1", members)


VALUES: dict[str, Callable[[Project], Module]] = {"v1alpha1": _module}
