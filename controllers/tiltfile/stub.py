"""The types of all that a Tiltfile may call, as a Python stub for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from upright.controllers.tiltfile.builtins.v1alpha1_module import OBJECTS, PARTS
from upright.controllers.tiltfile.reference import default_text, entries
from upright.controllers.tiltfile.stub_types import HEAD, VALUES, WRITTEN, field_type, parameter_type, return_type
from upright.controllers.tiltfile.vocabulary import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.openapi.meta import Model

_INDENT = "    "
_V1ALPHA1 = "v1alpha1"
_PART_CLASSES: Mapping[type[Model], str] = {model: f"{model.__name__}Part" for model in PARTS.values()}


def stub() -> str:
    """Return types for editors, as a Python stub."""
    lines = [HEAD, *(f"class {name}: ..." for name in _PART_CLASSES.values())]
    modules: dict[str, list[str]] = {}
    for entry in entries():
        module, _, name = entry.name.rpartition(".")
        about = " ".join(entry.about.split())
        made = list(_typed(entry.name, name, about, is_value=entry.parameters is None))
        if module:
            modules.setdefault(module, []).extend(made)
        else:
            lines += made
    for module, members in sorted(modules.items(), key=lambda one: -one[0].count(".")):
        lines.append(f"class _{module.replace('.', '_')}:")
        lines += [f"{_INDENT}{line}" for line in members]
        lines += [f"{_INDENT}{inner}: _{module}_{inner}" for inner in _inside(module, modules)]
    lines += [f"{module}: _{module}" for module in modules if "." not in module]
    return "\n".join(lines) + "\n"


def _inside(module: str, modules: Mapping[str, object]) -> list[str]:
    return [one.removeprefix(f"{module}.") for one in modules if one.startswith(f"{module}.")]


def _typed(full: str, name: str, about: str, *, is_value: bool) -> Iterator[str]:
    if is_value:
        yield f"{name}: {VALUES.get(full, 'str')}"
        return
    parameters, returned = _signature(full, name)
    if "." in full:
        yield "@staticmethod"
    yield f"def {name}({', '.join(parameters)}) -> {returned}:{'' if about else ' ...'}"
    if about:
        yield f'{_INDENT}"""{about}"""'
        yield f"{_INDENT}..."


def _signature(full: str, name: str) -> tuple[tuple[str, ...], str]:
    if full.startswith(f"{_V1ALPHA1}."):
        return _constructor(name)
    if full in WRITTEN:
        return WRITTEN[full]
    signature = SIGNATURES[full]
    given: list[str] = []
    for key, parameter in signature.arguments.parameters.items():
        kind = parameter_type(full, key, parameter)
        default = "{}" if kind.startswith("Mapping") and parameter.default == () else default_text(parameter.default)
        given.append(f"{key}: {kind}" + ("" if parameter.is_required else f" = {default}"))
    annotation = str(getattr(signature.act, "__annotations__", {}).get("return", ""))
    return tuple(given), return_type(full, annotation)


def _constructor(name: str) -> tuple[tuple[str, ...], str]:
    """Return what a constructor of v1alpha1 takes: the fields of the kind, or of the part."""
    fields: Mapping[str, Any]
    if name in PARTS:
        fields = PARTS[name].model_fields
        handler = (f"handler: {_PART_CLASSES[PARTS['handler']]} | None = ...",) if name == "probe" else ()
        return (*handler, *_fields(fields)), _PART_CLASSES[PARTS[name]]
    kind = OBJECTS[name].model_fields
    spec: Any = kind["spec"].annotation if "spec" in kind else None
    fields = spec.model_fields if spec is not None else {"data": kind["data"]}
    meta = ("name: str", "labels: Mapping[str, str] = ...", "annotations: Mapping[str, str] = ...")
    return (*meta, *_fields(fields)), "None"


def _fields(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, field in fields.items():
        yield f"{name}: {field_type(field.annotation, _PART_CLASSES)} = ..."
