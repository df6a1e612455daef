"""k8s_custom_deploy(): a resource that commands of the user's apply and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.custom_build import image_references
from upright.controllers.tiltfile.language.arguments import Arguments, anything, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.live_updates import live_update
from upright.controllers.tiltfile.object_names import sanitized
from upright.controllers.tiltfile.readers import Command, command, directory_path, environment, paths, resource_name
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.resource_options import CustomDeploy
from upright.controllers.tiltfile.vocabulary import function
from upright.openapi.v1alpha1.live_update import KubernetesLiveUpdateSelector, LiveUpdateSelector

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.references import Reference
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec


class DeployArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    name: str = required(resource_name)
    apply_cmd: tuple[str, ...] = required(command)
    delete_cmd: tuple[str, ...] = required(command)
    deps: tuple[str, ...] = required(paths)
    image_selector: str = optional(string, "")
    live_update: Value = optional(anything, None)
    apply_dir: str | None = optional(directory_path, None)
    apply_env: tuple[str, ...] = optional(environment, ())
    apply_cmd_bat: Value = optional(anything, None)
    delete_dir: str | None = optional(directory_path, None)
    delete_env: tuple[str, ...] = optional(environment, ())
    delete_cmd_bat: Value = optional(anything, None)
    container_selector: str = optional(string, "")
    image_deps: tuple[Reference, ...] = optional(image_references, ())


def k8s_custom_deploy(project: Project, given: DeployArguments) -> None:
    """Define a resource by the commands that apply and delete it."""
    for word, argv in (("apply_cmd", given.apply_cmd), ("delete_cmd", given.delete_cmd)):
        if not argv:
            raise Failure(f"k8s_custom_deploy: {word} cannot be empty")
    try:
        project.check_free(given.name)
    except Failure as failure:
        raise Failure(f"error making resource for {given.name}: {failure}") from None
    here = project.directory
    project.custom_deploys[given.name] = CustomDeploy(
        name=given.name,
        tiltfile=project.interpreter.executing[-1],
        place=project.interpreter.where(),
        apply=Command(given.apply_cmd, given.apply_dir or here, given.apply_env),
        delete=Command(given.delete_cmd, given.delete_dir or here, given.delete_env),
        deps=given.deps,
        image_deps=given.image_deps,
        live_update=_live_update(project, given),
    )


def _live_update(project: Project, given: DeployArguments) -> LiveUpdateSpec | None:
    spec = live_update(project, given.live_update)
    if spec is None:
        return None
    if given.image_selector and given.container_selector:
        raise Failure("k8s_custom_deploy: cannot specify more than one Live Update selector")
    if not (given.image_selector or given.container_selector or given.image_deps):
        raise Failure("k8s_custom_deploy: no Live Update selector specified")
    image = ""
    if given.image_selector:
        try:
            image = parse_reference(given.image_selector).familiar
        except ValueError as error:
            raise Failure(f"can't parse {quote(given.image_selector)}: {error}") from None
    containers = KubernetesLiveUpdateSelector(
        discovery_name=given.name,
        apply_name=given.name,
        image=image,
        container_name=given.container_selector,
        image_map_name=sanitized(given.image_deps[0].familiar) if not (image or given.container_selector) else "",
    )
    return spec.model_copy(update={"selector": LiveUpdateSelector(kubernetes=containers)})


VALUES = {"k8s_custom_deploy": function("k8s_custom_deploy", DeployArguments, k8s_custom_deploy)}
