"""docker_compose() and dc_resource(): the services of Compose files as resources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.builtins.link import links
from upright.controllers.tiltfile.builtins.trigger_mode import trigger_mode_value
from upright.controllers.tiltfile.compose import ComposeProject, ComposeService
from upright.controllers.tiltfile.compose_files import (
    in_dependency_order,
    merged,
    project_name,
    variables_of,
)
from upright.controllers.tiltfile.compose_includes import ComposeReader, Place
from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, nearest
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.language.values import List, Set, Value, type_name
from upright.controllers.tiltfile.readers import labels, path, resource_name, string_sequence, strings, text_of
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.resource_options import ResourceOptions
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.tiltfile.project import Project, TriggerMode
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.resource import Link


class ComposeArguments(Arguments):
    """docker_compose(configPaths, env_file=None, project_name="", profiles=[], wait=False); the names are Tilt's."""

    configPaths: Value = required(anything)  # noqa: N815  reason: Tilt's name of the argument
    env_file: str | None = optional(path, None, none_is_unset=True)
    project_name: str = optional(string, "")
    profiles: tuple[str, ...] = optional(strings, ())
    wait: bool = optional(boolean, default=False)


class ServiceArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    name: str = required(string)
    image: str | None = optional(string, None, none_is_unset=True)
    trigger_mode: TriggerMode | None = optional(trigger_mode_value, None)
    resource_deps: tuple[str, ...] = optional(string_sequence, ())
    infer_links: bool | None = optional(boolean, None, none_is_unset=True)
    links: tuple[Link, ...] = optional(links, ())
    labels: tuple[str, ...] = optional(labels, ())
    auto_init: bool | None = optional(boolean, None, none_is_unset=True)
    project_name: str = optional(string, "")
    new_name: str = optional(resource_name, "")


def docker_compose(project: Project, given: ComposeArguments) -> None:
    """Make a resource of every service of the files."""
    sources = given.configPaths if isinstance(given.configPaths, List | tuple | Set) else (given.configPaths,)
    if not sources or given.configPaths is None:
        raise Failure("Nothing to compose")
    variables = _variables(project, given, sources)
    reader = ComposeReader(project.read_or_fail)
    files: list[str] = []
    bodies: list[Json] = []
    for source in sources:
        text, where = _text(project, source)
        folder = project.directory if isinstance(source, Blob) else str(Path(where).parent)
        folder = str(Path(files[0]).parent) if files else folder  # paths are relative to the first file
        bodies.append(reader.body(text, Place(where, folder, variables)))
        files += [] if isinstance(source, Blob) else [where]
    folder = str(Path(files[0]).parent) if files else project.directory
    named = (given.project_name, variables.get("COMPOSE_PROJECT_NAME"), merged(bodies).get("name"), Path(folder).name)
    name = project_name(str(next(one for one in named if one)))
    made = project.compose.setdefault(name, ComposeProject(name=name, path=folder))
    made.config_paths += files
    made.bodies += bodies
    made.from_text = made.from_text or len(files) < len(bodies)
    made.env_file = given.env_file or made.env_file
    made.profiles = tuple(dict.fromkeys([*made.profiles, *_profiles(project, given)]))
    made.wait = made.wait or given.wait
    _add_services(project, made)


def _variables(project: Project, given: ComposeArguments, sources: Iterable[Value]) -> dict[str, str]:
    """Return what the files' variables stand for: the environment over the env file (``.env`` beside the first file)."""
    first = next((path(one, project.directory) for one in sources if text_of(one) and not isinstance(one, Blob)), "")
    where = given.env_file or str((Path(first).parent if first else Path(project.directory)) / ".env")
    try:
        from_file = variables_of(project.read(where) if given.env_file else Path(where).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if given.env_file:
            raise Failure(f"docker_compose: env_file {where} does not exist") from None
        from_file = {}
    return {**from_file, **project.environ}


def _text(project: Project, source: Value) -> tuple[str, str]:
    if isinstance(source, Blob):
        return source.text, source.source
    if type(source) is not str:
        raise Failure(f"docker_compose: expected blob | path (string). Actual type: {type_name(source)}")
    where = path(source, project.directory)
    return project.read_or_fail(where), where


def _profiles(project: Project, given: ComposeArguments) -> tuple[str, ...]:
    from_environment = project.environ.get("COMPOSE_PROFILES", "")
    if given.profiles or not from_environment:
        return given.profiles
    project.log(f"Compose project using profiles from environment: {from_environment}", "INFO")
    return tuple(one.strip() for one in from_environment.split(",") if one.strip())


def _add_services(project: Project, made: ComposeProject) -> None:
    made.whole = merged(made.bodies)
    known = {service.service for service in made.services.values()}
    services = made.whole.get("services") or {}
    for name in in_dependency_order(services):
        body = services[name]
        if name not in known and made.is_active(body):
            project.check_free(name)
            made.services[name] = ComposeService(name, name, project.interpreter.where())
            project.compose_names.add(name)
    if not made.services:
        raise Failure("Nothing to compose")


def dc_resource(project: Project, given: ServiceArguments) -> None:
    """Say how a service is to be treated."""
    if not given.name:
        raise Failure("dc_resource: `name` must not be empty")
    made, service = _find(project, given.name, given.project_name)
    if given.image is not None:
        try:
            service.image = parse_reference(given.image)
        except ValueError as error:
            raise Failure(f"can't parse {quote(given.image)}: {error}") from None
    if given.infer_links is not None:
        service.infer_links = given.infer_links
    options = ResourceOptions(
        place=project.interpreter.where(),
        trigger_mode=given.trigger_mode,
        auto_init=given.auto_init,
        resource_deps=given.resource_deps,
        links=given.links,
        labels=given.labels,
    )
    service.options.add(options)
    if given.new_name and given.new_name != service.name:
        project.check_free(given.new_name)
        made.services = {given.new_name if one is service else key: one for key, one in made.services.items()}
        project.compose_names.discard(service.name)
        project.compose_names.add(given.new_name)
        service.name = given.new_name


def _find(project: Project, name: str, within: str) -> tuple[ComposeProject, ComposeService]:
    projects = [one for one in project.compose.values() if within in {"", one.name}]
    found = [(one, one.services[name]) for one in projects if name in one.services]
    if len(found) > 1:
        raise Failure(
            f"found multiple resources named {quote(name)}, please specify which one with project_name= argument"
        )
    if not found:
        others = [other for one in projects for other in one.services]
        raise Failure(
            f"no Docker Compose service found with name {quote(name)}{nearest(name, others)}. "
            f"Found these instead:\n\t{'; '.join(others)}"
        )
    return found[0]


VALUES = {
    "dc_resource": function("dc_resource", ServiceArguments, dc_resource),
    "docker_compose": function("docker_compose", ComposeArguments, docker_compose),
}
