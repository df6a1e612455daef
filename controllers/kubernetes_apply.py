"""The KubernetesApply controller: has objects in the cluster as wanted, with the images that were built."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
import orjson
from msgspec import Struct

from upright.controllers import fingerprint
from upright.controllers.apply_command import CommandFailed
from upright.controllers.clusters import DEFAULT_CLUSTER
from upright.controllers.deploying import Deploying, Place, ref_of
from upright.controllers.finalizers import APPLY_FINALIZER
from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.surplus_objects import surplus, with_what_is_left
from upright.controllers.tiltfile.injection import template_hashes
from upright.controllers.update import image_refs, is_later
from upright.openapi.errors import APIError, ServiceUnavailable
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
        deploying = Deploying(place, log, client_side=apply.spec.server_side_apply is False)
        try:
            with anyio.fail_after(_seconds(apply)):
                answers = await self._answers(apply, maps, place, deploying)
        except (APIError, ValueError, TimeoutError) as error:
            there = with_what_is_left(apply.status.objects, [_applied(answer) for answer in deploying.answers])
            return _Applied(started, self._clock(), there, error=_told_late(apply, error))
        names = "\n".join(f"  → {_display(answer)}" for answer in answers)
        log.write(f"Objects applied to cluster:\n{names}")
        objects = tuple(_applied(answer) for answer in answers)
        if apply.spec.delete_cmd is None:
            await self._end_surplus(apply, objects, place)
        result = "---\n".join(f"{orjson.dumps(answer).decode()}\n" for answer in answers)
        return _Applied(started, self._clock(), objects, result)

    async def _answers(
        self, apply: KubernetesApply, maps: Sequence[ImageMap], place: Place, deploying: Deploying
    ) -> Sequence[Json]:
        """Apply, and return the objects as the cluster, or the command, told them."""
        by_command = apply.spec.apply_cmd
        if by_command is not None:
            return await self._commands.apply(by_command, maps, self._log(apply))
        await self._end(place.kubernetes, run_anew(apply), self._log(apply))
        await deploying.apply(self._prepare(apply, maps))
        return deploying.answers

    async def _end(self, kubernetes: Kubernetes, objects: Sequence[AppliedObject], log: LogWriter) -> None:
        """Delete what is to run anew."""
        for obj in objects:
            log.write(f"Triggered: deleting {obj.kind}/{obj.name}, which is made anew")
            await kubernetes.delete(ref_of(obj))

    async def _end_surplus(self, apply: KubernetesApply, now: Sequence[AppliedObject], place: Place) -> None:
        """Delete what was applied for the resource before and is not among these, unless somebody else has it now."""
        others = (one for one in self.caches.of(KubernetesApply).all() if _is_another(one, apply))
        found = surplus(apply.status, now, others, place.namespace)
        log = self._log(apply)
        if found.kept:
            log.write(f"Kept, as their annotations say: {', '.join(f'{one.kind}/{one.name}' for one in found.kept)}")
        if found.going:
            with anyio.move_on_after(_seconds(apply)) as limit:
                await Deploying(place, log).delete(found.going)
            if limit.cancelled_caught:
                log.write(f"deleting took more than {_seconds(apply):g}s: what was left is left", level="ERROR")

    async def finalize(self, turn: Turn[KubernetesApply]) -> None:
        """Delete what was applied, but namespaces and what is to be kept; by the user's command where there is one."""
        apply = turn.obj
        by_command = apply.spec.delete_cmd
        if by_command is not None:
            if apply.status.applied_input_hash:
                await self._delete_by_command(apply, by_command)
            return
        if not apply.status.objects:
            return
        cluster = turn.get(Cluster, apply.spec.cluster or DEFAULT_CLUSTER)
        kubernetes = self._clusters.get(apply.spec.cluster)
        if kubernetes is not None:
            await self._end_surplus(apply, (), Place(kubernetes, namespace_of(cluster)))
        elif cluster is not None and not cluster.status.error:
            raise ServiceUnavailable("the cluster is not connected: what was deployed there is deleted when it is")

    async def _delete_by_command(self, apply: KubernetesApply, said: ApplyCmd) -> None:
        """Run the command; that it failed is logged, and not tried again."""
        log = self._log(apply)
        try:
            with anyio.fail_after(_seconds(apply)):
                await self._commands.delete(said, log)
        except TimeoutError:
            log.write(f"delete command timed out after {_seconds(apply):g}s", level="ERROR")
        except CommandFailed as error:
            log.write(str(error), level="ERROR")

    def _log(self, apply: KubernetesApply) -> LogWriter:
        notes = apply.metadata.annotations
        return self._logs.open(notes.get(SPAN, f"kubernetesapply:{apply.name}"), notes.get(RESOURCE, ""))

    def _users_of(self, obj: Object) -> Iterable[Key]:
        for apply in self.caches.of(KubernetesApply).all():
            if obj.name in apply.spec.image_maps:
                yield Key("", apply.name)


def _seconds(apply: KubernetesApply) -> float:
    limit = apply.spec.timeout
    return limit.total_seconds() if limit else DEFAULT_TIMEOUT_SECONDS


def _told_late(apply: KubernetesApply, error: Exception) -> str:
    """Return what went wrong; of what took too long also what it waited for, and which limit that was."""
    if not isinstance(error, TimeoutError):
        return str(error)
    limit = apply.spec.timeout
    told = format_duration(limit) if limit else f"{DEFAULT_TIMEOUT_SECONDS:g}s"
    what = "apply" if apply.spec.apply_cmd is None else "apply command"
    for_what = f" ({error})" if str(error) else ""
    where = "update_settings(k8s_upsert_timeout_secs=…), or the limit apply_timeout"
    return f"{what} timed out after {told}{for_what}: see {where}"


def _is_another(one: KubernetesApply, apply: KubernetesApply) -> bool:
    """Whether it is another one, of the same cluster, and stays."""
    same_cluster = (one.spec.cluster or DEFAULT_CLUSTER) == (apply.spec.cluster or DEFAULT_CLUSTER)
    return one.name != apply.name and same_cluster and one.metadata.deletion_timestamp is None


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
        template_hashes=tuple(template_hashes(answer)),
    )


def _display(answer: Json) -> str:
    return f"{answer['metadata']['name']}:{str(answer['kind']).lower()}"
