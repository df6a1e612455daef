"""What a resource builds and deploys, in the shapes of Tilt's manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from upright.controllers.tiltfile.object_names import sanitized

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.cmd import CmdSpec
    from upright.openapi.v1alpha1.docker_image import IgnoreDef
    from upright.openapi.v1alpha1.live_update import LiveUpdateSpec
    from upright.openapi.v1alpha1.resource import ComposeBuild, ComposeSpec, Link, Resource, ResourceImage

_OURS = ("ref", "dockerfilePath", "cluster", "clusterNeeds")
"""Fields of an image's spec that Tilt fills in later."""


def image_targets(found: Evaluation, resource: Resource) -> list[Json]:
    """Return how the resource's images are built, in build order."""
    spec = resource.spec
    part = spec.kubernetes or spec.compose
    if part is None:
        return []
    made = [_image(found, resource, image, update) for image, update in found.targets.get(resource.name, ())]
    build = spec.compose.build if spec.compose else None
    return [*made, *([_compose_image(spec.compose, build)] if spec.compose and build else [])]


def _image(found: Evaluation, resource: Resource, image: ResourceImage, update: LiveUpdateSpec | None) -> Json:
    name = sanitized(f"{resource.name}:{image.image_map}")
    docker = image.docker_image is not None
    details = (image.docker_image or image.cmd_image or image.selector).to_wire()
    details = {key: value for key, value in details.items() if key not in _OURS}
    if not docker:
        details["env"] = _own(found, details.get("env") or ())
        details["Deps"] = list(image.deps)
    return {
        **image.selector.to_wire(),
        **_update(name, update, reconciled=update is not None),
        "DockerImageName": name if docker else "",
        "CmdImageName": "" if docker else name,
        "BuildDetails": {"ref": "", **details},
        "IsLiveUpdateOnly": image.only_updated,
        "FileWatchIgnores": _ignores(image.ignores),
    }


def _update(name: str, update: LiveUpdateSpec | None, *, reconciled: bool) -> Json:
    spec: Json = {"basePath": "", "selector": {}} if update is None else update.to_wire()
    return {"LiveUpdateName": name if update else "", "LiveUpdateSpec": spec, "LiveUpdateReconciler": reconciled}


def _compose_image(compose: ComposeSpec, build: ComposeBuild) -> Json:
    return {
        "selector": build.image,
        **_update("", None, reconciled=False),
        "DockerImageName": "",
        "CmdImageName": "",
        "BuildDetails": {"Service": compose.service.service, "Context": build.context},
        "IsLiveUpdateOnly": False,
        "FileWatchIgnores": _ignores(build.ignores),
    }


def target(found: Evaluation, resource: Resource) -> Json:
    """Return how the resource is deployed or run."""
    spec = resource.spec
    if spec.kubernetes is not None:
        return _kubernetes(found, resource)
    if spec.compose is not None:
        return {
            "Spec": {
                **spec.compose.service.to_wire(),
                **({"imageMaps": [sanitized(spec.compose.build.image)]} if spec.compose.build else {}),
            },
            "Name": resource.name,
            "ServiceYAML": spec.compose.service_yaml,
            "Links": _links(spec.links),
        }
    return _local(found, resource)


def _kubernetes(found: Evaluation, resource: Resource) -> Json:
    spec = resource.spec
    part = spec.kubernetes
    assert part is not None  # noqa: S101  reason: the caller looked
    apply = part.apply.to_wire()
    for name in ("applyCmd", "deleteCmd"):
        if apply.get(name):
            apply[name]["env"] = _own(found, apply[name].get("env") or ())
    if part.apply.apply_cmd is not None:
        apply["restartOn"] = {"fileWatches": [sanitized(f"{resource.name}:apply")]}
    apply.setdefault("timeout", "30s")
    return {
        **{name: value for name, value in apply.items() if value},
        "Name": resource.name,
        "PodReadinessMode": spec.pod_readiness,
        "Links": _links(spec.links),
        "FileWatchIgnores": _ignores(part.ignores),
    }


def _local(found: Evaluation, resource: Resource) -> Json:
    spec = resource.spec
    part = spec.local
    assert part is not None  # noqa: S101  reason: there is no other kind
    serve = part.serve
    probe = serve.readiness_probe if serve is not None else None
    return {
        "UpdateCmdSpec": _command(found, part.update) if part.update else None,
        "Name": resource.name,
        "ServeCmd": {
            "Argv": list(serve.args) if serve else None,
            "Dir": (serve.dir or "") if serve else "",
            "Env": _own(found, serve.env) or None if serve else None,
            "EchoOff": False,
        },
        "Links": _links(spec.links),
        "Deps": list(part.deps) or None,
        "FileWatchIgnores": _ignores(part.ignores),
        "AllowParallel": spec.allow_parallel,
        "ReadinessProbe": probe.to_wire() if probe else None,
        "ServeCmdDisableSource": None,
    }


def _command(found: Evaluation, command: CmdSpec) -> Json:
    body = command.to_wire()
    return {**body, "env": _own(found, command.env)}


def _own(found: Evaluation, env: Sequence[str]) -> list[str]:
    """Return a command's variables without those that it has only because the Tiltfile changed os.environ."""
    inherited = {f"{name}={value}" for name, value in found.environ.items()}
    return [pair for pair in env if pair not in inherited]


def _ignores(rules: Iterable[IgnoreDef]) -> list[Json] | None:
    return [rule.to_wire() for rule in rules] or None


def _links(links: Iterable[Link]) -> list[Json] | None:
    return [{"URL": _url(link.url), "Name": link.name} for link in links] or None


def _url(text: str) -> Json:
    parts = urlsplit(text)
    path = unquote(parts.path)
    return {
        "Scheme": parts.scheme,
        "Opaque": "",
        "User": None,
        "Host": parts.netloc.rpartition("@")[2],
        "Path": path,
        "Fragment": unquote(parts.fragment),
        "RawQuery": parts.query,
        "RawPath": "",
        "RawFragment": "",
        "ForceQuery": False,
        "OmitHost": False,
    }
