"""A cluster that plays stories: what is applied is taken notice of, gets pods, and these live as they were told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from tests.simulator.fake_pod import OLD, FakePod
from tests.simulator.lives import Fact
from tests.simulator.stories import PEACE
from tests.simulator.virtual_time import date

if TYPE_CHECKING:
    from tests.simulator.stories import PodStory, ResourceStory, Story
    from tests.simulator.wire import Wire
    from upright.openapi.meta import Json

COUNTING_SECONDS = 0.02
_APPS = "apps/v1"
WIDGETS = "shop.example/v1"


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
        owner = self._owner_of_pods()
        self._count()
        if self.story.kind == "Job":
            self._next_attempt()
        elif self.story.kind == "StatefulSet":
            self._make(0, self.story.pods[0], owner)
        else:
            for number, one in enumerate(self.story.pods):
                self._make(number, one, owner)

    def _owner_of_pods(self) -> Json:
        if self.story.kind == "Deployment":
            return self._replica_set("rs-2", 2)
        mine = self._owner(self._body())
        if self.story.kind != "Widget":
            return mine
        meta: Json = {"name": f"{self.story.name}-set", "namespace": "default", "uid": f"{self.story.name}-set"}
        body: Json = {"apiVersion": _APPS, "kind": "StatefulSet", "metadata": {**meta, "ownerReferences": [mine]}}
        self.cluster.wire.emit("ADDED", body)
        return self._owner(body)

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
        elif kind == "Widget":
            told = "True" if ready >= self._wanted else "False"
            self._status |= {"conditions": [{"type": "Ready", "status": told}]} if self.story.says else {}
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
        version = {"Job": "batch/v1", "Widget": WIDGETS}.get(kind, _APPS)
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
