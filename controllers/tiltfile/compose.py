"""Compose projects: from docker_compose and dc_resource calls to resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.compose_files import depends_on
from upright.controllers.tiltfile.deployments import resource_image
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.resource_options import Accumulated
from upright.controllers.tiltfile.yaml_documents import dump
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeProject, DockerComposeServiceSpec
from upright.openapi.v1alpha1.limits import Limits
from upright.openapi.v1alpha1.live_update import ComposeLiveUpdateSelector, LiveUpdateSelector
from upright.openapi.v1alpha1.resource import ComposeSpec, ResourceImage, ResourceSpec

if TYPE_CHECKING:
    from upright.controllers.tiltfile.images import Image, ImageIndex
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.references import Reference
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec


@dataclass(slots=True)
class ComposeService:
    """One service, and what dc_resource calls say of it; ``name`` is the resource's."""

    name: str
    service: str
    place: Place | None
    options: Accumulated = field(default_factory=Accumulated)
    image: Reference | None = None
    infer_links: bool = True


@dataclass(slots=True, kw_only=True)
class ComposeProject:
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
    image = _image(index, service, body)
    said = service.options
    dependencies = [names[name] for name in depends_on(body) if name in names]
    images = index.in_build_order([image.map_name]) if image is not None else []
    wanted = _conditions(one, service.service)
    return ResourceSpec(
        kind="compose",
        depends_on=tuple(dict.fromkeys([*dependencies, *said.resource_deps])),
        trigger_mode=said.trigger_mode or project.trigger_mode,
        auto_init=said.auto_init,
        labels=tuple(said.labels),
        links=tuple(said.links),
        limits=said.limits or Limits(),
        compose=ComposeSpec(
            images=tuple(_built(project, needed, base=needed is not image) for needed in images),
            service=DockerComposeServiceSpec(
                service=service.service,
                project=DockerComposeProject(
                    config_paths=() if one.from_text else tuple(one.config_paths),
                    project_path=one.path,
                    yaml=dump(one.whole) if one.from_text else "",
                    name=one.name,
                    env_file=one.env_file,
                    profiles=one.profiles,
                    wait=one.wait,
                ),
                image_maps=(image.map_name,) if image is not None else (),
            ),
            completes="service_completed_successfully" in wanted,
            opens_when_started=bool(wanted) and wanted <= {"service_started"},
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


def _image(index: ImageIndex, service: ComposeService, body: Json) -> Image | None:
    """Return the image of ours that the service runs, if it is one of ours."""
    reference = service.image
    if reference is None and body.get("image"):
        try:
            reference = parse_reference(str(body["image"]))
        except ValueError as error:
            raise Failure(f"Error parsing image name {quote(str(body['image']))}: {error}", service.place) from None
    image = index.consumed_by(reference) if reference is not None else None
    if image is not None and image.entrypoint:
        raise Failure("docker_build/custom_build.entrypoint not supported for Docker Compose resources", image.place)
    return image


def _live_updates(service: ComposeService, image: Image | None) -> tuple[LiveUpdateSpec, ...]:
    if image is None or image.live_update is None:
        return ()
    selector = LiveUpdateSelector(docker_compose=ComposeLiveUpdateSelector(service=service.name))
    return (image.live_update.model_copy(update={"selector": selector}),)
