"""read_yaml(), decode_yaml() and encode_yaml(), each also for streams of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.language.arguments import Arguments, anything, optional, required, wrong_type
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import List, Value
from upright.controllers.tiltfile.readers import path, stringable
from upright.controllers.tiltfile.structured import from_starlark, to_starlark
from upright.controllers.tiltfile.vocabulary import function
from upright.controllers.tiltfile.yaml_documents import InvalidYAML, documents, dump

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


def _list(value: Value, _directory: str) -> List:
    if not isinstance(value, List):
        raise wrong_type(value, "list")
    return value


class ReadArguments(Arguments):
    """read_yaml(paths, default=None): one path, whatever its name says."""

    paths: str = required(path)
    default: Value = optional(anything, None)


class ReadStreamArguments(Arguments):
    """read_yaml_stream(paths, default=None)."""

    paths: str = required(path)
    default: List | None = optional(_list, None)


class DecodeArguments(Arguments):
    """decode_yaml(yaml), decode_yaml_stream(yaml)."""

    yaml: str = required(stringable)


class EncodeArguments(Arguments):
    """encode_yaml(obj)."""

    obj: Value = required(anything)


class EncodeStreamArguments(Arguments):
    """encode_yaml_stream(objs)."""

    objs: List = required(_list)


def _decoded(text: str, source: str) -> List:
    try:
        return List(to_starlark(document.value) for document in documents(text))
    except InvalidYAML as error:
        raise Failure(f"error parsing YAML{f' from {source}' if source else ''}: {error}") from None


def _single(values: List) -> Value:
    if len(values) > 1:
        raise Failure(
            "expected a yaml document but found a yaml stream (documents separated by `---`). "
            "use decode_yaml_stream instead to decode a yaml stream"
        )
    return values[0] if values else None


def _read(project: Project, where: str, *, has_default: bool) -> List | None:
    """Return the documents of a file; None if it is not there and there is a default."""
    if not has_default:
        return _decoded(project.read_or_fail(where), where)
    try:
        return _decoded(project.read(where), where)
    except FileNotFoundError:
        return None


def read_yaml(project: Project, given: ReadArguments) -> Value:
    """Return the file's one document, or the default if the file is not there."""
    found = _read(project, given.paths, has_default="default" in given.given)
    return given.default if found is None else _single(found)


def read_yaml_stream(project: Project, given: ReadStreamArguments) -> List | None:
    """Return the file's documents, or the default if the file is not there."""
    found = _read(project, given.paths, has_default="default" in given.given)
    return given.default if found is None else found


def decode_yaml(_project: Project, given: DecodeArguments) -> Value:
    """Return the text's one document."""
    return _single(_decoded(given.yaml, ""))


def decode_yaml_stream(_project: Project, given: DecodeArguments) -> List:
    """Return the text's documents."""
    return _decoded(given.yaml, "")


def encode_yaml(_project: Project, given: EncodeArguments) -> Blob:
    """Return the value as a YAML document."""
    return Blob(dump(from_starlark(given.obj)), "encode_yaml")


def encode_yaml_stream(_project: Project, given: EncodeStreamArguments) -> Blob:
    """Return the values as a stream of YAML documents."""
    return Blob("---\n".join(dump(from_starlark(obj)) for obj in given.objs), "encode_yaml_stream")


VALUES = {
    "decode_yaml": function("decode_yaml", DecodeArguments, decode_yaml),
    "decode_yaml_stream": function("decode_yaml_stream", DecodeArguments, decode_yaml_stream),
    "encode_yaml": function("encode_yaml", EncodeArguments, encode_yaml),
    "encode_yaml_stream": function("encode_yaml_stream", EncodeStreamArguments, encode_yaml_stream),
    "read_yaml": function("read_yaml", ReadArguments, read_yaml),
    "read_yaml_stream": function("read_yaml_stream", ReadStreamArguments, read_yaml_stream),
}
