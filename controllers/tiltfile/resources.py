"""From what the Tiltfile said to complete Resource objects, with the switches that turn them on and off."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.dependencies import enabled, known_dependencies
from upright.controllers.tiltfile.ignores import repository_ignores
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.limit_arguments import limits_of
from upright.controllers.tiltfile.object_names import disable_switch
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.docker_image import IgnoreDef
from upright.openapi.v1alpha1.resource import LocalSpec, Resource, ResourceSpec
from upright.openapi.v1alpha1.triggers import ConfigMapDisableSource, DisableSource

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.readers import Command
    from upright.controllers.tiltfile.resource_options import LocalResource

DISABLED_KEY = "isDisabled"
ARGS = "tilt.dev/args"
"""The annotation of a switch with the arguments of the Tiltfile that set it."""


def make_resources(project: Project) -> tuple[Resource, ...]:
    """Return all resources in Tilt's order: Kubernetes, Compose, then local ones, then what is uncategorized.

    Raises Failure for what does not fit together.
    """
    drafts: list[tuple[str, ResourceSpec]] = []
    uncategorized: list[tuple[str, ResourceSpec]] = []
    parts = (project.entities, project.kubernetes_options, project.images, project.custom_deploys, project.compose)
    if any(parts):
        from upright.controllers.tiltfile.assembly import assemble  # noqa: PLC0415  reason: only where there is Kubernetes

        drafts, uncategorized = assemble(project)
    _check_named(project)
    drafts += [(name, _local(project, said)) for name, said in project.local_resources.items()]
    drafts += uncategorized
    places = {said.new_name or said.workload: said.place for said in project.kubernetes_options}
    places |= {name: said.place for name, said in project.local_resources.items()}
    edges = known_dependencies({name: spec.depends_on for name, spec in drafts}, places, project.warn)
    return tuple(
        _resource(name, spec.model_copy(update={"depends_on": edges[name], "order": order}))
        for order, (name, spec) in enumerate(drafts, 1)
    )


def _check_named(project: Project) -> None:
    for said in (project.local_resources.get(""), project.custom_deploys.get("")):
        if said is not None:
            raise Failure("a resource must have a name", said.place)


def _resource(name: str, spec: ResourceSpec) -> Resource:
    source = DisableSource(config_map=ConfigMapDisableSource(name=disable_switch(name), key=DISABLED_KEY))
    return Resource(metadata=ObjectMeta(name=name), spec=spec.model_copy(update={"disable_source": source}))


def enabled_names(project: Project, resources: tuple[Resource, ...]) -> tuple[str, ...]:
    """Return the names of the resources that run, in order: as the Tiltfile decides, else as the arguments say."""
    edges = {resource.name: resource.spec.depends_on for resource in resources}
    if project.disable_all:
        return ()
    requested: list[str] | tuple[str, ...] = ()
    if project.enabled_resources is not None:
        requested = project.enabled_resources
    elif not project.config_parsed_in:
        requested = project.facts.args
        project.wrong_usage = True  # whatever is wrong with the names, the command line said them
    chosen = enabled(requested, edges, None if project.wrong_usage else project.enabled_place)
    project.wrong_usage = False
    return tuple(name for name in edges if name in chosen)


def make_switches(
    resources: tuple[Resource, ...], running: tuple[str, ...], args: tuple[str, ...] = ()
) -> tuple[ConfigMap, ...]:
    """Return the ConfigMaps that the resources look at to know whether they are on.

    What somebody has switched stays until the Tiltfile gets other arguments: those are noted.
    """
    on, notes = set(running), {ARGS: shlex.join(args)} if args else {}
    return tuple(
        ConfigMap(
            metadata=ObjectMeta(name=disable_switch(resource.name), annotations=notes),
            data={DISABLED_KEY: "false" if resource.name in on else "true"},
        )
        for resource in resources
    )


def environment(project: Project, own: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command's environment: what the Tiltfile changed in os.environ, and its own on top."""
    changed = {name: value for name, value in project.environ.items() if project.facts.environ.get(name) != value}
    if not changed:
        return own
    for pair in own:
        name, _, value = pair.partition("=")
        changed[name] = value
    return tuple(f"{name}={value}" for name, value in sorted(changed.items()))


def _local(project: Project, said: LocalResource) -> ResourceSpec:
    serve = _command(project, said.serve)
    if serve is not None and said.probe is not None:
        serve = serve.model_copy(update={"readiness_probe": said.probe})
    return ResourceSpec(
        kind="local",
        depends_on=said.resource_deps,
        trigger_mode=said.trigger_mode or project.trigger_mode,
        auto_init=said.auto_init is not False,
        allow_parallel=said.allow_parallel,
        labels=said.labels,
        links=said.links,
        limits=limits_of(project, said.limits, said.labels),
        local=LocalSpec(update=_command(project, said.update), serve=serve, deps=said.deps, ignores=_ignores(said)),
    )


def _ignores(said: LocalResource) -> tuple[IgnoreDef, ...]:
    own = (IgnoreDef(base_path=said.directory, patterns=said.ignore),) if said.ignore else ()
    return (*repository_ignores([*said.deps, said.directory]), *own)


def _command(project: Project, said: Command | None) -> CmdSpec | None:
    if said is None:
        return None
    return CmdSpec(args=said.argv, dir=said.directory, env=environment(project, said.env))
