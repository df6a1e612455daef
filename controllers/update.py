"""One update of a resource: which steps there are, which may begin, and how it is going; decided, not done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from upright.controllers import fingerprint
from upright.controllers.finalizers import APPLY_FINALIZER, CMD_FINALIZER, COMPOSE_FINALIZER
from upright.controllers.fingerprint import CAUSE, LOCALS, RESOURCE, SPAN
from upright.openapi.meta import Object, ObjectMeta, parse_time
from upright.openapi.v1alpha1.cmd import Cmd
from upright.openapi.v1alpha1.cmd_image import CmdImage
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
from upright.openapi.v1alpha1.docker_image import DockerImage
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply
from upright.openapi.v1alpha1.resource import (
    TRIGGER,
    TRIGGER_REASON,
    ComposeSpec,
    KubernetesSpec,
    LocalSpec,
    ObjectRef,
    Resource,
    ResourceImage,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from typing import Protocol

    K = TypeVar("K", bound=Object)

    class Find(Protocol):
        """Returns an object as last seen."""

        def __call__(self, kind: type[K], name: str, /) -> K | None: ...


_APPLY_RULE = "apply-refused"


class Update(Struct, frozen=True):
    """How the update is going, and the step objects that should exist by now."""

    state: Literal["running", "done", "failed"]
    steps: tuple[Step, ...]
    objects: tuple[Object, ...]
    error: str = ""
    rule: str = ""


def update(resource: Resource, cause: str, find: Find) -> Update:
    """Return how the update that was begun for ``cause`` is going."""
    spec = resource.spec
    if spec.local is not None:
        return _local(resource, spec.local, cause, find)
    if spec.kubernetes is not None:
        return _deployment(resource, _apply(resource, spec.kubernetes, cause, find), cause, find)
    if spec.compose is not None:
        return _deployment(resource, _compose_up(resource, spec.compose, cause, find), cause, find)
    return Update("done", (), ())


def cause_of(resource: Resource) -> str:
    """Return what an update of the resource as it stands would be begun for: its spec, and the last time it was triggered."""
    spec, asked = resource.spec, trigger_of(resource)
    inputs = (asked,) if asked else ()
    if spec.local is not None:
        return fingerprint.of_spec(spec.local, *inputs)
    if spec.kubernetes is not None:
        return fingerprint.of_spec(spec.kubernetes.model_copy(update={"display_names": ()}), *inputs)
    if spec.compose is not None:
        return fingerprint.of_spec(spec.compose, *inputs)
    return asked


def trigger_of(resource: Resource) -> str:
    """Return what somebody triggered the resource with last; nothing if nobody did."""
    return resource.metadata.annotations.get(TRIGGER, "")


def build_reason(resource: Resource) -> str:
    """Return, in Tilt's words, why the update that begins now begins."""
    history, asked = resource.status.build_history, trigger_of(resource)
    if asked and (not history or is_later(asked, history[0].start_time)):
        return resource.metadata.annotations.get(TRIGGER_REASON, "Unknown Trigger")
    return "Config Changed" if history else "Initial Build"


def is_later(asked: str, started: datetime | None) -> bool:
    """Whether a trigger came after the last update, or the last apply, began; what is no moment came whenever."""
    try:
        return started is None or parse_time(asked) > started
    except ValueError:
        return True


def step_meta(resource: Resource, name: str, cause: str, span: str, *finalizers: str) -> ObjectMeta:
    """Return the metadata of a step object of the resource; its controller's finalizer saves that one a write."""
    notes = {RESOURCE: resource.name, SPAN: span, CAUSE: cause}
    return ObjectMeta(name=name, annotations=notes, finalizers=finalizers)


def update_cmd_name(resource: Resource) -> str:
    """Return the name of the Cmd that is a local resource's update."""
    return f"{resource.name}:update"


def _local(resource: Resource, local: LocalSpec, cause: str, find: Find) -> Update:
    if local.update is None:
        return Update("done", (), ())
    name = update_cmd_name(resource)
    wanted = Cmd(metadata=step_meta(resource, name, cause, f"cmd:{name}", CMD_FINALIZER), spec=local.update)
    seen = find(Cmd, name)
    ended = seen.status.terminated if seen is not None and _is(seen, seen.status.ran, wanted) else None
    if ended is None:
        return Update("running", (_step(name, "running", wanted),), (wanted,))
    failed = ended.exit_code != 0
    told = f'Command "{_words(local.update.args)}" failed: {ended.reason}' if failed else ""
    step = _step(name, "failed" if failed else "done", wanted, told, (ended.started_at, ended.finished_at))
    return Update("failed" if failed else "done", (step,), (wanted,), told, "command-failed" if failed else "")


