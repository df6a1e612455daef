"""Job: runs Pods to their end until enough have succeeded, or too many have failed."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from upright.controllers.node.job_plan import expires_in, plan
from upright.controllers.node.pods_of import PodsOf
from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.informer import key_of
from upright.openapi.batch_v1.job import Job, job_labels
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.errors import APIError, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.node.event_queue import EventQueue
    from upright.controllers.node.job_plan import Plan
    from upright.controllers.runtime.queue import Key
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.batch_v1.job import JobStatus
    from upright.openapi.core_v1.pod_spec import PodTemplateSpec
    from upright.openapi.meta import Object

COMPONENT = "job-controller"
FAILED_CREATE_SECONDS = 5.0
"""After how long a Pod that could not be made is tried again."""


class JobController(Controller[Job]):
    """Runs Pods to their end. Pods that have ended stay with the Job, for their logs."""

    kind = Job
    owns = (Pod,)

    def __init__(self, events: EventQueue) -> None:
        self._events = events

    @cached_property
    def _pods(self) -> PodsOf:
        return PodsOf(self.caches.client, self.caches)

    def watches(self) -> Iterable[Watch]:
        return (Watch(ServiceAccount, self._waiting),)

    def _waiting(self, account: Object) -> Iterable[Key]:
        """Return the Jobs that may wait for the ServiceAccount: those that have no Pod at work."""
        return [
            key_of(one)
            for one in self.caches.of(Job).all()
            if one.metadata.namespace == account.metadata.namespace and not one.ended and not one.status.active
        ]

    async def reconcile(self, turn: Turn[Job]) -> Outcome:
        job = turn.obj
        if job.metadata.deletion_timestamp is not None:
            return Outcome()
        if job.ended:
            return await self._expire(turn)
        todo = plan(job, self._pods.of(job), turn.now)
        created = await self._create(job, todo)
        await self._pods.delete(todo.delete)
        for pod in todo.delete:
            self._events.tell(job, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.name}")
        status = todo.status.model_copy(update={"active": todo.status.active + created})
        self._say(job, status)
        return Outcome(status, todo.after if created == todo.create else FAILED_CREATE_SECONDS)

    async def _expire(self, turn: Turn[Job]) -> Outcome:
        left = expires_in(turn.obj, turn.now)
        if left != 0.0:
            return Outcome(after=left)
        meta = turn.obj.metadata
        with suppress(NotFound):
            await turn.client.delete(Job, meta.name, namespace=meta.namespace, uid=meta.uid, propagation="Foreground")
        return Outcome()

    async def _create(self, job: Job, todo: Plan) -> int:
        """Make the Pods; return how many could be made."""
        for made in range(todo.create):
            try:
                pod = await self._pods.create(_template(job), job)
            except Conflict:
                raise
            except APIError as error:
                self._events.tell(job, "Warning", "FailedCreate", f"Error creating: {error.message}")
                return made
            self._events.tell(job, "Normal", "SuccessfulCreate", f"Created pod: {pod.name}")
        return todo.create

    def _say(self, job: Job, status: JobStatus) -> None:
        before = {(one.type, one.status) for one in job.status.conditions}
        for one in status.conditions:
            if (one.type, one.status) in before:
                continue
            if one.type == "Complete":
                self._events.tell(job, "Normal", "Completed", "Job completed")
            elif one.type == "Failed":
                self._events.tell(job, "Warning", one.reason, one.message)
            elif one.type == "Suspended":
                word = "Suspended" if one.status == "True" else "Resumed"
                self._events.tell(job, "Normal", word, one.message)


def _template(job: Job) -> PodTemplateSpec:
    """Return the Job's template with the labels by which its Pods are known, whoever made the Job."""
    template = job.spec.template
    if job.spec.manual_selector:
        return template
    labels = {**template.metadata.labels, **job_labels(job.metadata.uid, job.name)}
    return template.model_copy(update={"metadata": template.metadata.model_copy(update={"labels": labels})})
