"""The KubernetesApply controller: has objects in the cluster as wanted, with the images that were built."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import orjson
from msgspec import Struct

from upright.client.heard_warnings import hearing
from upright.controllers import fingerprint
from upright.controllers.apply_command import CommandFailed
from upright.controllers.apply_order import waves
from upright.controllers.clusters import DEFAULT_CLUSTER
from upright.controllers.finalizers import APPLY_FINALIZER
from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.update import image_refs, is_later
from upright.controllers.world.kubernetes import Ref
from upright.openapi.errors import APIError
from upright.openapi.meta import ObjectMeta, format_duration
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import AppliedObject, KubernetesApply, KubernetesApplyStatus
from upright.openapi.v1alpha1.kubernetes_discovery import (
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    WatchRef,
)
from upright.openapi.v1alpha1.resource import TRIGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from upright.controllers.apply_command import ApplyCommands
    from upright.controllers.clusters import Clusters
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.world.kubernetes import Kubernetes
    from upright.controllers.world.logs import Logs, LogWriter
    from upright.openapi.meta import Json, Object
    from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd

DEFAULT_NAMESPACE = "default"
APPLIES_AT_ONCE = 10
DEFAULT_TIMEOUT_SECONDS = 30.0
_RUNS = frozenset(
    {("v1", "Pod"), ("v1", "ReplicationController"), ("batch/v1", "Job"), ("batch/v1", "CronJob")}
    | {("apps/v1", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")}
)


class _Applied(Struct, frozen=True):
    started: datetime
    finished: datetime
    objects: tuple[AppliedObject, ...] = ()
    result: str = ""
    error: str = ""


class Place(Struct, frozen=True):
    """Where objects go: a cluster, and the namespace of those that name none."""

    kubernetes: Kubernetes
    namespace: str


class KubernetesApplyController(Controller[KubernetesApply]):
    """Applies each KubernetesApply once for each spec, cause and set of images.

    ``prepare`` reads the YAML and puts the built images into it; it raises ValueError for what cannot be.
    ``commands`` runs the user's own, where they apply.
    """

    kind: ClassVar[type[Object]] = KubernetesApply
    heeds_status: ClassVar[bool] = False
    owns: ClassVar[tuple[type[Object], ...]] = (KubernetesDiscovery,)
    finalizer: ClassVar[str] = APPLY_FINALIZER

    def __init__(
        self,
        clusters: Clusters,
        logs: Logs,
        clock: Callable[[], datetime],
        prepare: Callable[[KubernetesApply, Sequence[ImageMap]], list[Json]],
        commands: ApplyCommands,
    ) -> None:
        self._clusters = clusters
        self._logs = logs
        self._clock = clock
        self._prepare = prepare
        self._commands = commands

    def watches(self) -> Iterable[Watch]:
        yield Watch(Cluster, lambda _: [Key("", found.name) for found in self.caches.of(KubernetesApply).all()])
        yield Watch(ImageMap, self._users_of)

    async def reconcile(self, turn: Turn[KubernetesApply]) -> Outcome:
        apply = turn.obj
        kubernetes = self._clusters.get(apply.spec.cluster)
        references = image_refs(apply, turn.get)
        if kubernetes is None or not all(references):
            return Outcome()
        print_ = fingerprint.of_step(apply, *references)
        status = apply.status
        if status.applied_input_hash != print_:
            maps = [found for name in apply.spec.image_maps if (found := turn.get(ImageMap, name)) is not None]
            place = Place(kubernetes, namespace_of(turn.get(Cluster, apply.spec.cluster or DEFAULT_CLUSTER)))
            view = turn.tasks.ensure("apply", print_, partial(self._apply, apply, maps, place))
            if not view.done:
                return Outcome()
            status = self._told(view.result, view.error, print_, turn.now)
        if not status.error:
            await turn.apply([_discovery(apply, status.objects)])
        return Outcome(status)

    def _told(
        self, applied: _Applied | None, error: BaseException | None, print_: str, now: datetime
    ) -> KubernetesApplyStatus:
        done = applied or _Applied(now, now, error=str(error))
        return KubernetesApplyStatus(
            result_yaml=done.result,
            error=done.error,
            last_apply_start_time=done.started,
            last_apply_time=done.finished,
            applied_input_hash=print_,
            objects=done.objects,
        )

    async def _apply(
        self,
        apply: KubernetesApply,
        maps: Sequence[ImageMap],
        place: Place,
        report: Callable[[Any], None],
    ) -> _Applied:
        del report
        started = self._clock()
        log = self._log(apply)
        limit = apply.spec.timeout
        told = format_duration(limit) if limit else f"{DEFAULT_TIMEOUT_SECONDS:g}s"
        by_command = apply.spec.apply_cmd
        try:
            with anyio.fail_after(limit.total_seconds() if limit else DEFAULT_TIMEOUT_SECONDS):
                if by_command is not None:
                    answers = await self._commands.apply(by_command, maps, log)
                else:
                    await self._end(place.kubernetes, run_anew(apply), log)
                    answers = await self._all(place, self._prepare(apply, maps), log)
        except TimeoutError:
            what = "apply command" if by_command is not None else "apply"
            error = f"{what} timed out after {told}: see update_settings(k8s_upsert_timeout_secs=…), or the limit apply_timeout"
            return _Applied(started, self._clock(), error=error)
        except (APIError, ValueError) as error:
            return _Applied(started, self._clock(), error=str(error))
        names = "\n".join(f"  → {_display(answer)}" for answer in answers)
        log.write(f"Objects applied to cluster:\n{names}")
        result = "---\n".join(f"{orjson.dumps(answer).decode()}\n" for answer in answers)
        return _Applied(started, self._clock(), tuple(_applied(answer) for answer in answers), result)

    async def _end(self, kubernetes: Kubernetes, objects: Sequence[AppliedObject], log: LogWriter) -> None:
        """Delete what is to run anew."""
        for obj in objects:
            log.write(f"Triggered: deleting {obj.kind}/{obj.name}, which is made anew")
            await kubernetes.delete(Ref(obj.api_version, obj.kind, obj.name, obj.namespace))

    async def _all(self, place: Place, wanted: Sequence[Json], log: LogWriter) -> list[Json]:
        """Apply wave after wave, the objects of a wave at once; the first refusal is raised, with the object's name."""
        answers: dict[int, Json] = {}
        errors: list[Exception] = []
        limit = anyio.Semaphore(APPLIES_AT_ONCE)

        async def one(index: int, obj: Json) -> None:
            async with limit:
                try:
                    with hearing() as warnings:
                        answers[index] = await place.kubernetes.apply(obj, namespace=place.namespace)
                    for text in warnings:
                        log.write(f"{obj['kind']}/{obj['metadata'].get('name', '')}: {text}", level="WARN")
                except (APIError, ValueError) as error:
                    errors.append(type(error)(f"{obj['kind']}/{obj['metadata'].get('name', '')}: {error}"))

        for wave in waves(wanted):
            async with anyio.create_task_group() as group:
                for index, obj in wave:
                    group.start_soon(one, index, obj)
            if errors:
                raise errors[0]
        return [answers[index] for index in sorted(answers)]

    async def finalize(self, turn: Turn[KubernetesApply]) -> None:
        """Delete what was applied, but namespaces; by the user's command where there is one."""
        apply = turn.obj
        by_command = apply.spec.delete_cmd
        if by_command is not None:
            if apply.status.applied_input_hash:
                await self._delete_by_command(apply, by_command)
            return
        kubernetes = self._clusters.get(apply.spec.cluster)
        if kubernetes is None:
            return
        for obj in reversed(apply.status.objects):
            if obj.kind != "Namespace":
                await kubernetes.delete(Ref(obj.api_version, obj.kind, obj.name, obj.namespace))

    async def _delete_by_command(self, apply: KubernetesApply, said: ApplyCmd) -> None:
        """Run the command; that it failed is logged, and not tried again."""
        log = self._log(apply)
        limit = apply.spec.timeout
        try:
            with anyio.fail_after(limit.total_seconds() if limit else DEFAULT_TIMEOUT_SECONDS):
                await self._commands.delete(said, log)
        except TimeoutError:
            log.write("delete command timed out", level="ERROR")
        except CommandFailed as error:
            log.write(str(error), level="ERROR")

    def _log(self, apply: KubernetesApply) -> LogWriter:
        notes = apply.metadata.annotations
        return self._logs.open(notes.get(SPAN, f"kubernetesapply:{apply.name}"), notes.get(RESOURCE, ""))

    def _users_of(self, obj: Object) -> Iterable[Key]:
        for apply in self.caches.of(KubernetesApply).all():
            if obj.name in apply.spec.image_maps:
                yield Key("", apply.name)


