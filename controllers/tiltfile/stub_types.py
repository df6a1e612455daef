"""What editors are told of a Tiltfile's functions: the Python types of what they take and return."""

from __future__ import annotations

import types
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.tiltfile.language.arguments import Parameter
    from upright.openapi.meta import Model

HEAD = """\
# The names of a Tiltfile, for editors. Pyright and Pylance take it as __builtins__.pyi beside the Tiltfile.
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

class Blob: ...
class CustomBuild: ...
class GitRepo:
    def paths(self, path: str) -> str: ...
class Link: ...
class LiveUpdateStep: ...
class PortForward: ...
class Probe: ...
class ProbeAction: ...
class Struct:
    def __getattr__(self, name: str) -> Any: ...
class WorkloadId:
    name: str
    kind: str
    namespace: str
    group: str

_T = TypeVar("_T")
_Text = str | Blob
_Texts = str | Blob | Sequence[str | Blob]
_Command = str | Sequence[str]
_TriggerMode = Literal[0, 1]

def load(path: str, *names: str, **renamed: str) -> None: ...
"""

_BY_READER: Mapping[str, str] = {
    "_budget": "int",
    "_contexts": "_Texts",
    "_function": "Callable[[WorkloadId], str]",
    "_image_object": "Mapping[str, str]",
    "_list": "Sequence[Any]",
    "_only": "_Texts",
    "_paths": "str | Sequence[str]",
    "_pod_selectors": "Mapping[str, str] | Sequence[Mapping[str, str]]",
    "_port": "int",
    "_span": "str",
    "_strategy": 'Literal["", "default", "selectors-only"]',
    "_text_or_blob": "_Text",
    "_triggers": "_Texts",
    "boolean": "bool",
    "command": "_Command",
    "directory_path": "_Text | None",
    "duration": "str",
    "environment": "Mapping[str, _Text]",
    "image_references": "Sequence[str]",
    "int32": "int",
    "integer": "int",
    "labels": "_Texts",
    "links": "str | Link | Sequence[str | Link]",
    "path": "_Text",
    "paths": "_Texts",
    "pod_readiness": 'Literal["", "wait", "ignore", "succeeded"]',
    "forwards_unread": "int | str | PortForward | Sequence[int | str | PortForward]",
    "readiness_probe": "Probe",
    "resource_name": "_Text",
    "string": "str",
    "string_list": "Sequence[_Text]",
    "string_map": "Mapping[str, _Text]",
    "string_sequence": "Sequence[str]",
    "stringable": "_Text",
    "strings": "_Texts",
    "trigger_mode_value": "_TriggerMode",
}
_BY_NAME: Mapping[str, str] = {
    "cache": "Any",
    "configPaths": "_Texts | Mapping[str, Any]",
    "container_args": "_Command | None",
    "exec": "ProbeAction | None",
    "http_get": "ProbeAction | None",
    "ignore": "str | Sequence[str]",
    "live_update": "Sequence[LiveUpdateStep] | None",
    "obj": "Any",
    "tcp_socket": "ProbeAction | None",
    "yaml": "_Texts",
}
_RETURNS: Mapping[str, str] = {
    "Blob": "Blob",
    "CustomBuildValue": "CustomBuild",
    "Dict": "dict[str, Any]",
    "GitRepoValue": "GitRepo",
    "LinkValue": "Link",
    "List": "list[Any]",
    "List | None": "list[Any] | None",
    "LiveUpdateStep": "LiveUpdateStep",
    "None": "None",
    "PortForwardValue": "PortForward",
    "ProbePart": "ProbeAction",
    "bool": "bool",
    "str": "str",
    "tuple[Blob, Blob]": "tuple[Blob, Blob]",
}
_RETURNS_OF: Mapping[str, str] = {
    "listdir": "list[str]",
    "os.getenv": "str | _T",
    "probe": "Probe",
}
_PARAMETERS_OF: Mapping[tuple[str, str], str] = {
    ("os.getenv", "default"): "_T",
    ("exit", "code"): "Any",
    ("experimental_telemetry_cmd", "cmd_bat"): "Any",
}
WRITTEN: Mapping[str, tuple[tuple[str, ...], str]] = {
    "experimental_metrics_settings": (("*args: Any", "**kwargs: Any"), "None"),
    "k8s_kind": (
        (
            "kind: str",
            "*",
            "image_json_path: str | Sequence[str] = []",
            'api_version: str = ""',
            "image_object: Mapping[str, str] | None = None",
            'pod_readiness: Literal["", "wait", "ignore", "succeeded"] = ""',
        ),
        "None",
    ),
    "module": (("name: str", "**members: Any"), "Struct"),
    "os.path.join": (("path: str", "*paths: str"), "str"),
    "print": (("*args: Any", 'sep: str = " "'), "None"),
    "struct": (("**members: Any",), "Struct"),
}
"""Functions that take what no list of arguments says."""
VALUES: Mapping[str, str] = {
    "TRIGGER_MODE_AUTO": "Literal[0]",
    "TRIGGER_MODE_MANUAL": "Literal[1]",
    "os.environ": "dict[str, str]",
    "sys.argv": "list[str]",
}
"""The types of what is no function, text aside."""


_PLAIN: Mapping[type, str] = {
    str: "_Text",
    bool: "bool",
    int: "int",
    timedelta: "str",
    datetime: "str",
    type(None): "None",
}


def parameter_type(function: str, name: str, parameter: Parameter) -> str:
    """Return the type of a function's parameter."""
    said = _PARAMETERS_OF.get((function, name)) or _BY_NAME.get(name)
    kind = said or _BY_READER.get(getattr(parameter.read, "__name__", ""), "Any")
    optional = not parameter.is_required and parameter.default is None
    unset = parameter.none_is_unset or optional
    return f"{kind} | None" if unset and not kind.endswith("| None") and kind != "Any" else kind


def return_type(function: str, annotation: str) -> str:
    """Return the type of what a function returns, by its own annotation."""
    return _RETURNS_OF.get(function) or _RETURNS.get(annotation, "Any")


def field_type(annotation: Any, parts: Mapping[type[Model], str]) -> str:  # noqa: ANN401  reason: any field's annotation
    """Return the type of a v1alpha1 constructor's argument, by the annotation of the field it is for."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return field_type(inner[0], parts)
    if origin in {Union, types.UnionType}:
        return " | ".join(field_type(one, parts) for one in inner)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, inner))}]"
    if origin is tuple:
        return f"Sequence[{field_type(inner[0], parts)}]"
    if origin is dict:
        return f"Mapping[str, {field_type(inner[1], parts)}]"
    return parts.get(annotation) or _PLAIN.get(annotation, "Any")
