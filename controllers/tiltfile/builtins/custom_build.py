"""custom_build(): an image built by a command of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from upright.controllers.tiltfile.builtins.docker_build import selector_of
from upright.controllers.tiltfile.images import CustomBuild, Image, add_image
from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.language.values import HostValue
from upright.controllers.tiltfile.live_updates import live_update
from upright.controllers.tiltfile.readers import (
    Command,
    directory_path,
    environment,
    maybe,
    path,
    paths,
    pattern_list,
    string_list,
    string_sequence,
)
from upright.controllers.tiltfile.readers import (
    command as argv,
)
from upright.controllers.tiltfile.references import Reference, parse_reference
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project


class CustomBuildValue(HostValue):
    """What custom_build() returns: nothing to do anything with."""

    starlark_type = "custom_build"
    __hash__ = None  # type: ignore[assignment]  # reason: it is no key, as in Tilt

    def __init__(self, ref: str) -> None:
        self.ref = ref

    def __eq__(self, other: object) -> bool:
        return self is other

    def __str__(self) -> str:
        return f"custom_build({quote(self.ref)})"


def image_references(value: Value, directory: str) -> tuple[Reference, ...]:
    """Read a list of image references."""
    found: list[Reference] = []
    for text in string_list(value, directory):
        try:
            found.append(parse_reference(text))
        except ValueError as error:
            raise WrongValue(f"must be a valid image reference: {error}") from None
    return tuple(found)


class CustomArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    ref: str = required(string)
    command: tuple[str, ...] = required(argv)
    deps: tuple[str, ...] = required(paths)
    tag: str = optional(string, "")
    disable_push: bool = optional(boolean, default=False)
    skips_local_docker: bool = optional(boolean, default=False)
    live_update: Value = optional(anything, None)
    match_in_env_vars: bool = optional(boolean, default=False)
    ignore: tuple[str, ...] = optional(pattern_list("ignore"), ())
    entrypoint: tuple[str, ...] = optional(argv, ())
    container_args: tuple[str, ...] | None = optional(maybe(string_sequence), None)
    command_bat_val: Value = optional(anything, None)
    outputs_image_ref_to: str = optional(path, "", none_is_unset=True)
    command_bat: Value = optional(anything, None)
    image_deps: tuple[Reference, ...] = optional(image_references, ())
    env: tuple[str, ...] = optional(environment, ())
    dir: str | None = optional(directory_path, None)


def custom_build(project: Project, given: CustomArguments) -> CustomBuildValue:
    """Define an image that a command builds."""
    selector = selector_of(given.ref)
    if not given.command:
        raise Failure("Argument 2 (command) can't be empty")
    if given.tag and given.outputs_image_ref_to:
        raise Failure("Cannot specify both tag= and outputs_image_ref_to=")
    build = CustomBuild(
        command=Command(given.command, given.dir or project.directory, given.env),
        deps=given.deps,
        image_deps=given.image_deps,
        tag=given.tag,
        output_mode=_output_mode(given),
        outputs_image_ref_to=given.outputs_image_ref_to,
    )
    image = Image(
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
    add_image(project, image)
    return CustomBuildValue(str(selector.reference))


def _output_mode(given: CustomArguments) -> Literal["local-docker", "local-docker-and-remote", "remote"]:
    if given.skips_local_docker:
        return "remote"
    return "local-docker-and-remote" if given.disable_push else "local-docker"


VALUES = {"custom_build": function("custom_build", CustomArguments, custom_build)}
