"""ReplicaSet: makes and deletes Pods until there are as many as wanted."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from upright.controllers.node.pods_of import PodsOf
from upright.controllers.node.replicas import controller_of, next_available, plan, status_of
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.apps_v1.replica_set import ReplicaSet
from upright.openapi.core_v1.condition import find_condition
from upright.openapi.core_v1.label_selector import LabelSelector
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.errors import APIError, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.node.replicas import Plan
    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object

COMPONENT = "replicaset-controller"
FAILED_CREATE_SECONDS = 5.0
"""After how long a Pod that could not be made is tried again."""

_log = logging.getLogger(__name__)


class ReplicaSetController(Controller[ReplicaSet]):
    """Makes and deletes Pods until there are as many as wanted."""

    kind = ReplicaSet
    owns = (Pod,)

    def __init__(self, events: EventQueue) -> None:
        self._events = events

    @cached_property
    def _pods(self) -> PodsOf:
        return PodsOf(self.caches.client, self.caches)

    def watches(self) -> Iterable[Watch]:
        return (Watch(Pod, self._adopters), Watch(ServiceAccount, self._stuck))

    def _adopters(self, obj: Object) -> Iterable[Key]:
        """Return the ReplicaSets that would take a Pod nobody controls."""
        if controller_of(obj) is not None:
            return ()
        return [
            key_of(one)
            for one in self.caches.of(ReplicaSet).all()
            if one.metadata.namespace == obj.metadata.namespace and _selector(one).matches(obj.metadata.labels)
        ]

    def _stuck(self, account: Object) -> Iterable[Key]:
        """Return the ReplicaSets that could not make a Pod: its ServiceAccount may be there now."""
        return [
            key_of(one)
            for one in self.caches.of(ReplicaSet).all()
            if one.metadata.namespace == account.metadata.namespace
            and find_condition(one.status.conditions, "ReplicaFailure")
        ]

    async def reconcile(self, turn: Turn[ReplicaSet]) -> Outcome:
        replica_set = turn.obj
        if replica_set.metadata.deletion_timestamp is not None:
            return Outcome(status_of(replica_set, self._pods.of(replica_set), "", turn.now))
        pods = await self._pods.claim(replica_set, _selector(replica_set))
        trouble = await self._act(replica_set, plan(replica_set.spec.replicas, pods, turn.now))
        pods = self._pods.of(replica_set)
        status = status_of(replica_set, pods, trouble, turn.now)
        return Outcome(status, FAILED_CREATE_SECONDS if trouble else self._later(turn, pods))

    @staticmethod
    def _later(turn: Turn[ReplicaSet], pods: Sequence[Pod]) -> float | None:
        return next_available(pods, turn.obj.spec.min_ready_seconds, turn.now)

    async def _act(self, replica_set: ReplicaSet, todo: Plan) -> str:
        """Make and delete Pods; return what stopped one from being made."""
        for _ in range(todo.create):
            try:
                pod = await self._pods.create(replica_set.spec.template, replica_set)
            except Conflict:
                raise
            except APIError as error:
                self._events.tell(replica_set, "Warning", "FailedCreate", f"Error creating: {error.message}")
                return error.message
            self._events.tell(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {pod.name}")
        await self._pods.delete(todo.delete)
        for pod in todo.delete:
            self._events.tell(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.name}")
        return ""


def _selector(replica_set: ReplicaSet) -> LabelSelector:
    return replica_set.spec.selector or LabelSelector()
