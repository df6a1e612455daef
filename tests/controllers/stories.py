"""Resources and their steps, as they are at some point of a run; what the tables of cases are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from upright.openapi.meta import Object, ObjectMeta
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.docker_image import DockerImageSpec
from upright.openapi.v1alpha1.image_map import ImageMapSpec
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplySpec
from upright.openapi.v1alpha1.probe import ExecAction, Probe
from upright.openapi.v1alpha1.resource import KubernetesSpec, LocalSpec, Resource, ResourceImage, ResourceSpec

if TYPE_CHECKING:
    from upright.openapi.meta import Model

K = TypeVar("K", bound=Object)
PROBE = Probe(exec=ExecAction(command=("true",)))


@dataclass(slots=True)
class Mirror:
    """Finds objects that are put in, as a controller's mirrors do."""

    objects: dict[tuple[type[Object], str], Object] = field(default_factory=dict[tuple[type[Object], str], Object])

    def __call__(self, kind: type[K], name: str, /) -> K | None:
        found = self.objects.get((kind, name))
        return found if isinstance(found, kind) else None

    def put(self, obj: Object, status: Model | None = None) -> None:
        """Have the object, with this status."""
        kept = obj.model_copy(update={"status": status}) if status is not None else obj
        self.objects[type(obj), obj.name] = kept


def shell(script: str, **more: object) -> CmdSpec:
    return CmdSpec.model_validate({"args": ("sh", "-c", script), **more})


def local(name: str = "web", update: str = "", serve: CmdSpec | None = None, **spec: object) -> Resource:
    made = LocalSpec(update=shell(update) if update else None, serve=serve)
    return Resource(
        metadata=ObjectMeta(name=name, uid=f"uid-of-{name}"),
        spec=ResourceSpec.model_validate({"kind": "local", "local": made, **spec}),
    )


def image(name: str, *needs: str) -> ResourceImage:
    docker = DockerImageSpec(ref=name, dockerfile_contents="FROM scratch", image_maps=needs)
    return ResourceImage(image_map=name, selector=ImageMapSpec(selector=name), docker_image=docker, needs=needs)


def deployment(name: str = "web", *images: ResourceImage, yaml: str = "kind: Deployment", **spec: object) -> Resource:
    apply = KubernetesApplySpec(yaml=yaml, image_maps=tuple(one.image_map for one in images))
    made = KubernetesSpec(images=images, apply=apply, display_names=(f"{name}:deployment",))
    return Resource(
        metadata=ObjectMeta(name=name, uid=f"uid-of-{name}"),
        spec=ResourceSpec.model_validate({"kind": "kubernetes", "kubernetes": made, **spec}),
    )
