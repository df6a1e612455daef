"""The end of a pod: its containers get their time to stop, then they and its volumes go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.labels import CONTAINER, HELPER, POD_IP, POD_UID, sight_of
from upright.controllers.node.pod_starter import part_of
from upright.controllers.node.sight import PAUSE, Seen
from upright.controllers.world.engine.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.node.sight import ContainerSight
    from upright.controllers.node.workplace import Workplace
    from upright.openapi.core_v1.pod import Pod

DEFAULT_GRACE_SECONDS = 30


def grace_of(pod: Pod) -> int:
    """Return how many seconds the pod's containers have to stop."""
    asked = pod.metadata.deletion_grace_period_seconds
    own = pod.spec.termination_grace_period_seconds
    return next((seconds for seconds in (asked, own) if seconds is not None), DEFAULT_GRACE_SECONDS)


async def end_pod(workplace: Workplace, pod: Pod, report: Callable[[Seen], None]) -> None:
    """Stop all, tell how they ended, and remove everything of the pod."""
    running = [one for one in (await _seen(workplace, pod)).running() if one.name != PAUSE]
    async with anyio.create_task_group() as group:
        for one in running:
            told = f"Stopping container {one.name}"
            workplace.events.tell(pod, "Normal", "Killing", told, part_of(pod, one.name))
            group.start_soon(partial(workplace.engine.stop, one.id, float(grace_of(pod))))
    if running:
        report(await _seen(workplace, pod))
    await remove_pod(workplace, pod.metadata.uid)


async def remove_pod(workplace: Workplace, uid: str) -> None:
    """Remove what there is of a pod, and free its address."""
    await workplace.engine.reap({POD_UID: uid})
    workplace.network.pods.give_back(uid)


async def _seen(workplace: Workplace, pod: Pod) -> Seen:
    sights: list[ContainerSight] = []
    ip = ""
    for listed in await workplace.engine.containers({POD_UID: pod.metadata.uid}):
        if listed.labels.get(CONTAINER) == HELPER:
            continue
        try:
            sights.append(sight_of(await workplace.engine.container(listed.id), workplace.clock()))
        except NotFound:
            continue
        ip = listed.labels.get(POD_IP, "")
    return Seen(tuple(sights), ip=ip, prepared=bool(sights))
