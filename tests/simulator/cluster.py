"""A cluster that plays stories: what is applied is taken notice of, gets pods, and these live as they were told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from tests.simulator.lives import Fact, Life
from tests.simulator.stories import PEACE
from tests.simulator.virtual_time import date

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.stories import PodStory, ResourceStory, Story
    from tests.simulator.wire import Wire
    from upright.openapi.meta import Json

COUNTING_SECONDS = 0.02
LEAVING_SECONDS = 1.5
OLD = "-old"
_APPS = "apps/v1"


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


class Workload:
    """One applied object and its pods, among them those of the revision before."""

    def __init__(self, cluster: Cluster, story: ResourceStory) -> None:
        self.cluster = cluster
        self.story = story
        self.pods: list[FakePod] = []
        self.applied_at: float | None = None
        self._uid = f"{story.name}-uid"
        self._generation = 0
        self._observed = 0
        self._status: Json = {}
        self._counting = False
        self._failed = 0
        self._done = False
        if story.rollout:
            self._have_old_ones()

    @property
    def _wanted(self) -> int:
        return len(self.story.pods)

    def _have_old_ones(self) -> None:
        self._generation = self._observed = 1
        owner = self._replica_set("rs-1", 1)
        for number in range(self._wanted):
            pod = FakePod(self, f"{self.story.name}-{number}{OLD}", PEACE, owner)
            self.pods.append(pod)
            pod.settled()
        self._count()

    def apply(self) -> Json:
        """Be applied: the object is there at once, all else takes its time."""
        again = self._generation > 0
        if self.applied_at is None:
            self.applied_at = anyio.current_time()
            self._generation += 1
            if self.story.kind == "Pod":
                self._pod_is_made()
                return self._bare()
            self.cluster.wire.emit("MODIFIED" if again else "ADDED", self._body())
            asyncio.get_running_loop().call_later(self.story.notice, self._notice)
        return self._bare() if self.story.kind == "Pod" else self._body()

    def _notice(self) -> None:
        self._observed = self._generation
        owner = self._replica_set("rs-2", 2) if self.story.kind == "Deployment" else self._owner(self._body())
        self._count()
        if self.story.kind == "Job":
            self._next_attempt()
        elif self.story.kind == "StatefulSet":
            self._make(0, self.story.pods[0], owner)
        else:
            for number, one in enumerate(self.story.pods):
                self._make(number, one, owner)

    def _make(self, number: int, story: PodStory, owner: Json, suffix: str = "") -> None:
        pod = FakePod(self, f"{self.story.name}-{number}{suffix}", story, owner)
        self.pods.append(pod)
        pod.begin()
        self.count_soon()

    def _pod_is_made(self) -> None:
        pod = FakePod(self, self.story.name, self.story.pods[0], {})
        pod.uid = self._uid
        self.pods.append(pod)
        pod.begin()

    def _next_attempt(self) -> None:
        self._make(self._failed, PEACE, self._owner(self._body()))
        pod = self.pods[-1]
        fails = self._failed < self.story.failures
        over = Fact(anyio.current_time() + 0.25 + self.story.seconds, "failed" if fails else "succeeded")
        over.code = self.story.code if fails else 0
        asyncio.get_running_loop().call_at(over.at, pod._live, over)

    def pod_changed(self, pod: FakePod, fact: Fact) -> None:
        """Do what its owner does about it."""
        kind = self.story.kind
        if kind == "Pod":
            return
        if fact.what == "evicted":
            number = pod.name.rpartition("-")[2]
            if kind == "StatefulSet":
                pod.go()
                self._make(int(number), PEACE, pod._owner)
            else:
                self._make(int(number), PEACE, pod._owner, "-again")
        if kind == "Job" and fact.what == "failed":
            self._failed += 1
            if self._failed <= self.story.retries:
                asyncio.get_running_loop().call_later(1.0, self._next_attempt)
        if kind == "Job" and fact.what == "succeeded":
            self._done = True
        if kind == "StatefulSet" and len(self._mine) < self._wanted and all(one.ready for one in self._mine):
            following = len(self._mine)
            self._make(following, self.story.pods[following], pod._owner)
        self._replace_old_ones()
        self.count_soon()

    @property
    def _mine(self) -> list[FakePod]:
        return [one for one in self.pods if not one.old and not one.over and one._status["phase"] != "Failed"]

    def _replace_old_ones(self) -> None:
        old = [one for one in self.pods if one.old and not one.over and not one.deleting]
        if old and sum(1 for one in self._mine if one.ready) >= self._wanted:
            for one in old:
                one.leave()

    def count_soon(self) -> None:
        """Have the status follow, as controllers do, a moment later."""
        if not self._counting and self.story.kind != "Pod":
            self._counting = True
            asyncio.get_running_loop().call_later(COUNTING_SECONDS, self._count)

    def _count(self) -> None:
        self._counting = False
        alive = [one for one in self.pods if not one.over and not one.deleting and one._status["phase"] != "Failed"]
        mine, ready = self._mine, sum(1 for one in alive if one.ready)
        self._status = {"observedGeneration": self._observed}
        kind = self.story.kind
        if kind == "Job":
            self._status = self._of_job()
        elif kind == "DaemonSet":
            self._status |= {"desiredNumberScheduled": self._wanted, "updatedNumberScheduled": len(mine)}
            self._status |= {"numberAvailable": ready}
        else:
            new = len(mine) if self._observed == self._generation else len(alive)
            self._status |= {"replicas": len(alive), "updatedReplicas": new}
            self._status |= {"availableReplicas": ready, "readyReplicas": ready}
            self._status |= {"updateRevision": "b", "currentRevision": "b"} if kind == "StatefulSet" else {}
        self.cluster.wire.emit("MODIFIED", self._body())

    def _of_job(self) -> Json:
        status: Json = {"failed": self._failed, "succeeded": int(self._done)}
        if self._done:
            status["conditions"] = [{"type": "Complete", "status": "True"}]
        elif self._failed > self.story.retries:
            status["conditions"] = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
        return status

    def _body(self) -> Json:
        kind = self.story.kind
        spec: Json = {"completions": 1, "parallelism": 1} if kind == "Job" else {"replicas": self._wanted}
        meta: Json = {"name": self.story.name, "namespace": "default", "uid": self._uid}
        meta["generation"] = self._generation
        if kind == "Deployment" and self._observed:
            revision = "1" if self.story.rollout and self._observed == 1 else "2"
            meta["annotations"] = {"deployment.kubernetes.io/revision": revision}
        version = "batch/v1" if kind == "Job" else _APPS
        return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec, "status": dict(self._status)}

    def _bare(self) -> Json:
        return self.pods[0]._body()

    def _owner(self, body: Json) -> Json:
        meta = body["metadata"]
        about = {"apiVersion": body["apiVersion"], "kind": body["kind"], "controller": True}
        return {**about, "name": meta["name"], "uid": meta["uid"]}

    def _replica_set(self, name: str, revision: int) -> Json:
        meta: Json = {"name": f"{self.story.name}-{name}", "namespace": "default", "uid": f"{self.story.name}-{name}"}
        meta["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
        meta["ownerReferences"] = [self._owner(self._body())]
        body: Json = {"apiVersion": _APPS, "kind": "ReplicaSet", "metadata": meta, "spec": {}, "status": {}}
        self.cluster.wire.emit("ADDED", body)
        return self._owner(body)


class Cluster:
    """All workloads of a story; set ``wire`` before ``begin``."""

    wire: Wire

    def __init__(self, skew: float = 0.0) -> None:
        self._skew = skew
        self.workloads: dict[str, Workload] = {}
        self._uids = 0

    def begin(self, story: Story) -> None:
        for one in story.resources:
            if one.kind not in {"local", "serve"}:
                self.workloads[one.name] = Workload(self, one)

    def stamp(self, seconds: float) -> str:
        """Return a date as Kubernetes writes it, by the cluster's own clock: whole seconds, the rest is cut off."""
        return date(seconds + self._skew).strftime("%Y-%m-%dT%H:%M:%SZ")

    def next_uid(self) -> int:
        self._uids += 1
        return self._uids

    def applied(self, body: Json) -> Json:
        return self.workloads[body["metadata"]["name"]].apply()

    def tell(self, about: Json, type_: str, reason: str, message: str) -> None:
        """Have an event about the object."""
        meta = about["metadata"]
        place = {"kind": about["kind"], "name": meta["name"], "uid": meta["uid"], "namespace": "default"}
        name = f"event-{self.next_uid()}"
        own: Json = {
            "name": name,
            "namespace": "default",
            "uid": name,
            "creationTimestamp": self.stamp(anyio.current_time()),
        }
        event: Json = {"apiVersion": "v1", "kind": "Event", "metadata": own, "involvedObject": place, "count": 1}
        self.wire.emit("ADDED", event | {"type": type_, "reason": reason, "message": message})
