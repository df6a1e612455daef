"""Has the probes of a pod's running containers asked, and of no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from upright.controllers.node.pod_probes import ContainerProbes, Hears
from upright.controllers.node.pod_starter import part_of
from upright.controllers.node.sight import ProbeSight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anyio.abc import TaskGroup

    from upright.controllers.node.sight import ContainerSight
    from upright.controllers.node.workplace import Workplace
    from upright.openapi.core_v1.pod import Pod


class Probing:
    """The probes of one pod; ``sights`` is what they say, by container id."""

    def __init__(self, workplace: Workplace, changed: Callable[[], None], restart: Callable[[str], None]) -> None:
        self.sights: dict[str, ProbeSight] = {}
        self._workplace = workplace
        self._changed = changed
        self._restart = restart
        self._asking: dict[str, anyio.CancelScope] = {}

    def take_over(self, pod: Pod) -> None:
        """Begin with what the pod's status says of containers that another process of ours has started."""
        for one in pod.status.container_statuses:
            if one.state.running is not None:
                self.sights[one.container_id.rpartition("/")[2]] = ProbeSight(bool(one.started), one.ready)

    def ensure(self, group: TaskGroup, pod: Pod, running: Iterable[ContainerSight]) -> None:
        """Ask those that run, and stop asking those that do not any more."""
        alive = {one.id: one for one in running}
        for gone in self._asking.keys() - alive.keys():
            self._asking.pop(gone).cancel()
            self.sights.pop(gone, None)
        for sight in alive.values():
            if sight.id not in self._asking and any(one.name == sight.name for one in pod.spec.containers):
                self._asking[sight.id] = anyio.CancelScope()
                group.start_soon(self._ask, pod, sight, self._asking[sight.id])

    async def _ask(self, pod: Pod, of: ContainerSight, scope: anyio.CancelScope) -> None:
        container = next(one for one in pod.spec.containers if one.name == of.name)
        part = part_of(pod, of.name)
        place = self._workplace

        def changed(sight: ProbeSight) -> None:
            self.sights[of.id] = sight
            self._changed()

        def unhealthy(message: str) -> None:
            place.events.tell(pod, "Warning", "Unhealthy", message, part)

        def failed(word: str) -> None:
            told = f"Container {of.name} failed {word.lower()} probe, will be restarted"
            place.events.tell(pod, "Normal", "Killing", told, part)
            self._restart(of.id)
            scope.cancel()

        with scope:
            ip = place.network.pods.of(pod.metadata.uid)
            hears = Hears(changed, unhealthy, failed)
            reach = (place.engine, place.network.network)
            known = self.sights.get(of.id, ProbeSight())
            await ContainerProbes(reach, container, (of.id, ip), hears, known).run()
