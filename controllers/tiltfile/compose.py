"""Compose projects: from docker_compose and dc_resource calls to resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.tiltfile.compose_files import depends_on, is_local, mounted_sources, with_dollars
from upright.controllers.tiltfile.deployments import resource_image
from upright.controllers.tiltfile.ignores import compose_ignores, ignore_file
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.limit_arguments import limits_of
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.resource_options import Accumulated
from upright.controllers.tiltfile.yaml_documents import dump
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject, DockerComposeServiceSpec
from upright.openapi.v1alpha1.live_update import ComposeLiveUpdateSelector, LiveUpdateSelector
from upright.openapi.v1alpha1.resource import ComposeBuild, ComposeSpec, ResourceImage, ResourceSpec

if TYPE_CHECKING:
    from upright.controllers.tiltfile.images import Image, ImageIndex
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.references import Reference
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec


class ComposeService(Struct):
    """One service, and what dc_resource calls say of it; ``name`` is the resource's."""

    name: str
    service: str
    place: Place | None
    options: Accumulated = field(default_factory=Accumulated)
    image: Reference | None = None
    infer_links: bool = True


class ComposeProject(Struct, kw_only=True):
    """What docker_compose calls of one project name say together."""

    name: str
    path: str
    config_paths: list[str] = field(default_factory=list[str])
    bodies: list[Json] = field(default_factory=list["Json"])
    from_text: bool = False
    env_file: str = ""
    profiles: tuple[str, ...] = ()
    wait: bool = False
    whole: Json = field(default_factory=dict[str, "Json"])
    services: dict[str, ComposeService] = field(default_factory=dict[str, ComposeService])

    def is_active(self, body: Json) -> bool:
        """Whether a service belongs to the profiles that are wanted."""
        wanted = body.get("profiles") or ()
        return not wanted or "*" in self.profiles or bool(set(map(str, wanted)) & set(self.profiles))


def compose_resources(project: Project, index: ImageIndex) -> list[tuple[str, ResourceSpec]]:
    """Return the resources of all services; raises Failure."""
    if project.compose and project.default_registry is not None:
        raise Failure("default_registry is not supported with docker compose")
    found: list[tuple[str, ResourceSpec]] = []
    for one in project.compose.values():
        names = {service.service: service.name for service in one.services.values()}
        found += [(service.name, _resource(project, index, one, service, names)) for service in one.services.values()]
    return found


def _resource(
    project: Project, index: ImageIndex, one: ComposeProject, service: ComposeService, names: dict[str, str]
) -> ResourceSpec:
    body = one.whole["services"][service.service]
    image = _image(index, one, service, body)
    said = service.options
    dependencies = sorted(names[name] for name in depends_on(body) if name in names)
    images = index.in_build_order([image.map_name]) if image is not None else []
    wanted = _conditions(one, service.service)
    made = tuple(_built(project, needed, base=needed is not image) for needed in images)
    project.targets[service.name] = tuple(zip(made, (needed.live_update for needed in images), strict=True))
    return ResourceSpec(
        kind="compose",
        depends_on=tuple(dict.fromkeys([*dependencies, *said.resource_deps])),
        trigger_mode=said.trigger_mode or project.trigger_mode,
        auto_init=said.auto_init,
        labels=tuple(said.labels),
        links=tuple(said.links),
        limits=limits_of(project, said.limits, said.labels),
        compose=ComposeSpec(
            images=made,
            build=None if image else _build(project, one, service, body),
            service=DockerComposeServiceSpec(
                service=service.service,
                project=DockerComposeProject(
                    config_paths=() if one.from_text else tuple(one.config_paths),
                    project_path=one.path,
                    yaml=dump(with_dollars(one.whole)) if one.from_text else "",
                    name=one.name,
                    env_file=one.env_file,
                    profiles=one.profiles,
                    wait=one.wait,
                ),
                image_maps=(image.map_name,) if image is not None else (),
            ),
            completes="service_completed_successfully" in wanted,
            opens_when_started=bool(wanted) and wanted <= {"service_started"},
            service_yaml=dump(body),
            infer_links=service.infer_links,
            live_updates=_live_updates(service, image),
        ),
    )


def _conditions(one: ComposeProject, name: str) -> set[str]:
    """Return what the project's services wait for in this one."""
    found = (depends_on(body).get(name) for body in one.whole["services"].values() if one.is_active(body))
    return {condition for condition in found if condition}


def _built(project: Project, image: Image, *, base: bool) -> ResourceImage:
    """Return the image and how it is built; it stays on the engine, unless a cluster may need it too."""
    made = resource_image(project, image, base=base)
    if project.entities:
        return made
    docker, command = made.docker_image, made.cmd_image
    stays = {"cluster": ""}
    return made.model_copy(
        update={
            "docker_image": docker.model_copy(update=stays) if docker is not None else None,
            "cmd_image": command.model_copy(update=stays) if command is not None else None,
        }
    )


def _build(project: Project, one: ComposeProject, service: ComposeService, body: Json) -> ComposeBuild | None:
    """Return what Compose builds itself: the section ``build``, a folder or a mapping."""
    said = body.get("build")
    context, dockerfile = (said.get("context"), said.get("dockerfile")) if isinstance(said, dict) else (said, None)
    if not context:
        return None
    local = is_local(str(context))
    folder = absolute(str(context), one.path) if local else ""
    where = absolute(str(dockerfile or "Dockerfile"), folder) if local else str(dockerfile or "Dockerfile")
    image = _image_name(one, service, body)
    if folder:
        project.watch(ignore_file(folder, where))
    mounted = [absolute(path, one.path) if path[0] in "./~" else path for path in mounted_sources(body)]
    return ComposeBuild(image=image, context=folder, ignores=compose_ignores(folder, where, mounted))


def _image_name(one: ComposeProject, service: ComposeService, body: Json) -> str:
    """Return what the service's image is called; one that Compose builds is named after project and service."""
    if service.image is not None:
        return service.image.familiar
    return str(body.get("image") or f"{one.name}_{service.service}")


def _image(index: ImageIndex, one: ComposeProject, service: ComposeService, body: Json) -> Image | None:
    """Return the image of ours that the service runs, if it is one of ours."""
    name = _image_name(one, service, body)
    try:
        image = index.consumed_by(parse_reference(name))
    except ValueError as error:
        raise Failure(f"Error parsing image name {quote(name)}: {error}", service.place) from None
    if image is not None and image.entrypoint:
        raise Failure("docker_build/custom_build.entrypoint not supported for Docker Compose resources", image.place)
    return image


def _live_updates(service: ComposeService, image: Image | None) -> tuple[LiveUpdateSpec, ...]:
    if image is None or image.live_update is None:
        return ()
    selector = LiveUpdateSelector(docker_compose=ComposeLiveUpdateSelector(service=service.name))
    return (image.live_update.model_copy(update={"selector": selector}),)
