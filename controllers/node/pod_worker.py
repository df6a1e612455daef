"""Drives one pod: looks at its containers, decides by the plan, acts, and reports what it sees."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.node.backoff import PULL_REASONS
from upright.controllers.node.bell import Bell
from upright.controllers.node.images import Obstacle
from upright.controllers.node.labels import CONTAINER, HELPER, POD_IP, POD_UID, sight_of
from upright.controllers.node.pod_plan import Prepare, Remove, Start, Step, Wait, plan
from upright.controllers.node.pod_probing import Probing
from upright.controllers.node.pod_starter import part_of
from upright.controllers.node.pod_status import full_name, phase_of
from upright.controllers.node.sight import PAUSE, ContainerSight, Problem, Seen, needs_pause
from upright.controllers.world.engine.errors import EngineError, NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

    from upright.controllers.node.environment import Lookup
    from upright.controllers.node.workplace import Workplace
    from upright.openapi.core_v1.pod import Pod


DEFAULT_GRACE_SECONDS = 30


class _Memory(Struct):
    """What the worker knows; all of it is found again, or found out again, after a restart."""

    sights: dict[str, ContainerSight] = field(default_factory=dict[str, ContainerSight])
    problems: dict[str, Problem] = field(default_factory=dict[str, Problem])
    busy: set[str] = field(default_factory=set[str])
    told: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    prepared: bool = False


class PodWorker:
    """One pod's worker, from its binding until it is over or deleted."""

    def __init__(self, workplace: Workplace, pod: Callable[[], Pod | None], lookup: Lookup) -> None:
        self.bell = Bell()
        self._workplace = workplace
        self._pod = pod
        self._lookup = lookup
        self._memory = _Memory()
        self._references: object = None
        self._probing = Probing(workplace, self.bell.ring, self._restart)
        self._group: TaskGroup | None = None

    def refer(self, references: object) -> None:
        """Take in the versions of what the pod refers to: if they are others, what was missing is tried again."""
        if references != self._references:
            self._references = references
            for name, problem in tuple(self._memory.problems.items()):
                if problem.reason not in PULL_REASONS:
                    del self._memory.problems[name]
            self.bell.ring()

    async def run(self, report: Callable[[Seen], None]) -> None:
        """Work until the pod is over; its containers stay, for their logs."""
        await self._find_again()
        reported: Seen | None = None
        async with anyio.create_task_group() as group:
            self._group = group
            while (pod := self._pod()) is not None:
                await self._look()
                seen = self._seen(pod)
                if seen != reported:
                    reported = seen
                    report(seen)
                if phase_of(pod, seen, self._workplace.clock()) in {"Succeeded", "Failed"}:
                    break
                self._probing.ensure(group, pod, seen.running())
                await self.bell.wait(self._act(group, pod, seen))
            group.cancel_scope.cancel()

    def _seen(self, pod: Pod) -> Seen:
        memory = self._memory
        ip = self._workplace.network.pods.of(pod.metadata.uid) if memory.prepared else ""
        containers = tuple(sorted(memory.sights.values(), key=lambda one: (one.name, one.attempt)))
        return Seen(containers, dict(memory.problems), dict(self._probing.sights), ip, memory.prepared)

    async def _find_again(self) -> None:
        """Take over the containers that another process of ours has left."""
        pod = self._pod()
        if pod is None:
            return
        for found in await self._workplace.engine.containers({POD_UID: pod.metadata.uid}):
            if found.labels.get(CONTAINER) == HELPER:
                await self._workplace.engine.remove(found.id)
                continue
            self._workplace.network.pods.keep(pod.metadata.uid, found.labels[POD_IP])
            await self._see(found.id)
        for sight in [one for one in self._memory.sights.values() if one.state == "created" and not one.error]:
            await self._remove(sight.id)  # nobody starts it any more
        sights = self._memory.sights.values()
        held = any(one.name == PAUSE and one.state == "running" for one in sights)
        self._memory.prepared = held or (bool(sights) and not needs_pause(pod.spec))
        self._probing.take_over(pod)

    async def _look(self) -> None:
        for sight in tuple(self._memory.sights.values()):
            if not sight.ended:
                await self._see(sight.id)

    async def _see(self, container: str) -> None:
        try:
            shown = await self._workplace.engine.container(container)
        except NotFound:
            self._memory.sights.pop(container, None)
        else:
            self._memory.sights[container] = sight_of(shown, self._workplace.clock())

    def _act(self, group: TaskGroup, pod: Pod, seen: Seen) -> float | None:
        """Begin what the plan says; return how long to wait for the next thing, in seconds."""
        now = self._workplace.clock()
        waits: list[float] = []
        for step in plan(pod.spec, seen, now):
            if isinstance(step, Wait):
                waits.append((step.until - now).total_seconds())
            else:
                self._begin(group, pod, step)
        self._tell_back_offs(pod, seen)
        return min(waits, default=None)

    def _begin(self, group: TaskGroup, pod: Pod, step: Step) -> None:
        if isinstance(step, Prepare):
            self._once(group, PAUSE, partial(self._prepare, pod))
        elif isinstance(step, Start):
            self._once(group, step.name, partial(self._start, pod, step))
        elif isinstance(step, Remove):
            self._once(group, step.id, partial(self._remove, step.id))

    def _once(self, group: TaskGroup, name: str, work: Callable[[], Awaitable[None]]) -> None:
        if name not in self._memory.busy:
            self._memory.busy.add(name)
            group.start_soon(self._do, name, work)

    async def _do(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Obstacle as obstacle:
            before = self._memory.problems.get(name)
            tries = before.tries + 1 if before and before.reason == obstacle.reason else 1
            problem = Problem(obstacle.reason, obstacle.message, self._workplace.clock(), tries)
            self._memory.problems[name] = problem
        else:
            self._memory.problems.pop(name, None)
        finally:
            self._memory.busy.discard(name)
            self.bell.ring()

    async def _prepare(self, pod: Pod) -> None:
        try:
            await self._workplace.preparation.prepare(pod, self._lookup)
        except Obstacle as obstacle:
            self._workplace.events.tell(pod, "Warning", obstacle.reason, obstacle.message)
            raise
        for found in await self._workplace.engine.containers({POD_UID: pod.metadata.uid, CONTAINER: PAUSE}):
            await self._see(found.id)
        self._memory.prepared = True

    async def _start(self, pod: Pod, step: Start) -> None:
        containers = (*pod.spec.init_containers, *pod.spec.containers)
        container = next(one for one in containers if one.name == step.name)
        pause = next((one.id for one in self._memory.sights.values() if one.name == PAUSE), "")
        place = self._workplace.preparation.place(pod, pause)
        made, trouble = await self._workplace.starter.start(pod, container, step, place, self._lookup)
        await self._see(made)
        sight = self._memory.sights.get(made)
        if trouble and sight is not None and not sight.ended:
            # podman forgets why a start failed
            self._memory.sights[made] = replace(sight, error=trouble, finished=self._workplace.clock())

    async def _remove(self, container: str) -> None:
        await self._workplace.engine.remove(container)
        self._memory.sights.pop(container, None)

    def _tell_back_offs(self, pod: Pod, seen: Seen) -> None:
        """Tell each wait once: for an image, for a container that keeps ending."""
        for container in (*pod.spec.init_containers, *pod.spec.containers):
            part = part_of(pod, container.name)
            problem = seen.problems.get(container.name)
            if problem is not None and problem.reason == "ErrImagePull" and self._first(part, -problem.tries):
                told = f'Back-off pulling image "{container.image}"'
                self._workplace.events.tell(pod, "Normal", "BackOff", told, part)
                self._workplace.events.tell(pod, "Warning", "Failed", "Error: ImagePullBackOff", part)
            last = seen.latest(container.name)
            if last is not None and last.ended and last.attempt and self._first(part, last.attempt):
                told = f"Back-off restarting failed container {container.name} in pod {full_name(pod)}"
                self._workplace.events.tell(pod, "Warning", "BackOff", told, part)

    def _first(self, part: str, number: int) -> bool:
        known = (part, number) in self._memory.told
        self._memory.told.add((part, number))
        return not known

    def _restart(self, container: str) -> None:
        """End a container that its probes gave up; the plan starts it again."""
        if self._group is not None:
            self._once(self._group, container, partial(self._stop, container))

    async def _stop(self, container: str) -> None:
        pod = self._pod()
        grace = pod.spec.termination_grace_period_seconds if pod else None
        with suppress(EngineError):
            await self._workplace.engine.stop(container, DEFAULT_GRACE_SECONDS if grace is None else grace)
