"""A pod that lives as its story says, and what the cluster shows of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from tests.simulator.lives import Fact, Life

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.cluster import Workload
    from tests.simulator.stories import PodStory
    from upright.openapi.meta import Json

LEAVING_SECONDS = 1.5
OLD = "-old"


class FakePod:
    """A pod that lives its life; what it went through is in ``lived``."""

    def __init__(self, work: Workload, name: str, story: PodStory, owner: Json) -> None:
        self.work = work
        self.name = name
        self.story = story
        self.old = name.endswith(OLD)
        self.lived: list[Fact] = []
        self.created = anyio.current_time()
        self.deleting = False
        self.over = False
        self.uid = f"{name}-{work.cluster.next_uid()}"
        self._owner = owner
        self._status: Json = {"phase": "Pending"}
        self._container: Json = {"name": "main", "image": "shop:1", "ready": False, "restartCount": 0}
        self._container["state"] = {"waiting": {"reason": "ContainerCreating"}}
        self._placed: Json = {}

    @property
    def running(self) -> bool:
        return "running" in self._container["state"]

    @property
    def ready(self) -> bool:
        return bool(self._container["ready"]) and not self.deleting

    def begin(self) -> None:
        self.work.cluster.wire.emit("ADDED", self._body())
        for fact in Life(self.story).facts(anyio.current_time()):
            asyncio.get_running_loop().call_at(fact.at, self._live, fact)

    def settled(self) -> None:
        """Have been well for long, from before this run."""
        self._live(Fact(-60.0, "scheduled"))
        self._live(Fact(-50.0, "running"))
        if self.story.probed:
            self._live(Fact(-40.0, "ready"))

    def leave(self) -> None:
        self.deleting = True
        self.work.cluster.wire.emit("MODIFIED", self._body())
        asyncio.get_running_loop().call_later(LEAVING_SECONDS, self.go)

    def go(self) -> None:
        self.over = True
        self.lived.append(Fact(anyio.current_time(), "gone"))
        self.work.cluster.wire.emit("DELETED", self._body())
        self.work.count_soon()

    def _live(self, fact: Fact) -> None:
        if self.over or self.deleting:
            return
        self.lived.append(fact)
        _CHANGES[fact.what](self, fact)
        self.work.cluster.wire.emit("MODIFIED", self._body())
        if fact.what in _TOLD:
            self.work.cluster.tell(self._body(), *_TOLD[fact.what], fact.text)
        self.work.pod_changed(self, fact)

    def unschedulable(self, fact: Fact) -> None:
        said = "0/1 nodes are available: 1 Insufficient cpu."
        self._placed = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": said,
            "lastTransitionTime": self.work.cluster.stamp(fact.at),
        }

    def scheduled(self, fact: Fact) -> None:
        self._placed = {
            "type": "PodScheduled",
            "status": "True",
            "lastTransitionTime": self.work.cluster.stamp(fact.at),
        }

    def waits(self, fact: Fact) -> None:
        reason = {"pull-error": "ErrImagePull", "pull-backoff": "ImagePullBackOff", "backoff": "CrashLoopBackOff"}
        self._leave_state()
        self._container["state"] = {
            "waiting": {"reason": reason.get(fact.what, "CreateContainerConfigError"), "message": fact.text}
        }

    def _leave_state(self) -> None:
        ended = self._container["state"].get("terminated")
        if ended is not None:
            self._container["lastState"] = {"terminated": ended}

    def runs(self, fact: Fact) -> None:
        if "terminated" in self._container["state"] or "lastState" in self._container:
            self._container["restartCount"] += 1
        self._leave_state()
        self._container |= {"state": {"running": {"startedAt": self.work.cluster.stamp(fact.at)}}, "started": True}
        self._container["containerID"] = f"containerd://{self.uid}-{self._container['restartCount']}"
        self._container["ready"] = not self.story.probed
        self._status["phase"] = "Running"

    def becomes_ready(self, fact: Fact) -> None:
        self._container["ready"] = fact.what == "ready"

    def ends(self, fact: Fact) -> None:
        reason = "OOMKilled" if fact.code == 137 else "Completed" if fact.code == 0 else "Error"
        ran = self._container["state"].get("running") or {}
        ended = {"exitCode": fact.code, "reason": reason, "finishedAt": self.work.cluster.stamp(fact.at), **ran}
        self._container |= {"state": {"terminated": ended}, "ready": False}
        if fact.what in {"succeeded", "failed"}:
            self._status["phase"] = "Succeeded" if fact.what == "succeeded" else "Failed"

    def is_evicted(self, fact: Fact) -> None:
        self._status |= {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}
        self._container |= {"state": {"terminated": {"exitCode": 137, "reason": "Error"}}, "ready": False}
        del fact

    @property
    def _policy(self) -> str:
        return "Never" if self.work.story.kind == "Job" else "Always"

    def _body(self) -> Json:
        probe: Json = {"readinessProbe": {}} if self.story.probed else {}
        meta: Json = {"name": self.name, "namespace": "default", "uid": self.uid}
        meta["creationTimestamp"] = self.work.cluster.stamp(self.created)
        if self._owner:
            meta["ownerReferences"] = [self._owner]
        if self.deleting:
            meta["deletionTimestamp"] = self.work.cluster.stamp(anyio.current_time())
        ready = {"type": "Ready", "status": "True" if self.ready else "False"}
        conditions = [ready, *([self._placed] if self._placed else ())]
        containers = [dict(self._container)] if self._placed.get("status") == "True" else []
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {"restartPolicy": self._policy, "containers": [{"name": "main", "image": "shop:1", **probe}]},
            "status": {**self._status, "conditions": conditions, "containerStatuses": containers},
        }


_CHANGES: dict[str, Callable[[FakePod, Fact], None]] = {
    "unschedulable": FakePod.unschedulable,
    "scheduled": FakePod.scheduled,
    "pull-error": FakePod.waits,
    "pull-backoff": FakePod.waits,
    "missing": FakePod.waits,
    "backoff": FakePod.waits,
    "running": FakePod.runs,
    "ready": FakePod.becomes_ready,
    "unready": FakePod.becomes_ready,
    "crashed": FakePod.ends,
    "succeeded": FakePod.ends,
    "failed": FakePod.ends,
    "evicted": FakePod.is_evicted,
}
_TOLD = {
    "unschedulable": ("Warning", "FailedScheduling"),
    "pull-error": ("Warning", "Failed"),
    "missing": ("Warning", "Failed"),
    "backoff": ("Warning", "BackOff"),
    "unready": ("Warning", "Unhealthy"),
}
