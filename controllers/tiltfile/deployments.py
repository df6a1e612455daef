"""From a finished draft of a Kubernetes resource to its specification: images in build order, YAML, forwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from upright.controllers.tiltfile.ignores import context_ignores, file_ignores, ignore_file, repository_ignores
from upright.controllers.tiltfile.images import DockerBuild, only_updated_image
from upright.controllers.tiltfile.kubernetes_objects import display_names
from upright.controllers.tiltfile.limit_arguments import limits_of
from upright.controllers.tiltfile.resources import environment
from upright.controllers.tiltfile.yaml_documents import dump_all
from upright.openapi.v1alpha1.cmd_image import CmdImageSpec
from upright.openapi.v1alpha1.docker_image import DockerImageSpec, IgnoreDef
from upright.openapi.v1alpha1.image_map import ImageMapSpec, OverrideArgs, OverrideCommand
from upright.openapi.v1alpha1.kubernetes_apply import (
    ApplyCmd,
    DiscoveryTemplateSpec,
    KubernetesApplySpec,
    LabelSelector,
)
from upright.openapi.v1alpha1.live_update import KubernetesLiveUpdateSelector, LiveUpdateSelector, LiveUpdateSource
from upright.openapi.v1alpha1.pod_log_stream import PodLogStreamTemplateSpec
from upright.openapi.v1alpha1.port_forward import PortForwardTemplateSpec
from upright.openapi.v1alpha1.resource import KubernetesSpec, ResourceImage, ResourceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.controllers.tiltfile.assembly import Draft
    from upright.controllers.tiltfile.images import CustomBuild, Image, ImageIndex
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.readers import Command
    from upright.controllers.tiltfile.resource_options import CustomDeploy, PodReadiness
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec

CLUSTER = "default"
SIDECARS = ("istio-init", "istio-proxy", "linkerd-proxy", "linkerd-init")
"""Containers of service meshes, whose logs nobody wants."""


def specification(project: Project, draft: Draft, index: ImageIndex, deployed: set[str]) -> ResourceSpec:
    """Return the resource's specification; ``deployed`` are the images that some resource's YAML uses."""
    said = draft.options
    said_readiness = draft.pod_readiness or project.kinds.readiness(draft.entities)
    return ResourceSpec(
        kind="kubernetes",
        depends_on=tuple(said.resource_deps),
        trigger_mode=said.trigger_mode or project.trigger_mode,
        auto_init=said.auto_init,
        labels=tuple(said.labels),
        links=tuple(said.links),
        pod_readiness=said_readiness or _readiness_of(draft),
        pod_readiness_assumed=not said_readiness and _readiness_of(draft) == "ignore",
        limits=limits_of(project, said.limits, said.labels),
        kubernetes=_kubernetes(project, draft, index, deployed),
    )


def _kubernetes(project: Project, draft: Draft, index: ImageIndex, deployed: set[str]) -> KubernetesSpec:
    entities = sorted(draft.entities, key=lambda entity: entity.rank)
    images = index.in_build_order(draft.targets)
    made = _targets(project, draft, images, deployed)
    forwards = tuple(
        one if one.host else one.model_copy(update={"host": project.facts.host}) for one in draft.port_forwards
    )
    selectors = tuple(LabelSelector(match_labels=labels) for labels in draft.extra_pod_selectors)
    apply = KubernetesApplySpec(
        yaml="" if draft.custom else dump_all([entity.body for entity in entities]),
        apply_cmd=_command(project, draft.custom.apply) if draft.custom else None,
        delete_cmd=_command(project, draft.custom.delete) if draft.custom else None,
        image_locators=project.kinds.locators(entities),
        image_maps=tuple(draft.images),
        timeout=project.settings.k8s_upsert_timeout,
        kubernetes_discovery_template_spec=DiscoveryTemplateSpec(extra_selectors=selectors) if selectors else None,
        port_forward_template_spec=PortForwardTemplateSpec(forwards=forwards) if forwards else None,
        pod_log_stream_template_spec=PodLogStreamTemplateSpec(ignore_containers=SIDECARS),
        discovery_strategy=_strategy(draft.discovery_strategy),
        cluster=CLUSTER,
        server_side_apply=project.settings.server_side_apply,
    )
    return KubernetesSpec(
        images=tuple(one for one, image in zip(made, images, strict=True) if not image.only_updated),
        apply=apply,
        display_names=tuple(display_names(entities)),
        deps=draft.custom.deps if draft.custom else (),
        ignores=_custom_ignores(draft.custom) if draft.custom else (),
        live_updates=_live_updates(draft),
    )


def _targets(project: Project, draft: Draft, images: Sequence[Image], deployed: set[str]) -> list[ResourceImage]:
    """Return the images with how they are built; noted with them is which containers they update."""
    made = [resource_image(project, image, base=image.map_name not in deployed) for image in images]
    noted = list(zip(made, (image.live_update for image in images), strict=True))
    if draft.custom is not None and draft.custom.live_update is not None:
        image = only_updated_image(draft.custom, draft.custom.live_update)
        noted.append((resource_image(project, image, base=False), image.live_update))
    project.targets[draft.name] = tuple(noted)
    return made


def _live_updates(draft: Draft) -> tuple[LiveUpdateSpec, ...]:
    """Return the live updates of the resource's containers: those of its images, and a custom deploy's own."""
    found: list[LiveUpdateSpec] = []
    for image in draft.updated:
        if image.live_update is not None:
            by_image = {"image": image.familiar} if image.only_updated else {"image_map_name": image.map_name}
            containers = KubernetesLiveUpdateSelector(discovery_name=draft.name, apply_name=draft.name, **by_image)
            sources = () if image.only_updated else (LiveUpdateSource(image_map=image.map_name),)
            selector = LiveUpdateSelector(kubernetes=containers)
            found.append(image.live_update.model_copy(update={"selector": selector, "sources": sources}))
    if draft.custom is not None and draft.custom.live_update is not None:
        found.append(draft.custom.live_update)
    return tuple(found)


def _custom_ignores(said: CustomDeploy) -> tuple[IgnoreDef, ...]:
    """Return whose changes need no new deploy: what a live update takes care of, and repositories."""
    spec = said.live_update
    updated = (*(sync.local_path for sync in spec.syncs), *spec.stop_paths) if spec is not None else ()
    own = (IgnoreDef(base_path=spec.base_path, patterns=updated),) if spec is not None and updated else ()
    return (*own, *repository_ignores(said.deps))


def _command(project: Project, said: Command) -> ApplyCmd:
    return ApplyCmd(args=said.argv, dir=said.directory, env=environment(project, said.env))


def _strategy(text: str) -> Literal["", "default", "selectors-only"]:
    return "selectors-only" if text == "selectors-only" else "default" if text else ""


def _readiness_of(draft: Draft) -> PodReadiness:
    """Return the mode where neither the Tiltfile nor the objects' kinds say one: by what the resource is made of."""
    plain = not draft.extra_pod_selectors and not draft.images
    return "ignore" if plain and draft.grouped else "wait"


