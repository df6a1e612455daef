"""Scheduler: gives Pods to the node while it has room, and says in Kubernetes' words why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.node.capacity import Amounts, free, requested
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.core_v1.node import NODE_NAME, Node
from upright.openapi.core_v1.node_affinity import affinity_matches
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.pod_status import PodCondition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.core_v1.pod_status import PodStatus
    from upright.openapi.meta import Object

COMPONENT = "default-scheduler"


def misfit(pod: Pod, node: Node | None, others: Iterable[Pod]) -> str:
    """Return why the Pod cannot go to the node that the others are on, in Kubernetes' words; empty if it can."""
    if node is None:
        return "no nodes available to schedule pods"
    fixed = sorted(_unfit(pod, node))
    reasons = fixed or sorted(_short(requested(pod), free(node, others)))
    if not reasons:
        return ""
    helpless = "Preemption is not helpful for scheduling" if fixed else "No preemption victims found for incoming pod"
    told = ", ".join(f"1 {reason}" for reason in reasons)
    return f"0/1 nodes are available: {told}. preemption: 0/1 nodes are available: 1 {helpless}."


def _unfit(pod: Pod, node: Node) -> Iterator[str]:
    if node.spec.unschedulable:
        yield "node(s) were unschedulable"
    labels = node.metadata.labels
    selected = all(labels.get(key) == value for key, value in pod.spec.node_selector.items())
    if not selected or not affinity_matches(pod.spec.affinity or {}, node.name, labels):
        yield "node(s) didn't match Pod's node affinity/selector"


def _short(wanted: Amounts, left: Amounts) -> Iterator[str]:
    if left.pods < wanted.pods:
        yield "Too many pods"
    if wanted.cpu and wanted.cpu > left.cpu:
        yield "Insufficient cpu"
    if wanted.memory and wanted.memory > left.memory:
        yield "Insufficient memory"
    if wanted.storage and wanted.storage > left.storage:
        yield "Insufficient ephemeral-storage"


def scheduled(status: PodStatus, trouble: str, now: datetime) -> PodStatus:
    """Return the status with the condition PodScheduled: False with the trouble, or True; no news leaves it as it is."""
    old = next((one for one in status.conditions if one.type == "PodScheduled"), None)
    word = "False" if trouble else "True"
    if old is not None and (old.status, old.message) == (word, trouble):
        return status
    new = PodCondition(
        type="PodScheduled",
        status=word,
        reason="Unschedulable" if trouble else "",
        message=trouble,
        last_transition_time=old.last_transition_time if old is not None and old.status == word else now,
    )
    others = tuple(one for one in status.conditions if one.type != "PodScheduled")
    return status.model_copy(update={"conditions": (*others, new)})


class SchedulerController(Controller[Pod]):
    """Binds Pods, one at a time: a Pod's room is taken before the next is looked at.

    Until a Pod is bound its status is written here, afterwards by the node agent.
    """

    kind = Pod
    reads = (Node,)
    workers = 1

    def __init__(self, events: EventQueue) -> None:
        self._events = events
        self._waiting: set[Key] = set()

    def watches(self) -> Iterable[Watch]:
        return (Watch(Node, lambda _: tuple(self._waiting)), Watch(Pod, self._room))

    def _room(self, obj: Object) -> Iterable[Key]:
        """Let the waiting try again when a Pod has ended or is gone."""
        if not self._waiting or not isinstance(obj, Pod):
            return ()
        gone = self.caches.of(Pod).get(key_of(obj)) is None
        return tuple(self._waiting) if gone or obj.finished else ()

    async def reconcile(self, turn: Turn[Pod]) -> Outcome:
        pod = turn.obj
        key = key_of(pod)
        if pod.spec.node_name or not pod.active:
            self._waiting.discard(key)
            return Outcome()
        trouble = misfit(pod, turn.get(Node, NODE_NAME), turn.all(Pod))
        if trouble:
            self._waiting.add(key)
            status = scheduled(pod.status, trouble, turn.now)
            if status is not pod.status:
                self._events.tell(pod, "Warning", "FailedScheduling", trouble)
            return Outcome(status)
        self._waiting.discard(key)
        await self._bind(turn)
        return Outcome()

    async def _bind(self, turn: Turn[Pod]) -> None:
        pod = turn.obj
        if pod.condition("PodScheduled"):  # it was refused before: this must not stay so
            pod = await turn.client.update_status(
                pod.model_copy(update={"status": scheduled(pod.status, "", turn.now)})
            )
        bound = pod.model_copy(update={"spec": pod.spec.model_copy(update={"node_name": NODE_NAME})})
        self.caches.of(Pod).observe(await turn.client.update(bound))
        place = f"{pod.metadata.namespace}/{pod.name}"
        self._events.tell(pod, "Normal", "Scheduled", f"Successfully assigned {place} to {NODE_NAME}")
