"""local_resource(): a command to run to its end, and a server to keep running, on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.link import links
from upright.controllers.tiltfile.builtins.probe import readiness_probe
from upright.controllers.tiltfile.builtins.trigger_mode import trigger_mode_value
from upright.controllers.tiltfile.language.arguments import anything, boolean, optional, required
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.limit_arguments import LimitArguments, limits
from upright.controllers.tiltfile.readers import (
    Command,
    command,
    directory_path,
    environment,
    labels,
    paths,
    pattern_list,
    resource_name,
    string_sequence,
)
from upright.controllers.tiltfile.resource_options import LocalResource
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project, TriggerMode
    from upright.openapi.v1alpha1.probe import Probe
    from upright.openapi.v1alpha1.resource import Link

TEST_IS_DEPRECATED = (
    "test() is deprecated and will be removed in a future release.\n"
    "Change this call to use `local_resource(..., allow_parallel=True)`"
)


class LocalArguments(LimitArguments):
    """Tilt's arguments in Tilt's order, and the limits."""

    name: str = required(resource_name)
    cmd: tuple[str, ...] = optional(command, ())
    deps: tuple[str, ...] = optional(paths, ())
    trigger_mode: TriggerMode | None = optional(trigger_mode_value, None)
    resource_deps: tuple[str, ...] = optional(string_sequence, ())
    ignore: tuple[str, ...] = optional(pattern_list("ignore"), ())
    auto_init: bool = optional(boolean, default=True)
    serve_cmd: tuple[str, ...] = optional(command, ())
    cmd_bat: Value = optional(anything, None)
    serve_cmd_bat: Value = optional(anything, None)
    allow_parallel: bool = optional(boolean, default=False)
    links: tuple[Link, ...] = optional(links, ())
    labels: tuple[str, ...] = optional(labels, ())
    env: tuple[str, ...] = optional(environment, ())
    serve_env: tuple[str, ...] = optional(environment, ())
    readiness_probe: Probe | None = optional(readiness_probe, None)
    dir: str | None = optional(directory_path, None)
    serve_dir: str | None = optional(directory_path, None)


def local_resource(project: Project, given: LocalArguments) -> None:
    """Define a local resource."""
    _define(project, given, allow_parallel=given.allow_parallel)


def test(project: Project, given: LocalArguments) -> None:
    """Define a local resource that runs beside others unless told otherwise."""
    project.warn(TEST_IS_DEPRECATED)
    _define(project, given, allow_parallel=given.allow_parallel or "allow_parallel" not in given.given)


def _define(project: Project, given: LocalArguments, *, allow_parallel: bool) -> None:
    _check(given)
    project.check_free(given.name)
    probe = given.readiness_probe
    if probe is not None and not given.serve_cmd:
        project.warn(f'Ignoring readiness probe for local resource "{given.name}" (no serve_cmd was defined)')
        probe = None
    here = project.directory
    project.local_resources[given.name] = LocalResource(
        name=given.name,
        directory=here,
        place=project.interpreter.where(),
        update=Command(given.cmd, given.dir or here, given.env) if given.cmd else None,
        serve=Command(given.serve_cmd, given.serve_dir or here, given.serve_env) if given.serve_cmd else None,
        deps=given.deps,
        ignore=given.ignore,
        allow_parallel=allow_parallel or not given.cmd,
        probe=probe,
        trigger_mode=given.trigger_mode,
        auto_init=given.auto_init,
        resource_deps=given.resource_deps,
        links=given.links,
        labels=given.labels,
        limits=limits(given),
    )


def _check(given: LocalArguments) -> None:
    if "dir" in given.given and not given.cmd:
        if given.serve_cmd:
            raise Failure(
                "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?"
            )
        raise Failure("local_resource: 'dir' specified but 'cmd' is empty")
    if "serve_dir" in given.given and not given.serve_cmd:
        raise Failure("local_resource: 'serve_dir' specified but 'serve_cmd' is empty")
    if not given.cmd and not given.serve_cmd:
        raise Failure("local_resource must have a cmd and/or a serve_cmd, but both were empty")


VALUES = {
    "local_resource": function("local_resource", LocalArguments, local_resource),
    "test": function("test", LocalArguments, test),
}
