"""Before a pod's first container: its volumes filled, its address chosen, its network held if several need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from msgspec.structs import replace

from upright.controllers.node.container_spec import Place, networked, volume_name
from upright.controllers.node.environment import Missing
from upright.controllers.node.images import Obstacle
from upright.controllers.node.labels import CONTAINER, HELPER, pod_labels
from upright.controllers.node.shielded import shielded
from upright.controllers.node.sight import PAUSE, needs_pause
from upright.controllers.node.volumes import Content, archive, contents
from upright.controllers.world.engine.errors import Conflict, EngineError, NotFound
from upright.controllers.world.engine.protocol import ContainerSpec, Mount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.node.cluster_network import ClusterNetwork
    from upright.controllers.node.environment import Lookup
    from upright.controllers.node.pause_image import PauseImage
    from upright.controllers.world.engine.protocol import Engine
    from upright.openapi.core_v1.pod import Pod

_VOLUMES = ".upright"


class Preparation:
    """Makes what a pod's containers share."""

    def __init__(self, engine: Engine, pause: PauseImage, network: ClusterNetwork, labels: Mapping[str, str]) -> None:
        self._engine = engine
        self._pause = pause
        self._network = network
        self._labels = dict(labels)

    def place(self, pod: Pod, pause: str = "") -> Place:
        """Return where the pod's containers stand."""
        uid = pod.metadata.uid
        network = self._network
        own_name = self._engine.info.product == "podman"
        return Place(network.name, network.pods.of(uid), network.dns_ip, self._labels, pause, own_name=own_name)

    async def prepare(self, pod: Pod, lookup: Lookup) -> str:
        """Make it all, and return the id of the container that holds the network (or nothing); raises Obstacle."""
        try:
            held = contents(pod.spec, lookup)
        except Missing as error:
            raise Obstacle("FailedMount", str(error)) from error
        try:
            await self._fill(pod, held)
            return await self._hold(pod) if needs_pause(pod.spec) else ""
        except EngineError as error:
            raise Obstacle("FailedCreatePodSandBox", f"Failed to create pod sandbox: {error.message}") from error

    async def _fill(self, pod: Pod, held: Mapping[str, Content]) -> None:
        if not held:
            return
        parted = {name for name, _ in _sub_paths(pod)}
        held = {name: replace(one, memory=one.memory and name not in parted) for name, one in held.items()}
        labels = {**self._labels, **pod_labels(pod, "")}
        async with anyio.create_task_group() as group:
            for name, content in held.items():
                group.start_soon(self._volume, volume_name(pod, name), labels, content.memory)
        kept = {name: content for name, content in held.items() if not content.memory}
        if not kept:
            return
        mounts = tuple(
            Mount(kind="volume", target=f"/{_VOLUMES}/{name}", source=volume_name(pod, name)) for name in kept
        )
        helper = await self._engine.create(
            ContainerSpec(image=await self._pause.reference(), mounts=mounts, labels={**labels, CONTAINER: HELPER})
        )
        try:
            await self._put(helper, pod, kept)
        finally:
            with anyio.CancelScope(shield=True):
                await self._engine.remove(helper)

    async def _put(self, helper: str, pod: Pod, kept: Mapping[str, Content]) -> None:
        """Write the files through the helper's mounts; podman finds a volume only if the path leads into it."""
        group = pod.spec.security_context.fs_group if pod.spec.security_context else None
        parts = _sub_paths(pod)
        if self._engine.info.product != "podman":
            await self._engine.put_archive(helper, "/", archive(kept, parts, group, root=_VOLUMES))
            return
        for name, content in kept.items():
            own = [("", path) for volume, path in parts if volume == name]
            await self._engine.put_archive(helper, f"/{_VOLUMES}/{name}", archive({"": content}, own, group))

    async def _volume(self, name: str, labels: Mapping[str, str], memory: bool) -> None:
        await self._engine.create_volume(name, labels=labels, memory=memory)

    async def _hold(self, pod: Pod) -> str:
        place = self.place(pod)
        base = networked(pod, place)
        name = f"upright_POD_{pod.name}_{pod.metadata.namespace}_{pod.metadata.uid}"
        labels = {**base.labels, CONTAINER: PAUSE}
        spec = replace(base, image=await self._pause.reference(), name=name, labels=labels)

        async def hold() -> str:
            made = await create_anew(self._engine, spec)
            await self._engine.start(made)
            return made

        return await shielded(hold)


async def create_anew(engine: Engine, spec: ContainerSpec) -> str:
    """Create a container; what an interrupted attempt left under its name goes first."""
    try:
        return await engine.create(spec)
    except Conflict:
        try:
            left = await engine.container(spec.name)
        except NotFound:
            return await engine.create(spec)
        await engine.remove(left.id)
        return await engine.create(spec)


def _sub_paths(pod: Pod) -> list[tuple[str, str]]:
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    return [(mount.name, mount.sub_path) for one in containers for mount in one.volume_mounts if mount.sub_path]
