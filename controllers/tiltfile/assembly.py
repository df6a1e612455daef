"""From the YAML, the images and the k8s_resource calls to Kubernetes resources, by Tilt's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.tiltfile.dependencies import UNCATEGORIZED
from upright.controllers.tiltfile.deployments import specification
from upright.controllers.tiltfile.images import ImageIndex
from upright.controllers.tiltfile.kubernetes_objects import (
    containers,
    env_vars,
    image_volumes,
    join_parts,
    pod_labels,
    pod_templates,
    potential_names,
    service_selector,
    split_parts,
    unique_names,
)
from upright.controllers.tiltfile.language.errors import Failure, Failures, nearest
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.live_updates import check_watched, restarting, restarts
from upright.controllers.tiltfile.locators import located
from upright.controllers.tiltfile.references import parse_reference
from upright.controllers.tiltfile.resource_options import Accumulated
from upright.controllers.tiltfile.workload_names import names_by_function

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.tiltfile.images import Image
    from upright.controllers.tiltfile.kubernetes_objects import Entity
    from upright.controllers.tiltfile.language.errors import Place
    from upright.controllers.tiltfile.project import Project
    from upright.controllers.tiltfile.references import Reference
    from upright.controllers.tiltfile.resource_options import CustomDeploy, KubernetesOptions, PodReadiness
    from upright.openapi.v1alpha1.port_forward import Forward
    from upright.openapi.v1alpha1.resource import ResourceSpec


class Draft(Struct):
    """A Kubernetes resource while it is put together."""

    name: str
    entities: list[Entity] = field(default_factory=list["Entity"])
    references: dict[str, Reference] = field(default_factory=dict[str, "Reference"])
    images: list[str] = field(default_factory=list[str])
    targets: list[str] = field(default_factory=list[str])
    options: Accumulated = field(default_factory=Accumulated)
    port_forwards: list[Forward] = field(default_factory=list["Forward"])
    extra_pod_selectors: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    pod_readiness: PodReadiness = ""
    discovery_strategy: str = ""
    grouped: bool = False
    custom: CustomDeploy | None = None
    updated: list[Image] = field(default_factory=list["Image"])

    def match(self, index: ImageIndex) -> None:
        """Find out which of our images the objects use."""
        found = (index.consumed_by(reference) for reference in self.references.values())
        images = list({image.map_name: image for image in found if image is not None}.values())
        self.images = [image.map_name for image in images if not image.only_updated]
        self.targets = [image.map_name for image in images]
        self.updated = [image for image in images if image.live_update is not None]


def assemble(project: Project) -> tuple[list[tuple[str, ResourceSpec]], list[tuple[str, ResourceSpec]]]:
    """Return the Kubernetes resources, and ``uncategorized`` if anything is left; raises Failure."""
    index = ImageIndex(project.images)
    index.link()
    assembly = _Assembly(project, index)
    assembly.by_custom_deploy()
    assembly.by_workload()
    assembly.by_pod_template()
    assembly.apply_options()
    drafts = assembly.drafts
    for draft in drafts:
        draft.match(index)
    _check_live_updates(index, drafts)
    services: list[tuple[str, ResourceSpec]] = []
    if project.compose:
        from upright.controllers.tiltfile.compose import compose_resources  # noqa: PLC0415  reason: only where used

        services = compose_resources(project, index)
    has_objects = bool(assembly.rest)
    warning = index.unused_warning(
        project.noted.quiet_images,
        "Docker Compose" if services else "Kubernetes",
        has_resources=bool(drafts or services),
        has_objects=has_objects,
    )
    if warning:
        project.warn(warning)
    _check_context(project, needed=bool(drafts) or has_objects)
    deployed = {name for draft in drafts for name in draft.images}
    made = [(draft.name, specification(project, draft, index, deployed)) for draft in drafts]
    made += services
    left: list[tuple[str, ResourceSpec]] = []
    if assembly.rest:
        rest = Draft(UNCATEGORIZED, entities=assembly.rest, grouped=True)
        left.append((UNCATEGORIZED, specification(project, rest, index, deployed)))
    return made, left


def _check_live_updates(index: ImageIndex, drafts: Sequence[Draft]) -> None:
    for image in index.images:
        if image.live_update is not None:
            check_watched(image, index.watched_by(image))
    deployed = [(draft.name, image.live_update) for draft in drafts for image in draft.updated]
    custom = [(draft.name, draft.custom.live_update) for draft in drafts if draft.custom is not None]
    wrong = restarting([*deployed, *custom])
    if wrong:
        places = [image.place for draft in drafts for image in draft.updated if restarts(image.live_update)]
        places += [draft.custom.place for draft in drafts if draft.custom and restarts(draft.custom.live_update)]
        raise Failure(wrong, places[0])


def _check_context(project: Project, *, needed: bool) -> None:
    if needed and not project.context_allowed:
        context = project.facts.kube_context
        raise Failure(
            f"Stop! {context} might be production.\n"
            f"If you're sure you want to deploy there, add:\n\tallow_k8s_contexts('{context}')\n"
            "to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
        )


class _Assembly:
    def __init__(self, project: Project, index: ImageIndex) -> None:
        self.project = project
        self.index = index
        self.locators = [locator for info in project.kinds.infos for locator in info.locators]
        self.in_env_vars = [image.selector for image in index.images if image.match_in_env_vars]
        self.rest = list(project.entities)
        self.services = {id(one): (one, selector) for one in self.rest if (selector := service_selector(one))}
        self.drafts: list[Draft] = []
        self.by_name: dict[str, Draft] = {}

    def make(self, name: str, place: Place | None = None) -> Draft:
        self.check_free(name, place)
        draft = self.by_name[name] = Draft(name)
        self.drafts.append(draft)
        return draft

    def check_free(self, name: str, place: Place | None = None) -> None:
        """Raise Failure, with the place, if a resource has the name."""
        project = self.project
        for kind, known in (("k8s", self.by_name), ("local", project.local_resources), ("dc", project.compose_names)):
            if name in known:
                raise Failure(f"{kind}_resource named {quote(name)} already exists", place)

    def references(self, entity: Entity) -> list[Reference]:
        """Return the images that the object uses, as it names them."""
        found = [self.parsed(entity, str(one.get("image") or "")) for one in containers(entity.body)]
        found += [self.parsed(entity, str(one["reference"])) for one in image_volumes(entity.body)]
        for pair in env_vars(entity.body) if self.in_env_vars else ():
            try:
                reference = parse_reference(str(pair["value"]))
            except ValueError:
                continue
            if any(selector.matches(reference) for selector in self.in_env_vars):
                found.append(reference)
        texts = [one.text for one in located(entity.body, self.locators)] if self.locators else []
        found += [self.parsed(entity, text) for text in texts if text]
        return found

    def parsed(self, entity: Entity, text: str) -> Reference:
        try:
            return parse_reference(text)
        except ValueError as error:
            where = f"{entity.kind}/{entity.name} ({entity.source})"
            message = f"finding image in {where}: parsing {text}: {error}"
            raise Failure(message, self.project.entity_places.get(entity.address)) from None

    def take(self, draft: Draft, entities: Iterable[Entity]) -> None:
        for entity in entities:
            draft.entities.append(entity)
            draft.references.update((str(one), one) for one in self.references(entity))

    def by_custom_deploy(self) -> None:
        """Make a resource of every k8s_custom_deploy call; the images it asks for must be there."""
        for said in self.project.custom_deploys.values():
            draft = self.make(said.name, said.place)
            draft.custom = said
            for reference in said.image_deps:
                if self.index.consumed_by(reference) is None:
                    raise Failure(
                        f"resource {said.name}: image build {quote(reference.familiar)} not found", said.place
                    )
                draft.references[str(reference)] = reference

    def is_workload(self, entity: Entity) -> bool:
        """Whether the object is of a workload's kind, or uses an image."""
        return self.project.kinds.is_workload(entity) or bool(self.references(entity))

    def by_workload(self) -> None:
        """Make a resource of every workload, with the Services that lead to it."""
        workloads = [entity for entity in self.rest if self.is_workload(entity)]
        self.drop(workloads)
        for name, workload in zip(self.names(workloads), workloads, strict=True):
            try:
                draft = self.make(name)
            except Failure as failure:
                identity = join_parts((*workload.parts[:3], workload.group)).lower()
                message = f"error making resource for workload {identity}: {failure}"
                raise Failure(message, self.project.entity_places.get(workload.address)) from None
            self.take(draft, [workload])
            self.take_services(draft, workload)

    def names(self, workloads: list[Entity]) -> list[str]:
        """Return the resources' names: as the Tiltfile's function says, else the shortest that are unique."""
        function = self.project.name_workload
        if function is None:
            return unique_names(workloads)
        return names_by_function(self.project, function, workloads)

    def take_services(self, draft: Draft, workload: Entity) -> None:
        labels = pod_labels(workload)
        services = [
            entity
            for entity, selector in self.services.values()
            if selector.items() <= labels.items() and entity.namespace == workload.namespace
        ]
        self.take(draft, services)
        self.drop(services)

    def drop(self, entities: Sequence[Entity]) -> None:
        """Take the objects out of what is left."""
        if entities:
            gone = {id(entity) for entity in entities}
            self.rest = [entity for entity in self.rest if id(entity) not in gone]
            self.services = {key: service for key, service in self.services.items() if key not in gone}

    def by_pod_template(self) -> None:
        """Make a resource of every other object that makes pods."""
        for entity in [one for one in self.rest if pod_templates(one.body)]:
            draft = self.by_name.get(entity.name) or self.make(
                entity.name, self.project.entity_places.get(entity.address)
            )
            self.drop([entity])
            draft.entities.append(entity)
            self.take_services(draft, entity)

    def apply_options(self) -> None:
        """Carry out the k8s_resource calls, in order."""
        everything = [entity for draft in self.drafts for entity in draft.entities] + self.rest
        wrong: list[Failure] = []
        for options in self.project.kubernetes_options:
            try:
                self.apply(options, everything)
            except Failure as failure:
                wrong.append(Failure(str(failure), options.place))
        Failures.check(wrong)

    def apply(self, options: KubernetesOptions, everything: Sequence[Entity]) -> None:
        if options.grouped:
            self.make(options.new_name).grouped = True
        draft = self.by_name.get(options.workload)
        if draft is None:
            known = ", ".join(self.by_name)
            hint = nearest(options.workload, list(self.by_name))
            raise Failure(
                f"k8s_resource specified unknown resource {quote(options.workload)}{hint}. known k8s resources: {known}"
            )
        draft.options.add(options)
        draft.port_forwards += options.port_forwards
        draft.extra_pod_selectors += options.extra_pod_selectors
        draft.pod_readiness = options.pod_readiness or draft.pod_readiness
        draft.discovery_strategy = options.discovery_strategy or draft.discovery_strategy
        if options.new_name and options.new_name != draft.name:
            self.rename(draft, options.new_name)
        for fragment in options.objects:
            entity = self.find(fragment, everything)
            self.drop([entity])
            draft.entities.append(entity)

    def rename(self, draft: Draft, name: str) -> None:
        try:
            self.check_free(name)
        except Failure as failure:
            message = f"k8s_resource specified to rename {quote(draft.name)} to {quote(name)}: {failure}"
            raise Failure(message) from None
        self.by_name = {name if known is draft else key: known for key, known in self.by_name.items()}
        draft.name = name

    def find(self, fragment: str, everything: Sequence[Entity]) -> Entity:
        """Return the one object that the fragment means, if no resource has it yet."""
        if not fragment:
            raise Failure('Error making selector from string "": selector can\'t be empty')
        parts = split_parts(fragment)
        if len(parts) > 3:
            raise Failure(
                f"Error making selector from string {quote(fragment)}: Too many parts in selector. Selectors must "
                f"contain between 1 and 3 parts (colon separated), found {len(parts)} parts in {fragment}"
            )
        found = [entity for entity in everything if fragment.lower() in potential_names(entity)]
        if not found:
            hint = nearest(fragment.lower(), [name for entity in everything for name in potential_names(entity)])
            raise Failure(
                f"No object identified by the fragment {quote(fragment)} could be found{hint}. "
                f"Possible objects are: {_full_names(everything)}"
            )
        if len(found) > 1:
            raise Failure(
                f"{quote(fragment)} is not a unique fragment. "
                f"Objects that match {quote(fragment)} are {_full_names(found)}"
            )
        if found[0] not in self.rest:
            raise Failure(
                f"No object identified by the fragment {quote(fragment)} could be found in remaining YAML. "
                f"Valid remaining fragments are: {_full_names(self.rest)}"
            )
        return found[0]


def _full_names(entities: Iterable[Entity]) -> str:
    return ", ".join(quote(entity.full_name) for entity in entities)
