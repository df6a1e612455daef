"""What an evaluation came to, for a person: what would be built, deployed and run, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.openapi.v1alpha1.resource import KubernetesSpec, Resource, ResourceImage


def outline(found: Evaluation, *, embedded: bool, context: str) -> str:
    """Return a line for the whole, and a few for each resource."""
    count = len(found.resources)
    lines = [f"The Tiltfile is right: {count} resource{'' if count == 1 else 's'}."]
    if any(resource.spec.kubernetes for resource in found.resources):
        lines.append(f"Deploys to {'the embedded cluster' if embedded else f'the kubeconfig context {context}'}.")
    for resource in found.resources:
        off = "" if resource.name in found.enabled else " (off)"
        lines += ["", f"{resource.name}{off}", *(f"  {line}" for line in _about(resource))]
    return "\n".join(lines) + "\n"


def _about(resource: Resource) -> Iterator[str]:
    spec = resource.spec
    if spec.depends_on:
        yield f"after    {', '.join(spec.depends_on)}"
    part = spec.kubernetes or spec.compose
    for image in part.images if part is not None else ():
        yield f"builds   {_image(image)}"
    if spec.kubernetes is not None:
        yield from _deploys(spec.kubernetes)
    if spec.compose is not None:
        yield f"starts   service {spec.compose.service.service} of Compose project {spec.compose.service.project.name}"
    if spec.local is not None:
        for word, command in (("runs", spec.local.update), ("serves", spec.local.serve)):
            if command is not None:
                yield f"{word:<8} {' '.join(command.args)}"


def _deploys(part: KubernetesSpec) -> Iterator[str]:
    apply = part.apply
    yield f"deploys  {' '.join(apply.apply_cmd.args) if apply.apply_cmd else ', '.join(part.display_names)}"
    for forward in apply.port_forward_template_spec.forwards if apply.port_forward_template_spec else ():
        yield f"forwards {forward.host or 'localhost'}:{forward.local_port}"


def _image(image: ResourceImage) -> str:
    if image.docker_image is not None:
        return f"{image.selector.selector} from {image.docker_image.context}"
    return f"{image.selector.selector} by a command"
