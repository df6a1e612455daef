"""From a body to an object that may be stored: defaults, types, unknown fields, names, and the kind's own rules."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

import orjson
from msgspec import Struct
from pydantic import ValidationError

from upright.apiserver.complaints import causes_of, null_places
from upright.apiserver.metadata import metadata_problems
from upright.openapi import causes, errors
from upright.openapi.errors import BadRequest
from upright.openapi.meta import Model, Object
from upright.openapi.scheme import at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from upright.apiserver.limits import Limits
    from upright.apiserver.options import WriteOptions
    from upright.openapi.errors import Cause
    from upright.openapi.meta import Json

_FORGIVEN = frozenset({"metadata.selfLink", "metadata.clusterName"})  # old clients send them; they never meant anything
_FIELDS_TOLD = 20


class Admitted(Struct, frozen=True):
    """A body in its canonical form (defaults filled in, unknown fields gone), and as a model."""

    body: Json
    model: Object
    warnings: tuple[str, ...] = ()


def decode(kind: type[Object], body: Json, options: WriteOptions) -> Admitted:
    """Read a body as the kind; raises BadRequest and Invalid."""
    about = kind.definition
    if options.model is not None and about.defaults is None:
        return Admitted(body, options.model)
    _require_kind(kind, body)
    body = _filled_in(kind, body)
    model, body = _validated(kind, body)
    return Admitted(model.to_wire(), model, _told(kind, unknown_fields(model, body), options))


def _told(kind: type[Object], unknown: Iterator[str], options: WriteOptions) -> tuple[str, ...]:
    """Return warnings of fields that are unknown or stood twice. Raises BadRequest if such are not to be."""
    if options.field_validation == "Ignore":
        return ()
    told = tuple(f'duplicate field "{path}"' for path in options.duplicates[:_FIELDS_TOLD])
    told += tuple(f'unknown field "{path}"' for path in islice(unknown, _FIELDS_TOLD))
    if told and options.field_validation == "Strict":
        about = kind.definition
        prefix = f'{about.kind} in version "{about.version}" cannot be handled as a {about.kind}'
        raise BadRequest(f"{prefix}: strict decoding error: {', '.join(told)}")
    return told


def _filled_in(kind: type[Object], body: Json) -> Json:
    """Return the body with the kind's defaults; where its shapes are too wrong for that, validation names them."""
    defaults = kind.definition.defaults
    if defaults is None:
        return body
    filled = _copy(body)
    try:
        defaults(filled)
    except (AttributeError, TypeError, KeyError):
        _validated(kind, body)
        raise
    return filled


def _require_kind(kind: type[Object], body: Json) -> None:
    about = kind.definition
    if not isinstance(body, dict):
        raise BadRequest(f"the body must be a JSON object of kind {about.kind}")
    found, version = body.get("kind") or about.kind, body.get("apiVersion") or about.api_version
    if version != about.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected API version ({about.api_version})"
        )
    if found != about.kind:
        raise BadRequest(f"the kind in the data ({found}) does not match the expected kind ({about.kind})")


def _validated(kind: type[Object], body: Json) -> tuple[Object, Json]:
    """Return the model and the body; a null where none may be is taken for an absent field, as Kubernetes does."""
    try:
        return _model(kind, body), body
    except ValidationError as error:
        failure = error
    if places := null_places(failure):
        body = _copy(body)
        for place in places:
            _forget(body, place)
        try:
            return _model(kind, body), body
        except ValidationError as error:
            failure = error
    about = kind.definition
    metadata = body.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    raise errors.invalid(about.group, about.kind, name, causes_of(failure, body)) from failure


def _model(kind: type[Object], body: Json) -> Object:
    # JSON mode, because only there "strict" takes a text for a date and a list for a tuple, and yet no "3" for a 3.
    return kind.model_validate_json(_bytes(body), strict=True, by_alias=True, by_name=False)


def _bytes(body: Json) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error


def _copy(body: Json) -> Json:
    copied: Json = orjson.loads(_bytes(body))
    return copied


def _forget(body: Json, place: tuple[str | int, ...]) -> None:
    here: Any = body
    for step in place[:-1]:
        here = here[step]
    if isinstance(here, dict):
        here.pop(place[-1], None)


def validated_part(
    kind: type[Object], part: str, body: Json, name: str, options: WriteOptions
) -> tuple[Json, tuple[str, ...]]:
    """Return one top-level part (``status``) of a body in its canonical form, and warnings. Raises BadRequest, Invalid."""
    given = body.get(part)
    about = kind.definition
    model = _part_model(kind, part)
    if given is None or model is None:
        return dict(given or {}), _told(kind, iter(()), options)
    try:
        found = model.model_validate_json(_bytes(given), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = causes_of(error, given, part)
        raise errors.invalid(about.group, about.kind, name, wrong) from error
    return found.to_wire(), _told(kind, unknown_fields(found, given, part), options)


@lru_cache(maxsize=256)
def _part_model(kind: type[Object], part: str) -> type[Model] | None:
    annotation = kind.model_fields[part].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Model) else None


@lru_cache(maxsize=256)
def blank(kind: type[Object], part: str) -> Json | None:
    """Return what a part is when nobody has written it; None if the kind has no such part. Shared: do not change it."""
    field = kind.model_fields.get(part)
    default = field.get_default(call_default_factory=True, validated_data={}) if field else None
    return default.to_wire() if isinstance(default, Model) else None


def unknown_fields(value: object, raw: object, path: str = "") -> Iterator[str]:
    """Yield the paths of what the raw JSON has and the model does not know."""
    if isinstance(raw, dict):
        if isinstance(value, Model):
            yield from _unknown_of_model(value, raw, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from unknown_fields(item, raw.get(key), f"{path}[{key}]") if isinstance(item, Model) else ()
    elif isinstance(raw, list) and isinstance(value, tuple | list):
        for index, (item, inner) in enumerate(zip(value, raw, strict=False)):
            if isinstance(inner, dict | list):  # asked here: lists of texts are long, and each call costs
                yield from unknown_fields(item, inner, f"{path}[{index}]")


def _unknown_of_model(model: Model, raw: Json, path: str) -> Iterator[str]:
    known = _attributes(type(model))
    for key, inner in raw.items():
        here = f"{path}.{key}" if path else key
        if key in known:
            attribute = known[key]
            if attribute and isinstance(inner, dict | list):
                yield from unknown_fields(getattr(model, attribute), inner, here)
        elif here not in _FORGIVEN:
            yield here


@lru_cache(maxsize=2048)
def _attributes(model: type[Model]) -> Mapping[str, str]:
    """Return by the name on the wire the attribute to look into; nothing where no model can be in it."""
    fields = model.model_fields.items()
    return {field.alias or name: name if _holds_models(field.annotation) else "" for name, field in fields}


def _holds_models(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return True
    return any(map(_holds_models, get_args(annotation)))


def require_valid(kind: type[Object], model: Object, old: Object | None, metadata: Json, limits: Limits) -> None:
    """Check names, labels and owners, and the kind's own rules. Raises Invalid."""
    about = kind.definition
    name = str(metadata.get("name", ""))
    wrong = [*metadata_problems(kind, model.metadata, name, limits.metadata_bytes), *model.problems(old)]
    if wrong:
        raise errors.invalid(about.group, about.kind, name, wrong)


def immutable_problems(kind: type[Object], old: Json, new: Json) -> Iterator[Cause]:
    """Yield a cause for each field that may not change and did."""
    for path in kind.definition.immutable:
        read = at(*path)
        if read(old) != read(new):
            yield causes.invalid_value(".".join(path), read(new), "field is immutable")
