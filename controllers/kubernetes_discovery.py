"""The KubernetesDiscovery controller: says what the cluster shows of applied objects, and opens logs and ports of their pods."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from upright.controllers import observation
from upright.controllers.clusters import DEFAULT_CLUSTER, EMBEDDED_PRODUCT
from upright.controllers.event_lines import EventLines
from upright.controllers.fingerprint import RESOURCE, SPAN
from upright.controllers.pod_choice import current_pods, forward_for, selected
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.controllers.sight import ALWAYS
from upright.controllers.verdict.custom_resources import is_custom
from upright.controllers.verdict.workloads import NEEDED_BY_OTHERS, answered, is_watched
from upright.controllers.webhook_services import LOOK_AGAIN_SECONDS, SLICES, WEBHOOKS, services, with_endpoints
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.kubernetes_discovery import (
    DiscoveryRunning,
    KubernetesDiscovery,
    KubernetesDiscoveryStatus,
)
from upright.openapi.v1alpha1.pod_log_stream import PodLogStream, PodLogStreamSpec
from upright.openapi.v1alpha1.port_forward import PortForward
from upright.openapi.v1alpha1.triggers import StepWaiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from upright.controllers.clusters import Clusters
    from upright.controllers.runtime.turn import Turn
    from upright.controllers.sight import Sight
    from upright.controllers.world.logs import Logs
    from upright.openapi.meta import Json, Object
    from upright.openapi.v1alpha1.kubernetes_discovery import ObservedEvent, ObservedObject, Pod, WatchRef


KUBELET_DELAY = timedelta(seconds=2)
"""How long a kubelet may take to tell that a container ended: it looks once a second, and then has to say so."""


class KubernetesDiscoveryController(Controller[KubernetesDiscovery]):
    """Looks for the pods of applied objects: by who owns them, and by labels."""

    kind: ClassVar[type[Object]] = KubernetesDiscovery
    owns: ClassVar[tuple[type[Object], ...]] = (PodLogStream, PortForward)

    def __init__(self, clusters: Clusters, logs: Logs) -> None:
        self._clusters = clusters
        self._logs = logs
        self._event_lines = EventLines()
        self._interested: dict[str, set[Key]] = {}
        self._heard: set[int] = set()

    def watches(self) -> Iterable[Watch]:
        yield Watch(Cluster, self._all)

    async def reconcile(self, turn: Turn[KubernetesDiscovery]) -> Outcome:
        discovery = turn.obj
        sight = self._clusters.sight(discovery.spec.cluster)
        if sight is None:
            return Outcome(_unseen(discovery.status, turn.now))
        self._listen(sight, discovery)
        if any(_makes_more(watch) for watch in discovery.spec.watches):
            sight.follow_owners()
        kinds = self._kinds(discovery, sight)
        view = turn.tasks.ensure("sight", (id(sight), *kinds), lambda report: self._look(sight, kinds, report))
        if not view.done:
            # a controller before this one may have lost sight already, and nothing was seen since
            lost_at = discovery.status.sight_lost_at or sight.lost_at
            blind = discovery.status.model_copy(update={"sight_lost_at": lost_at, "waiting": None})
            return Outcome(blind if lost_at is not None else None)
        if view.error is not None:
            return Outcome(KubernetesDiscoveryStatus(waiting=StepWaiting(reason=str(view.error))))
        status = self._see(turn, sight)
        self._tell(discovery, status.events)
        present = next((forward.spec.pod_name for forward in turn.owned(PortForward)), "")
        await turn.apply(self._wanted(discovery, status.pods, present), prune=(PodLogStream, PortForward))
        unanswered = any(one.kind in WEBHOOKS and not answered(one) for one in status.objects)
        return Outcome(status, LOOK_AGAIN_SECONDS if unanswered else None)

    def _kinds(self, discovery: KubernetesDiscovery, sight: Sight) -> tuple[tuple[str, str, str], ...]:
        """Return apiVersion, kind and namespace of all that must be mirrored."""
        found: dict[tuple[str, str, str], None] = {}
        for watch in discovery.spec.watches:
            for api_version, kind in ALWAYS:
                found[api_version, kind, watch.namespace] = None
            group = watch.api_version.rpartition("/")[0]
            if watch.kind and is_watched(group, watch.kind):
                namespace = "" if watch.kind in NEEDED_BY_OTHERS else watch.namespace
                found[watch.api_version, watch.kind, namespace] = None
            if watch.kind in WEBHOOKS and (body := sight.get(watch.uid)) is not None:
                for service in services(body):
                    found[*SLICES, service.namespace] = None
        return tuple(found)

    async def _look(
        self, sight: Sight, kinds: tuple[tuple[str, str, str], ...], report: Callable[[object], None]
    ) -> None:
        del report
        for api_version, kind, namespace in kinds:
            await sight.watch([(api_version, kind)], namespace)

    def _see(self, turn: Turn[KubernetesDiscovery], sight: Sight) -> KubernetesDiscoveryStatus:
        discovery, before = turn.obj, turn.obj.status
        old = {pod.uid: pod for pod in before.pods}
        delay = _delay(turn.get(Cluster, discovery.spec.cluster or DEFAULT_CLUSTER))
        pods: dict[str, Pod] = {}
        objects: dict[str, ObservedObject] = {}
        for ancestor, body in self._found(discovery, sight):
            uid = body["metadata"]["uid"]
            if body["kind"] == "Pod":
                pods[uid] = observation.pod(body, ancestor, old.get(uid), turn.now, delay)
            if uid in {watch.uid for watch in discovery.spec.watches} or body["kind"] == "ReplicaSet":
                objects[uid] = observation.observed(with_endpoints(body, sight) if body["kind"] in WEBHOOKS else body)
        for watch in discovery.spec.watches:
            if watch.name and not watch.uid:
                named = sight.named(watch.api_version, watch.kind, watch.namespace, watch.name)
                if named is not None:
                    objects[named["metadata"]["uid"]] = observation.observed(named)
        objects |= _gone(discovery, objects, sight, turn.now)
        told = current_pods(list(pods.values()), objects, sight)
        return KubernetesDiscoveryStatus(
            monitor_start_time=before.monitor_start_time or turn.now,
            pods=told,
            objects=tuple(o for o in objects.values() if o.kind != "ReplicaSet" or not o.owner_uids),
            events=tuple(self._events([*(pod.uid for pod in told), *objects], sight)),
            running=DiscoveryRunning(start_time=before.monitor_start_time or turn.now),
            sight_lost_at=sight.lost_at,
        )

    def _found(self, discovery: KubernetesDiscovery, sight: Sight) -> Iterable[tuple[str, Json]]:
        """Yield each object below a watched one, with that one's uid; then pods that the labels match."""
        namespaces: dict[str, None] = {}
        for watch in discovery.spec.watches:
            namespaces[watch.namespace] = None
            if watch.uid:
                for body in sight.below(watch.uid):
                    yield watch.uid, body
        for selector in discovery.spec.extra_selectors:
            for namespace in namespaces:
                for body in sight.pods(namespace):
                    if selected(selector, body):
                        yield "", body

    def _events(self, uids: Iterable[str], sight: Sight) -> Iterable[ObservedEvent]:
        for uid in uids:
            for body in sight.events(uid):
                yield observation.event(body)

    def _tell(self, discovery: KubernetesDiscovery, events: tuple[ObservedEvent, ...]) -> None:
        """Log what the cluster warns of, and its pulls."""
        meta = discovery.metadata
        resource = meta.annotations.get(RESOURCE, discovery.name)
        for line, warns in self._event_lines.unsaid(discovery.status.events, events, meta.creation_timestamp):
            self._logs.open(f"events:{resource}", resource).write(line, level="WARN" if warns else "INFO")

    def _wanted(self, discovery: KubernetesDiscovery, pods: tuple[Pod, ...], present: str) -> Iterable[Object]:
        spec, notes = discovery.spec, discovery.metadata.annotations
        resource = notes.get(RESOURCE, discovery.name)
        for pod in pods:
            meta = ObjectMeta(
                name=f"{discovery.name}-{pod.namespace}-{pod.name}",
                annotations={RESOURCE: resource, SPAN: f"pod:{resource}:{pod.name}"},
            )
            template = spec.pod_log_stream_template_spec
            limits = template.model_dump() if template is not None else {}
            yield PodLogStream(
                metadata=meta,
                spec=PodLogStreamSpec(pod=pod.name, namespace=pod.namespace, cluster=spec.cluster, **limits),
            )
        if spec.port_forward_template_spec is not None:
            forward = forward_for(discovery, pods, spec.port_forward_template_spec, present)
            if forward is not None:
                yield forward

    def _listen(self, sight: Sight, discovery: KubernetesDiscovery) -> None:
        """Be woken for the uids this discovery is about; for labels, by any change of a pod."""
        key = Key("", discovery.name)
        for watch in discovery.spec.watches:
            self._interested.setdefault(watch.uid, set()).add(key)
        if discovery.spec.extra_selectors:
            self._interested.setdefault("", set()).add(key)
        if id(sight) not in self._heard:
            self._heard.add(id(sight))
            sight.subscribe(self._changed, self._sight_changed)

    def _changed(self, uids: Iterable[str]) -> None:
        for key in self._interested.get("", ()):
            self.wake(key)
        for uid in uids:
            for key in self._interested.get(uid, ()):
                self.wake(key)

    def _sight_changed(self) -> None:
        for key in {key for keys in self._interested.values() for key in keys}:
            self.wake(key)

    def _all(self, obj: Object) -> Iterable[Key]:
        del obj
        return [Key("", found.name) for found in self.caches.of(KubernetesDiscovery).all()]


