"""Compose files: read, their variables filled in, several merged into one, as far as resources are made of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.yaml_documents import GoLoader, InvalidYAML, documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upright.openapi.meta import Json

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<plain>\w+)|\{(?P<name>\w+)(?:(?P<how>:?[-?+])(?P<word>[^}]*))?\})", re.ASCII
)
_REPLACED = frozenset({"command", "entrypoint"})
_NOT_A_NAME = re.compile(r"[^a-z0-9_-]")
_STARTED = "service_started"
_SHARED = ("network_mode", "ipc", "pid", "uts", "cgroup")


class Reset(Struct, frozen=True):
    """What ``!reset`` stands before: nothing of that name is left of the files below."""


class Override(Struct, frozen=True):
    """What ``!override`` stands before: taken as it is, nothing of the files below is merged into it."""

    value: Any  # Any: a part of a decoded YAML document


class ComposeLoader(GoLoader):
    """Reads Compose's own tags too."""


ComposeLoader.add_constructor("!reset", lambda _loader, _node: Reset())


def _override(loader: Any, node: yaml.Node) -> Override:  # noqa: ANN401  reason: the stubs know no loader of one's own
    return Override(_constructed(loader, node))


def _constructed(loader: GoLoader, node: yaml.Node) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


ComposeLoader.add_constructor("!override", _override)


def project_name(text: str) -> str:
    """Return the text as Compose makes a project's name of it."""
    return _NOT_A_NAME.sub("", text.lower()).lstrip("_-")


def read_compose(text: str, source: str, variables: Mapping[str, str]) -> Json:
    """Return one file's content with its variables filled in; raises Failure.

    What has the tag ``!reset`` or ``!override`` is a ``Reset`` or an ``Override``.
    """
    try:
        found = [document.value for document in documents(text, ComposeLoader)]
    except InvalidYAML as error:
        raise Failure(f"{source} is not a valid YAML file: {error}") from None
    body = found[0] if found else {}
    if len(found) > 1 or not isinstance(body, dict):
        raise Failure(f"{source}: a Compose file must be one mapping")
    _check_services(body.get("services") or {}, source)
    filled: Json = _filled(body, variables, source)
    return filled


def _check_services(services: object, source: str) -> None:
    if not isinstance(services, dict):
        raise Failure(f"{source}: services must be a mapping")
    for name, service in services.items():
        if not isinstance(service, dict):
            raise Failure(f"{source}: services.{name} must be a mapping")


def _filled(value: Any, variables: Mapping[str, str], source: str) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    if isinstance(value, dict):
        return {key: _filled(item, variables, source) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables, source) for item in value]
    if isinstance(value, Override):
        return Override(_filled(value.value, variables, source))
    if isinstance(value, str) and "$" in value:
        return _VARIABLE.sub(lambda found: _value(found, variables, source), value)
    return value


def _value(found: re.Match[str], variables: Mapping[str, str], source: str) -> str:
    if found["dollar"]:
        return "$"
    name, how, word = found["plain"] or found["name"], found["how"] or "", found["word"] or ""
    value = variables.get(name)
    there = bool(value) if how.startswith(":") else value is not None
    if how.endswith("+"):
        return word if there else ""
    if there or not how:
        return value or ""
    if how.endswith("?"):
        raise Failure(f"{source}: required variable {name} is missing a value: {word}")
    return word


def merged(bodies: Iterable[Json]) -> Json:
    """Return the files as one: mappings are merged, lists appended, what is single taken from the last."""
    whole: Json = {}
    for body in bodies:
        whole = over(whole, body)
    return whole


def over(below: Json, above: Json) -> Json:
    """Return a mapping with another laid over it."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        if isinstance(value, Reset):
            result.pop(key, None)
        elif isinstance(value, Override):
            result[key] = _plain(value.value)
        elif isinstance(known, dict) and isinstance(value, dict):
            result[key] = over(known, value)
        elif isinstance(known, list) and isinstance(value, list) and key not in _REPLACED:
            result[key] = [*known, *(item for item in value if item not in known)]
        else:
            result[key] = _plain(value)
    return result


def _plain(value: Any) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    """Return what is laid over nothing: there is nothing to reset."""
    if isinstance(value, Override):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if not isinstance(item, Reset)}
    return value


def with_dollars(value: Any) -> Any:  # noqa: ANN401  reason: a part of a decoded YAML document
    """Return the value such that Compose, which fills in variables itself, reads it as it is."""
    if isinstance(value, dict):
        return {key: with_dollars(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_dollars(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def is_local(context: str) -> bool:
    """Whether a build's context is a folder, and no address of a repository."""
    return "://" not in context and not context.startswith("git@")


def variables_of(text: str) -> dict[str, str]:
    """Return the variables of an env file."""
    pairs = (line.strip().removeprefix("export ").partition("=") for line in text.splitlines())
    return {
        name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals and not name.startswith("#")
    }


def depends_on(service: Json) -> dict[str, str]:
    """Return the services that this one depends on, each with what it waits for: as it says, and whose parts it uses."""
    found = service.get("depends_on") or {}
    said = found if isinstance(found, dict) else dict.fromkeys(found)
    wanted = {str(name): str((how or {}).get("condition") or _STARTED) for name, how in said.items()}
    used = [str(link).partition(":")[0] for link in service.get("links") or ()]
    shared = [str(service.get(part) or "") for part in _SHARED]
    used += [text.removeprefix("service:") for text in shared if text.startswith("service:")]
    volumes = [str(one).partition(":")[0] for one in service.get("volumes_from") or ()]
    used += [name for name in volumes if name != "container"]
    return {**dict.fromkeys(used, _STARTED), **wanted}


def in_dependency_order(services: Mapping[str, Json]) -> list[str]:
    """Return the services' names, each after those that it depends on."""
    ordered: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in above or name not in services:
            return
        for other in depends_on(services[name]):
            visit(other, above | {name})
        ordered.setdefault(name)

    for name in services:
        visit(name, frozenset())
    return list(ordered)


def mounted_sources(service: Json) -> list[str]:
    """Return what the service has mounted: paths of this machine, and names of volumes."""
    found: list[str] = []
    for volume in service.get("volumes") or ():
        source = volume.get("source") if isinstance(volume, dict) else str(volume).rpartition(":")[0].partition(":")[0]
        found += [str(source)] if source else []
    return found
