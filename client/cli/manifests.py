"""Objects that are given in files, as ``-f`` names them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.client.cli.flags import Flag
from upright.client.cli.troubles import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.client.cli.connection import Json
    from upright.client.cli.flags import Given

_NOT_JSON = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
"""What YAML makes of plain words and JSON has no word for: they stay text."""
_ENDINGS = {".yaml", ".yml", ".json"}
FILE_FLAGS = (
    Flag(
        "filename",
        "file or folder with objects as YAML or JSON; - is stdin; may be repeated",
        "PATH",
        short="f",
        many=True,
    ),
    Flag("recursive", "folders below a folder too", short="R"),
)


def given_objects(given: Given) -> list[Json]:
    """Return the objects of all files, lists taken apart. Raises WrongUsage, which says in which file and what."""
    files = given.many("filename")
    if not files:
        raise WrongUsage("say which file, as in -f objects.yaml (- is stdin)")
    found = [body for file in files for body in _objects(file, recursive=given.on("recursive"))]
    if not found:
        raise WrongUsage(f"there is no object in {', '.join(files)}")
    return found


def read_objects(text: str, where: str) -> list[Json]:
    """Return the objects of a text of YAML or JSON documents. Raises WrongUsage."""
    found: list[Json] = []
    for document in _documents(text, where):
        if document is None:
            continue
        if not isinstance(document, dict):
            raise WrongUsage(f"{where}: a document is no object, but {type(document).__name__}")
        is_list = str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list)
        found += [_checked(one, where) for one in (document["items"] if is_list else [document])]
    return found


def _objects(file: str, *, recursive: bool) -> Iterator[Json]:
    if file == "-":
        yield from read_objects(sys.stdin.read(), "stdin")
        return
    path = Path(file)
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.glob("*")
        for one in sorted(one for one in inside if one.suffix in _ENDINGS and one.is_file()):
            yield from _read(one)
    else:
        yield from _read(path)


def _read(path: Path) -> list[Json]:
    try:
        return read_objects(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise WrongUsage(f"{path}: {(error.strerror or '').lower()}") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{path}: no text: {error}") from error


def _documents(text: str, where: str) -> list[Any]:  # Any: any JSON value
    if text.lstrip().startswith("{"):
        try:
            return [json.loads(text)]
        except ValueError:
            pass  # may be YAML that begins with a brace
    import yaml  # noqa: PLC0415  reason: takes 30 ms; JSON needs none of it

    parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # Any: PyYAML may be built without its C part
    resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag not in _NOT_JSON]
        for first, found in parser.yaml_implicit_resolvers.items()
    }
    loader: Any = type("Loader", (parser,), {"yaml_implicit_resolvers": resolvers})  # Any: as above
    try:
        return list(yaml.load_all(text, Loader=loader))
    except yaml.YAMLError as error:
        raise WrongUsage(f"{where}: {error}") from error


def _checked(body: Any, where: str) -> Json:  # noqa: ANN401  reason: any JSON value
    if not isinstance(body, dict) or not body.get("kind") or not body.get("apiVersion"):
        raise WrongUsage(f"{where}: an object has no kind or no apiVersion")
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise WrongUsage(f"{where}: a {body['kind']} has no metadata.name")
    return body