def _words(args: tuple[str, ...]) -> str:
    shell = len(args) == 3 and args[:2] == ("sh", "-c")
    return args[2] if shell else " ".join(args)


def locals_ahead(resource: Resource, find: Find) -> list[Resource]:
    """Return the local resources that the resource waits for, by whatever way: they may write what its images are built of."""
    ahead, seen = [*resource.spec.depends_on], dict[str, Resource]()
    while ahead:
        name = ahead.pop()
        found = find(Resource, name)
        if found is not None and name not in seen:
            seen[name] = found
            ahead += found.spec.depends_on
    return [seen[name] for name in sorted(seen) if seen[name].spec.local is not None]


def builds(resource: Resource, cause: str, find: Find) -> Update:
    """Return how the images of the resource are going, without what is deployed of them: they may be built before it may update."""
    steps: list[Step] = []
    objects: list[Object] = []
    built: set[str] = set()
    for image in resource.spec.images:
        step, wanted = _image(resource, image, cause, find, begin=built.issuperset(image.needs))
        steps.append(step)
        objects += [wanted] if wanted is not None else []
        if step.state == "failed":
            told, rule = f"building {image.selector.selector}: {step.error}", "build-failed"
            if _was_built(step, find):
                told, rule = f"bringing {image.selector.selector} to the cluster: {step.error}", "push-failed"
            return Update("failed", tuple(steps), tuple(objects), told, rule)
        built |= {image.image_map} if step.state == "done" else set()
    done = len(built) == len(resource.spec.images)
    return Update("done" if done else "running", tuple(steps), tuple(objects))


def _was_built(step: Step, find: Find) -> bool:
    """Whether the image of a step that failed is there, and only its way to the cluster is not."""
    name = step.object.name if step.object is not None else step.name
    seen = find(DockerImage, name) or find(CmdImage, name)
    return seen is not None and seen.status.ref != ""


def _deployment(resource: Resource, last: tuple[Step, Object, str], cause: str, find: Find) -> Update:
    """Return how building the images goes, and ``last``: the step that deploys them, its object and its rule."""
    step, deployed, rule = last
    building = builds(resource, cause, find)
    if building.state == "failed":
        return building
    if building.state == "running":
        waits = step.model_copy(update={"state": "waiting", "error": ""})
        return replace(building, steps=(*building.steps, waits))
    everything = ((*building.steps, step), (*building.objects, deployed))
    if step.state == "failed":
        return Update("failed", *everything, step.error, rule)
    return Update("done" if step.state == "done" else "running", *everything)


def _image(
    resource: Resource, image: ResourceImage, cause: str, find: Find, *, begin: bool
) -> tuple[Step, Object | None]:
    name = f"{resource.name}:{image.image_map}"
    meta = step_meta(resource, name, cause, f"build:{name}")
    if writers := locals_ahead(resource, find):
        noted = {**meta.annotations, LOCALS: " ".join(one.name for one in writers)}
        meta = meta.model_copy(update={"annotations": noted})
    wanted: DockerImage | CmdImage
    seen: DockerImage | CmdImage | None
    if image.docker_image is not None:
        wanted, seen = DockerImage(metadata=meta, spec=image.docker_image), find(DockerImage, name)
    elif image.cmd_image is not None:
        wanted, seen = CmdImage(metadata=meta, spec=image.cmd_image), find(CmdImage, name)
    else:
        return Step(name=name, state="failed", error="the image has no way to be built"), None
    if not begin:
        return _step(name, "waiting", wanted), None
    done = seen.status.completed if seen is not None and _is(seen, seen.status.built, wanted) else None
    if seen is None or done is None:
        pushing = seen.status.pushing if seen is not None else None
        far = f"to its cluster: {pushing.progress}" if pushing is not None and pushing.progress else ""
        return _step(name, "running", wanted).model_copy(update={"progress": far}), wanted
    times = (done.started_at, done.finished_at)
    if done.error:
        return _step(name, "failed", wanted, done.error, times), wanted
    mapped = find(ImageMap, image.image_map)
    known = mapped is not None and mapped.status.image_from_local == seen.status.ref
    return _step(name, "done" if known else "running", wanted, "", times), wanted


