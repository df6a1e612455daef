"""Pods that are bound to the node: runs them, says how they are, and lets them go when their containers have."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.controllers.node.backoff import SETTLE_SECONDS
from upright.controllers.node.pod_end import end_pod, grace_of
from upright.controllers.node.pod_status import status
from upright.controllers.node.pod_worker import PodWorker
from upright.controllers.node.references import references
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.secret import Secret
from upright.openapi.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from upright.controllers.node.sight import Seen
    from upright.controllers.node.sweeper import Sweeper
    from upright.controllers.node.workplace import Workplace
    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Caches, Turn
    from upright.openapi.core_v1.pod_status import PodStatus
    from upright.openapi.meta import Object

RUN, END = "run", "end"


class PodController(Controller[Pod]):
    """The node agent. Each bound pod has a worker; a pod that is being deleted has its end."""

    kind = Pod

    def __init__(self, workplace: Workplace, sweeper: Sweeper) -> None:
        self._workplace = workplace
        self._sweeper = sweeper
        self._workers: dict[str, PodWorker] = {}

    def watches(self) -> Iterable[Watch]:
        return (Watch(ConfigMap, self._concerned), Watch(Secret, self._concerned), Watch(Pod, self._gone))

    def look(self, uid: str) -> None:
        """Have a pod's worker look at its containers, or every worker if no pod is named."""
        for worker in [self._workers[uid]] if uid in self._workers else [] if uid else self._workers.values():
            worker.bell.ring()

    def _concerned(self, obj: Object) -> Iterable[Key]:
        meta = obj.metadata
        for pod in self.caches.of(Pod).all():
            if pod.metadata.namespace == meta.namespace and (type(obj), meta.name) in references(pod.spec):
                yield key_of(pod)

    def _gone(self, obj: Object) -> Iterable[Key]:
        """Have everything removed of a pod that is gone without waiting for its end."""
        now = self.caches.of(Pod).get(key_of(obj))
        if now is None or now.metadata.uid != obj.metadata.uid:
            self._sweeper.gone(obj.metadata.uid)
        return ()

    async def reconcile(self, turn: Turn[Pod]) -> Outcome:
        pod = turn.obj
        if not pod.spec.node_name:
            return Outcome()
        if pod.metadata.deletion_timestamp is not None:
            return await self._end(turn)
        view = turn.tasks.ensure(RUN, pod.metadata.uid, partial(self._run, key_of(pod), pod.metadata.uid))
        if view.error is not None:
            await turn.tasks.end(RUN)
            raise view.error
        if worker := self._workers.get(pod.metadata.uid):
            worker.refer(_versions(pod, self.caches))
        if view.value is None:
            return Outcome()
        return Outcome(self._status(turn, view.value), _looks_again(view.value, turn.now))

    async def _end(self, turn: Turn[Pod]) -> Outcome:
        pod, uid = turn.obj, turn.obj.metadata.uid
        await turn.tasks.end(RUN)
        view = turn.tasks.ensure(END, (uid, grace_of(pod)), partial(end_pod, self._workplace, pod))
        if view.error is not None:
            await turn.tasks.end(END)
            raise view.error
        if view.done:
            with suppress(NotFound, Conflict):
                await turn.client.delete(Pod, pod.name, namespace=pod.metadata.namespace, uid=uid, grace_seconds=0)
            return Outcome()
        return Outcome(self._status(turn, view.value) if view.value else None)

    def _status(self, turn: Turn[Pod], seen: Seen) -> PodStatus:
        return status(turn.obj, seen, self._workplace.network.host_ip, turn.now)

    async def _run(self, key: Key, uid: str, report: Callable[[Seen], None]) -> None:
        def current() -> Pod | None:
            pod = self.caches.of(Pod).get(key)
            return pod if pod is not None and pod.metadata.uid == uid else None

        worker = PodWorker(self._workplace, current, _Lookup(self.caches, key.namespace))
        self._workers[uid] = worker
        try:
            with self._sweeper.at_work(uid):
                await worker.run(report)
        finally:
            self._workers.pop(uid, None)


class _Lookup(Struct, frozen=True):
    """Finds ConfigMaps and Secrets of a namespace in the mirrors."""

    caches: Caches
    namespace: str

    def config_map(self, name: str) -> ConfigMap | None:
        return self.caches.get(ConfigMap, name, self.namespace)

    def secret(self, name: str) -> Secret | None:
        return self.caches.get(Secret, name, self.namespace)


def _versions(pod: Pod, caches: Caches) -> tuple[str, ...]:
    found = (caches.get(kind, name, pod.metadata.namespace) for kind, name in sorted(references(pod.spec), key=str))
    return tuple(one.metadata.resource_version if one is not None else "" for one in found)


def _looks_again(seen: Seen, now: datetime) -> float | None:
    """Return in how many seconds an end or a failure is shown as the wait that follows it."""
    settle = timedelta(seconds=SETTLE_SECONDS)
    moments = [problem.at + settle for problem in seen.problems.values()]
    moments += [one.ended_at + settle for one in seen.containers if one.ended]
    return min(((moment - now).total_seconds() for moment in moments if moment > now), default=None)
