"""docker_build(): an image built from a Dockerfile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.images import DockerBuild, Image, add_image
from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.live_updates import live_update
from upright.controllers.tiltfile.readers import (
    command,
    maybe,
    path,
    pattern_list,
    string_map,
    string_sequence,
    stringable,
    strings,
)
from upright.controllers.tiltfile.references import Selector, parse_reference
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project

CACHE_IS_OBSOLETE = (
    "docker_build(cache=...) is obsolete, and currently a no-op.\n"
    "You should switch to live_update to optimize your builds."
)


def _only(value: Value, directory: str) -> tuple[str, ...]:
    found = pattern_list("only")(value, directory)
    for one in found:
        if "*" in one:
            raise WrongValue(f"'only' does not support '*' file globs. Must be a real path: {one}")
    return found


def _text_or_blob(value: Value, _directory: str) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, Blob):
        return value.text
    raise WrongValue("must be string or blob.")


class DockerArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    ref: str = required(string)
    context: str = required(path)
    build_args: dict[str, str] = optional(string_map, {})
    dockerfile: str | None = optional(path, None, none_is_unset=True)
    dockerfile_contents: str | None = optional(_text_or_blob, None)
    cache: Value = optional(anything, None)
    live_update: Value = optional(anything, None)
    match_in_env_vars: bool = optional(boolean, default=False)
    ignore: tuple[str, ...] = optional(pattern_list("ignore"), ())
    only: tuple[str, ...] = optional(_only, ())
    entrypoint: tuple[str, ...] = optional(command, ())
    container_args: tuple[str, ...] | None = optional(maybe(string_sequence), None)
    target: str = optional(string, "")
    ssh: tuple[str, ...] = optional(strings, ())
    secret: tuple[str, ...] = optional(strings, ())
    network: str = optional(stringable, "")
    extra_tag: tuple[str, ...] = optional(strings, ())
    cache_from: tuple[str, ...] = optional(strings, ())
    pull: bool = optional(boolean, default=False)
    platform: str = optional(stringable, "")
    extra_hosts: tuple[str, ...] = optional(strings, ())


def selector_of(ref: str) -> Selector:
    """Return which references mean the image: with a tag, only that one; raises Failure."""
    try:
        reference = parse_reference(ref)
    except ValueError as error:
        raise Failure(f"Argument 1 (ref): can't parse {quote(ref)}: {error}") from None
    return Selector(reference, exact=bool(reference.tag))


def docker_build(project: Project, given: DockerArguments) -> None:
    """Define an image and read its Dockerfile."""
    selector = selector_of(given.ref)
    if "cache" in given.given:
        project.warn(CACHE_IS_OBSOLETE)
    dockerfile_path, text = _dockerfile(project, given)
    for tag in given.extra_tag:
        try:
            parse_reference(tag)
        except ValueError as error:
            raise Failure(f"Argument extra_tag={quote(tag)} not a valid image reference: {error}") from None
    build = DockerBuild(
        context=given.context,
        dockerfile=text,
        dockerfile_path=dockerfile_path,
        args=tuple(sorted(f"{name}={value}" if value else name for name, value in given.build_args.items())),
        target=given.target,
        ssh=given.ssh,
        secrets=given.secret,
        network=given.network,
        extra_tags=given.extra_tag,
        cache_from=given.cache_from,
        pull=given.pull,
        platform=given.platform or project.environ.get("DOCKER_DEFAULT_PLATFORM", ""),
        extra_hosts=given.extra_hosts,
        only=given.only,
    )
    add_image(project, _image(project, given, selector, build))


def _image(project: Project, given: DockerArguments, selector: Selector, build: DockerBuild) -> Image:
    return Image(
        selector=selector,
        build=build,
        place=project.interpreter.where(),
        tiltfile=project.interpreter.executing[-1],
        ignore=given.ignore,
        match_in_env_vars=given.match_in_env_vars,
        entrypoint=given.entrypoint,
        container_args=given.container_args,
        live_update=live_update(project, given.live_update),
    )


def _dockerfile(project: Project, given: DockerArguments) -> tuple[str, str]:
    """Return the Dockerfile's path ("" if it is given as text) and its text."""
    if given.dockerfile_contents is not None:
        if given.dockerfile is not None:
            raise Failure("Cannot specify both dockerfile and dockerfile_contents keyword arguments")
        return "", given.dockerfile_contents
    where = given.dockerfile or str(Path(given.context) / "Dockerfile")
    try:
        return where, project.read_or_fail(where)
    except Failure as failure:
        raise Failure(f"error reading dockerfile: {failure}") from None


VALUES = {"docker_build": function("docker_build", DockerArguments, docker_build)}