def run_anew(apply: KubernetesApply) -> tuple[AppliedObject, ...]:
    """Return what was applied and runs, if somebody has triggered the resource since: applying it again would change nothing.

    Only what runs pods is deleted for that: with a volume claim or a custom resource more might go than can be made again.
    """
    asked, status = apply.metadata.annotations.get(TRIGGER, ""), apply.status
    if not asked or not is_later(asked, status.last_apply_start_time):
        return ()
    return tuple(obj for obj in status.objects if (obj.api_version, obj.kind) in _RUNS)


def namespace_of(cluster: Cluster | None) -> str:
    """Return the namespace of the cluster's connection."""
    connection = cluster.status.connection if cluster is not None else None
    resolved = connection.kubernetes if connection is not None else None
    return resolved.namespace if resolved is not None and resolved.namespace else DEFAULT_NAMESPACE


def _discovery(apply: KubernetesApply, objects: Sequence[AppliedObject]) -> KubernetesDiscovery:
    spec = apply.spec
    by_uid = spec.discovery_strategy != "selectors-only"
    watches = tuple(
        WatchRef(
            uid=obj.uid if by_uid else "",
            namespace=obj.namespace or DEFAULT_NAMESPACE,
            name=obj.name,
            api_version=obj.api_version,
            kind=obj.kind,
        )
        for obj in objects
    )
    template = spec.kubernetes_discovery_template_spec
    return KubernetesDiscovery(
        metadata=ObjectMeta(
            name=apply.name, annotations={RESOURCE: apply.metadata.annotations.get(RESOURCE, apply.name)}
        ),
        spec=KubernetesDiscoverySpec(
            watches=watches or (WatchRef(namespace=DEFAULT_NAMESPACE),),
            extra_selectors=template.extra_selectors if template is not None else (),
            port_forward_template_spec=spec.port_forward_template_spec,
            pod_log_stream_template_spec=spec.pod_log_stream_template_spec,
            cluster=spec.cluster,
        ),
    )


def _applied(answer: Json) -> AppliedObject:
    meta = answer["metadata"]
    return AppliedObject(
        api_version=answer["apiVersion"],
        kind=answer["kind"],
        name=meta["name"],
        namespace=meta.get("namespace", ""),
        uid=meta.get("uid", ""),
        generation=meta.get("generation", 0),
        resource_version=meta.get("resourceVersion", ""),
    )


def _display(answer: Json) -> str:
    return f"{answer['metadata']['name']}:{str(answer['kind']).lower()}"