def with_apply_limit(resource: Resource, limit: timedelta | None) -> Resource:
    """Return the resource with this limit for its apply; None leaves the one of ``update_settings``."""
    kubernetes = resource.spec.kubernetes
    if limit is None or kubernetes is None:
        return resource
    limited = kubernetes.model_copy(update={"apply": kubernetes.apply.model_copy(update={"timeout": limit})})
    return resource.model_copy(update={"spec": resource.spec.model_copy(update={"kubernetes": limited})})


def _apply(resource: Resource, kubernetes: KubernetesSpec, cause: str, find: Find) -> tuple[Step, Object, str]:
    meta = step_meta(resource, resource.name, cause, f"kubernetesapply:{resource.name}", APPLY_FINALIZER)
    wanted = KubernetesApply(metadata=_triggered(meta, resource), spec=kubernetes.apply)
    seen = find(KubernetesApply, resource.name)
    if seen is None or not _is(seen, seen.status.applied_input_hash, wanted, *image_refs(wanted, find)):
        return _step(f"{resource.name}:apply", "running", wanted), wanted, _APPLY_RULE
    times = (seen.status.last_apply_start_time, seen.status.last_apply_time)
    state: Literal["failed", "done"] = "failed" if seen.status.error else "done"
    return _step(f"{resource.name}:apply", state, wanted, seen.status.error, times), wanted, _APPLY_RULE


def _triggered(meta: ObjectMeta, resource: Resource) -> ObjectMeta:
    """Return the metadata of what deploys, with the resource's trigger: by that it knows that things are to run anew."""
    asked = trigger_of(resource)
    return meta.model_copy(update={"annotations": {**meta.annotations, TRIGGER: asked}}) if asked else meta


def _compose_up(resource: Resource, compose: ComposeSpec, cause: str, find: Find) -> tuple[Step, Object, str]:
    meta = step_meta(resource, resource.name, cause, f"dc:{resource.name}", COMPOSE_FINALIZER)
    wanted = DockerComposeService(metadata=_triggered(meta, resource), spec=compose.service)
    seen = find(DockerComposeService, resource.name)
    name, rule = f"{resource.name}:up", "compose-up-failed"
    if seen is None or not _is(seen, seen.status.applied_input_hash, wanted, *local_refs(wanted.spec.image_maps, find)):
        return _step(name, "running", wanted), wanted, rule
    times = (seen.status.last_apply_start_time, seen.status.last_apply_finish_time)
    state: Literal["failed", "done"] = "failed" if seen.status.apply_error else "done"
    return _step(name, state, wanted, seen.status.apply_error, times), wanted, rule


def image_refs(apply: KubernetesApply, find: Find) -> tuple[str, ...]:
    """Return the built images that an apply reads, in its order; empty text for one that is not built."""
    maps = [find(ImageMap, name) for name in apply.spec.image_maps]
    return tuple(found.status.image if found is not None else "" for found in maps)


def local_refs(image_maps: Iterable[str], find: Find) -> tuple[str, ...]:
    """Return the built images as the engine that built them knows them; empty text for one that is not built."""
    maps = [find(ImageMap, name) for name in image_maps]
    return tuple(found.status.image_from_local if found is not None else "" for found in maps)


def _is(seen: Object, ran: str, wanted: Object, *inputs: str) -> bool:
    """Whether what ran is what is wanted; ``seen`` may still be as an earlier cause left it."""
    return ran != "" and ran == fingerprint.of_step(wanted, *inputs) and ran == fingerprint.of_step(seen, *inputs)


def _step(
    name: str,
    state: Literal["waiting", "running", "done", "failed"],
    obj: Object,
    error: str = "",
    times: tuple[datetime | None, datetime | None] = (None, None),
) -> Step:
    about = obj.definition
    ref = ObjectRef(group=about.group, api_version=about.version, kind=about.kind, name=obj.metadata.name)
    return Step(name=name, state=state, start_time=times[0], finish_time=times[1], object=ref, error=error)
