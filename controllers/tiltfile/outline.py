"""What an evaluation came to: what would be built, deployed and run, and where; as text for a person, JSON for a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.controllers.tiltfile.language.errors import TiltfileError
    from upright.openapi.v1alpha1.resource import KubernetesSpec, Resource, ResourceImage

Json = dict[str, Any]  # Any: a JSON document in the making


_WORDS: dict[str, tuple[str, str | None]] = {
    "after": ("after", ", "),
    "builds": ("builds", None),
    "deploys": ("deploys", ", "),
    "deploysBy": ("deploys", " "),
    "forwards": ("forwards", None),
    "starts": ("starts", " "),
    "runs": ("runs", " "),
    "serves": ("serves", " "),
}
"""How the parts are shown as text: the word, and what stands between the parts (None: a line each)."""


def outline(found: Evaluation, *, embedded: bool, context: str) -> str:
    """Return a line for the whole, and a few for each resource."""
    count = len(found.resources)
    lines = [f"The Tiltfile is right: {count} resource{'' if count == 1 else 's'}."]
    if any(resource.spec.kubernetes for resource in found.resources):
        lines.append(f"Deploys to {'the embedded cluster' if embedded else f'the kubeconfig context {context}'}.")
    for resource in found.resources:
        off = "" if resource.name in found.enabled else " (off)"
        lines += ["", f"{resource.name}{off}", *(f"  {line}" for line in _lines(_about(resource)))]
    return "\n".join(lines) + "\n"


def outline_json(found: Evaluation, scrub: Callable[[str], str], *, embedded: bool, context: str) -> str:
    """Return the same as a JSON object, and for a Tiltfile that is wrong the errors with their places.

    ``scrub`` takes secrets out of each text, before quotes in them are escaped.
    """
    told: Json = {
        "right": found.error is None,
        "errors": [_error(one) for one in (found.error, *found.error.others)] if found.error is not None else [],
        "warnings": list(found.warnings),
        "cluster": {"embedded": embedded, "context": context},
        "files": list(found.files),
        "resources": [
            {
                "name": resource.name,
                "kind": resource.spec.kind,
                "enabled": resource.name in found.enabled,
                **_about(resource),
            }
            for resource in found.resources
        ],
    }
    return json.dumps(_scrubbed(told, scrub), indent=2, ensure_ascii=False) + "\n"


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:  # noqa: ANN401  reason: any part of a JSON document
    if isinstance(value, dict):
        return {key: _scrubbed(item, scrub) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, scrub) for item in value]
    return scrub(value) if isinstance(value, str) else value


def _error(error: TiltfileError) -> Json:
    place = error.place
    where = {"file": place.path, "line": place.line, "column": place.column} if place is not None else {}
    return {"message": error.message, **where}


def _about(resource: Resource) -> Json:
    """Return what is to be done for the resource, by the word for it; what there is none of is left out."""
    spec = resource.spec
    part = spec.kubernetes or spec.compose
    told: Json = {"after": list(spec.depends_on), "builds": [_image(one) for one in part.images] if part else []}
    if spec.kubernetes is not None:
        told |= _deploys(spec.kubernetes)
    if spec.compose is not None:
        service = spec.compose.service
        told["starts"] = {"service": service.service, "project": service.project.name}
    if spec.local is not None:
        told["runs"] = list(spec.local.update.args) if spec.local.update is not None else []
        told["serves"] = list(spec.local.serve.args) if spec.local.serve is not None else []
    return {word: said for word, said in told.items() if said}


def _deploys(part: KubernetesSpec) -> Json:
    apply = part.apply
    forwards = apply.port_forward_template_spec.forwards if apply.port_forward_template_spec else ()
    return {
        "deploys": [] if apply.apply_cmd else list(part.display_names),
        "deploysBy": list(apply.apply_cmd.args) if apply.apply_cmd else [],
        "forwards": [f"{forward.host or 'localhost'}:{forward.local_port}" for forward in forwards],
    }


def _image(image: ResourceImage) -> Json:
    by = {"from": image.docker_image.context} if image.docker_image is not None else {}
    return {"image": image.selector.selector, **by}


def _lines(told: Json) -> Iterator[str]:
    if "starts" in told:
        told = {**told, "starts": ["service {service} of Compose project {project}".format(**told["starts"])]}
    images = told.get("builds", ())
    built = [f"{one['image']} {'from ' + one['from'] if 'from' in one else 'by a command'}" for one in images]
    for word, (shown, between) in _WORDS.items():
        texts = built if word == "builds" else told.get(word, [])
        for text in texts if between is None else [between.join(texts)] if texts else []:
            yield f"{shown:<8} {text}"
