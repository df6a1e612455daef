"""The schemas of a scheme's kinds, from their pydantic models, as Kubernetes writes them.

A model's name is its package's prefix and its class: ``dev.tilt.v1alpha1.SessionSpec``, ``io.k8s.api.core.v1.PodSpec``.
References have the form ``#/components/schemas/NAME``; the OpenAPI v2 document rewrites them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from upright.openapi.documents.field_words import words
from upright.openapi.documents.merge_keys import mark_merge_keys
from upright.openapi.documents.meta_schemas import META_PREFIX, META_SCHEMAS
from upright.openapi.meta import Object

if TYPE_CHECKING:
    from pydantic_core import core_schema

    from upright.openapi.meta import Json
    from upright.openapi.scheme import Kind, Scheme

REFERENCE = "#/components/schemas/"
_CLASS = "x-class"
_DROPPED = ("title", "additionalProperties", "minLength", "maxLength", _CLASS)
_API_VERSION = "APIVersion defines the versioned schema of this representation of an object."
_KIND = "Kind is a string value representing the REST resource this object represents."
_OBJECT_FIELDS = {"apiVersion": _API_VERSION, "kind": _KIND, "metadata": "Standard object's metadata."}


class _Generator(GenerateJsonSchema):
    """pydantic's generator, noting on each model's schema which class it is, and on each field what it means."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        made = super().model_schema(schema)
        model = schema["cls"]
        made[_CLASS] = f"{model.__module__}:{model.__name__}"
        for name, said in words(model).items():
            made["properties"][model.model_fields[name].alias or name]["description"] = said
        return made


def schema_name(kind: Kind) -> str:
    """Return the name of a kind's schema."""
    return f"{_prefix(kind.group, kind.version)}.{kind.kind}"


def schemas(scheme: Scheme, group: str, version: str) -> dict[str, Json]:
    """Return the schemas of one group-version with everything that they refer to, in the order of their names.

    Raises ValueError if two classes of one package have the same name.
    """
    models = [k for k in scheme if (k.definition.group, k.definition.version) == (group, version)]
    if not models:
        return {}
    _, generated = models_json_schema(
        [(model, "validation") for model in models], ref_template=REFERENCE + "{model}", schema_generator=_Generator
    )
    names = _names(scheme, generated["$defs"])
    found = dict(META_SCHEMAS)
    for key, schema in generated["$defs"].items():
        if names[key] in found and not names[key].startswith(META_PREFIX):
            raise ValueError(f"two models are called {names[key]}")
        found[names[key]] = _plain(schema, names)
    for model in models:
        kind = model.definition
        found[schema_name(kind)] = _object(kind, found[schema_name(kind)])
        found[f"{schema_name(kind)}List"] = _list(kind)
        mark_merge_keys(found, schema_name(kind), kind.merge_keys or {})
    return {name: found[name] for name in sorted(found)}


def gvk(kind: Kind, suffix: str = "") -> dict[str, str]:
    """Return what ``x-kubernetes-group-version-kind`` says of a kind or its list."""
    return {"group": kind.group, "kind": f"{kind.kind}{suffix}", "version": kind.version}