def _gone(
    discovery: KubernetesDiscovery, there: Mapping[str, ObservedObject], sight: Sight, now: datetime
) -> dict[str, ObservedObject]:
    """Return the watched objects that are gone, as they were last; also what went while nobody looked."""
    found: dict[str, ObservedObject] = {}
    seen_before = {one.uid: one for one in discovery.status.objects} if sight.lost_at is None else {}
    for uid in {watch.uid for watch in discovery.spec.watches if watch.uid and watch.uid not in there}:
        if (last := sight.gone(uid)) is not None:
            found[uid] = observation.observed(last[0]).model_copy(update={"deleted_at": last[1]})
        elif (one := seen_before.get(uid)) is not None:
            found[uid] = one.model_copy(update={"deleted_at": one.deleted_at or now})
    return found


def _makes_more(watch: WatchRef) -> bool:
    """Whether pods may be further below the object than we mirror."""
    return bool(watch.uid) and (watch.kind == "CronJob" or is_custom(watch.api_version.rpartition("/")[0]))


def _unseen(before: KubernetesDiscoveryStatus, now: datetime) -> KubernetesDiscoveryStatus:
    """Return what was seen last, of a cluster that is not connected (again): nobody knows that any of it is gone."""
    lost_at = before.sight_lost_at or (now if before.monitor_start_time is not None else None)
    waiting = StepWaiting(reason="ClusterUnavailable")
    return before.model_copy(update={"waiting": waiting, "sight_lost_at": lost_at})


def _delay(cluster: Cluster | None) -> timedelta:
    """Return how long after a container's end the cluster may tell of it; the embedded one, whose engine tells us, at once."""
    reached = cluster.status.connection.kubernetes if cluster is not None and cluster.status.connection else None
    return timedelta() if reached is not None and reached.product == EMBEDDED_PRODUCT else KUBELET_DELAY
