"""A kind or one of its fields, laid out from its OpenAPI v3 schema as ``kubectl explain`` does; pure."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.client.cli.connection import Json

_WIDTH = 100
_PREFIX = "#/components/schemas/"
_DEEPEST = 12
_FORMATS = {"date-time": "Time", "int-or-string": "IntOrString", "byte": "bytes"}


class Asked(NamedTuple):
    """What is asked for: a kind, and the path of a field of it, if any."""

    group: str
    version: str
    kind: str
    path: tuple[str, ...] = ()


def explained(asked: Asked, schemas: Mapping[str, Json], *, recursive: bool) -> str:
    """Return the text. Raises WrongUsage for a field that is not there."""
    here = _of_kind(asked, schemas)
    told, type_ = here, asked.kind
    for at, name in enumerate(asked.path):
        fields = _fields(here, schemas)
        if name not in fields:
            where = ".".join([asked.kind.lower(), *asked.path[:at]])
            hint = closest(name, list(fields)) or (f": it has {', '.join(fields)}" if fields else ": it has no fields")
            raise WrongUsage(f'{where} has no field "{name}"{hint}')
        told, type_ = fields[name], _type(fields[name])
        here = _inside(fields[name], schemas)
    parts = [_head(asked)]
    if asked.path:
        parts.append(f"FIELD: {asked.path[-1]} <{type_}>\n{_values(told, '')}")
    parts.append(f"DESCRIPTION:\n{_paragraph(_about(told, schemas) or '<empty>', 4)}")
    if fields := _fields(here, schemas):
        lines = _tree(here, schemas, 2, ()) if recursive else _listed(here, schemas)
        parts.append("FIELDS:\n" + "".join(lines).rstrip("\n") + "\n")
    return "\n".join(parts)


def _head(asked: Asked) -> str:
    group = f"GROUP:      {asked.group}\n" if asked.group else ""
    return f"{group}KIND:       {asked.kind}\nVERSION:    {asked.version}\n"


def _listed(schema: Json, schemas: Mapping[str, Json]) -> Iterator[str]:
    """Yield each field with what it is for."""
    required = _required(schema, schemas)
    for name, field in _fields(schema, schemas).items():
        yield f"  {name}\t<{_type(field)}>{' -required-' if name in required else ''}\n"
        yield f"{_values(field, '    ')}{_paragraph(about, 4) if (about := _about(field, schemas)) else ''}\n"


def _tree(schema: Json, schemas: Mapping[str, Json], indent: int, above: tuple[str, ...]) -> Iterator[str]:
    """Yield all fields, those inside them further in; a type inside itself is not opened again."""
    required = _required(schema, schemas)
    for name, field in _fields(schema, schemas).items():
        yield f"{'':{indent}}{name}\t<{_type(field)}>{' -required-' if name in required else ''}\n"
        yield _values(field, " " * (indent + 2))
        inside, type_ = _inside(field, schemas), _type(field)
        if type_ not in above and len(above) < _DEEPEST:
            yield from _tree(inside, schemas, indent + 2, (*above, type_))


def _of_kind(asked: Asked, schemas: Mapping[str, Json]) -> Json:
    wanted = {"group": asked.group, "version": asked.version, "kind": asked.kind}
    for schema in schemas.values():
        kinds: list[Json] = schema.get("x-kubernetes-group-version-kind") or []
        if wanted in kinds:
            return schema
    raise WrongUsage(f"the server tells nothing of the fields of {asked.kind}")


def _resolved(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """Return the schema itself, or the one that it refers to."""
    reference = _reference(schema)
    return schemas.get(reference, {}) if reference else schema


def _reference(schema: Json) -> str:
    parts: list[Json] = schema.get("allOf") or []
    found = schema.get("$ref") or (parts[0].get("$ref") if len(parts) == 1 else "")
    return str(found or "").removeprefix(_PREFIX)


def _inside(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """Return the schema that has the fields: that of a list's items, of a map's values."""
    found = _resolved(schema, schemas)
    values = found.get("additionalProperties")
    if items := found.get("items"):
        return _inside(items, schemas)
    return _inside(values, schemas) if isinstance(values, dict) else found


def _fields(schema: Json, schemas: Mapping[str, Json]) -> dict[str, Json]:
    properties: dict[str, Json] = _resolved(schema, schemas).get("properties") or {}
    return dict(sorted(properties.items()))


def _required(schema: Json, schemas: Mapping[str, Json]) -> set[str]:
    names: list[str] = _resolved(schema, schemas).get("required") or []
    return set(names)


def _type(schema: Json) -> str:
    if reference := _reference(schema):
        return reference.rpartition(".")[2]
    if items := schema.get("items"):
        return f"[]{_type(items)}"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"map[string]{_type(values)}"
    return _FORMATS.get(str(schema.get("format") or ""), str(schema.get("type") or "Object"))


def _about(schema: Json, schemas: Mapping[str, Json]) -> str:
    """Return what is said of a field, else of its type."""
    return str(schema.get("description") or _inside(schema, schemas).get("description") or "")


def _values(schema: Json, indent: str = "") -> str:
    """Return which values there are, and which one it has unless another is said."""
    values = [str(value) for value in schema.get("enum") or () if value != ""]
    default = schema.get("default")
    told = f"{indent}enum: {', '.join(values)}\n" if values else ""
    return told + (f"{indent}default: {json.dumps(default)}\n" if default not in (None, "", {}, []) else "")


def _paragraph(text: str, indent: int) -> str:
    filled = (
        textwrap.fill(" ".join(part.split()), _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)
        for part in text.replace("``", '"').split("\n\n")
    )
    return "\n\n".join(filled) + "\n"