def reference(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": REFERENCE + name}


def _prefix(group: str, version: str) -> str:
    if not group or group.endswith(".k8s.io") or "." not in group:
        return f"io.k8s.api.{group.partition('.')[0] or 'core'}.{version}"
    return f"{'.'.join(reversed(group.split('.')))}.{version}"


def _names(scheme: Scheme, definitions: dict[str, Json]) -> dict[str, str]:
    packages = {_package(kind.__module__): _prefix(kind.definition.group, kind.definition.version) for kind in scheme}
    packages[_package(Object.__module__)] = META_PREFIX
    names: dict[str, str] = {}
    for key, schema in definitions.items():
        module, _, name = str(schema.get(_CLASS, "")).partition(":")
        names[key] = f"{packages.get(_package(module), META_PREFIX)}.{name or key}"
    return names


def _package(module: str) -> str:
    """Return the package below ``upright.openapi``: ``v1alpha1``, ``core_v1``, ``meta``."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 else module


def _plain(schema: Any, names: dict[str, str]) -> Any:  # noqa: ANN401  reason: a JSON schema nests any JSON
    """Say in OpenAPI 3.0 and in Kubernetes' manner what pydantic said in JSON Schema 2020."""
    if isinstance(schema, list):
        return [_plain(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _referring(schema, names)
    if "anyOf" in schema:
        return _plain(_chosen(schema), names)
    if schema.get("type") == "object" and "properties" not in schema:
        return _map(schema, names)
    return _fields(schema, names)


def _fields(schema: Json, names: dict[str, str]) -> Json:
    plain = {key: _plain(value, names) for key, value in schema.items() if key not in {*_DROPPED, "properties"}}
    if "properties" in schema:
        plain["properties"] = {name: _plain(field, names) for name, field in schema["properties"].items()}
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if not plain.keys() - {"description", "default"}:
        plain["x-kubernetes-preserve-unknown-fields"] = True
    return _sized(plain)


def _referring(schema: Json, names: dict[str, str]) -> Json:
    target = reference(names[schema["$ref"].removeprefix(REFERENCE)])
    beside = _beside(schema)
    return {"allOf": [target], **beside} if beside else target


def _beside(schema: Json) -> Json:
    """Return what may stand beside a reference: a default that says something is a scalar that is not empty."""
    default = schema.get("default")
    said = {"default": default} if default and not isinstance(default, dict | list) else {}
    return said | ({"description": schema["description"]} if schema.get("description") else {})


def _chosen(schema: Json) -> Json:
    """Return the one choice that is not null, or what Kubernetes calls int-or-string."""
    choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    beside = _beside(schema)
    if len(choices) == 1:
        return {**choices[0], **beside}
    if {choice.get("type") for choice in choices} == {"integer", "string"}:
        return {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}], **beside}
    return {"x-kubernetes-preserve-unknown-fields": True, **beside}


def _map(schema: Json, names: dict[str, str]) -> Json:
    values = schema.get("additionalProperties")
    beside = _beside(schema)
    if isinstance(values, dict) and values:
        return {"type": "object", "additionalProperties": _plain(values, names), **beside}
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, **beside}


def _sized(schema: Json) -> Json:
    """Give numbers their format, as Kubernetes does."""
    schema = {key: value for key, value in schema.items() if key != "default"} | _beside(schema)
    if schema.get("type") == "integer":
        schema.setdefault("format", "int64")
    if schema.get("type") == "number":
        schema.setdefault("format", "double")
    return schema


def _object(kind: Kind, schema: Json) -> Json:
    properties = dict(schema.get("properties") or {})
    for name, description in _OBJECT_FIELDS.items():
        properties[name] = {"description": description, "type": "string"}
    properties["metadata"] = {
        "allOf": [reference(f"{META_PREFIX}.ObjectMeta")],
        "description": _OBJECT_FIELDS["metadata"],
    }
    required = [name for name in schema.get("required") or () if name not in _OBJECT_FIELDS]
    return {
        "description": schema.get("description", ""),
        "type": "object",
        **({"required": required} if required else {}),
        "properties": properties,
        "x-kubernetes-group-version-kind": [gvk(kind)],
    }


def _list(kind: Kind) -> Json:
    return {
        "description": f"A list of {kind.plural}.",
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": _API_VERSION, "type": "string"},
            "items": {"type": "array", "items": reference(schema_name(kind))},
            "kind": {"description": _KIND, "type": "string"},
            "metadata": {"allOf": [reference(f"{META_PREFIX}.ListMeta")]},
        },
        "x-kubernetes-group-version-kind": [gvk(kind, "List")],
    }