def resource_image(project: Project, image: Image, *, base: bool) -> ResourceImage:
    """Return the image and how it is built; ``base``: only other images use it. Its ignore files are watched."""
    for folder in image.watched:
        if Path(folder).is_dir():
            project.watch(ignore_file(folder, image.dockerfile))
    selector = ImageMapSpec(
        selector=image.familiar,
        match_exact=image.selector.exact,
        match_in_env_vars=image.match_in_env_vars,
        override_command=OverrideCommand(command=image.entrypoint) if image.entrypoint else None,
        override_args=None if image.container_args is None else OverrideArgs(args=image.container_args),
    )
    needs: Literal["push", "base-image"] = "base-image" if base else "push"
    build, context = image.build, context_ignores(image)
    docker = _docker(image, build, needs, context) if isinstance(build, DockerBuild) else None
    return ResourceImage(
        image_map=image.map_name,
        selector=selector,
        docker_image=docker,
        cmd_image=None if isinstance(build, DockerBuild) else _cmd(project, image, build, needs),
        needs=tuple(image.needs),
        base=base,
        deps=image.watched,
        ignores=file_ignores(image, context),
        only_updated=image.only_updated,
    )


def _docker(
    image: Image, build: DockerBuild, needs: Literal["push", "base-image"], context: tuple[IgnoreDef, ...]
) -> DockerImageSpec:
    return DockerImageSpec(
        ref=image.familiar,
        dockerfile_contents=build.dockerfile,
        dockerfile_path=build.dockerfile_path,
        context=build.context,
        context_ignores=context,
        args=build.args,
        target=build.target,
        ssh_agent_configs=build.ssh,
        secrets=build.secrets,
        network=build.network,
        pull=build.pull,
        cache_from=build.cache_from,
        platform=build.platform,
        extra_tags=build.extra_tags,
        image_maps=tuple(image.needs),
        cluster=CLUSTER,
        cluster_needs=needs,
        extra_hosts=build.extra_hosts,
    )


def _cmd(project: Project, image: Image, build: CustomBuild, needs: Literal["push", "base-image"]) -> CmdImageSpec:
    return CmdImageSpec(
        ref=image.familiar,
        args=build.command.argv,
        dir=build.command.directory,
        env=environment(project, build.command.env),
        image_maps=tuple(image.needs),
        output_mode=build.output_mode,
        output_tag=build.tag,
        outputs_image_ref_to=build.outputs_image_ref_to,
        cluster=CLUSTER,
        cluster_needs=needs,
    )
