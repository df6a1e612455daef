"""Whether the logs of all containers that have ended were read to their end; what is shown at the end waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from upright.controllers.docker_compose_log_stream import run_of
from upright.openapi.v1alpha1.docker_compose_log_stream import DockerComposeLogStream
from upright.openapi.v1alpha1.docker_compose_service import DockerComposeService
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery
from upright.openapi.v1alpha1.pod_log_stream import PodLogStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.runtime.turn import Caches
    from upright.openapi.v1alpha1.kubernetes_discovery import Container


def unread(streams: Iterable[PodLogStream], discoveries: Iterable[KubernetesDiscovery]) -> list[str]:
    """Return ``pod/container`` of each container that has ended and whose log was not read to its end yet."""
    read = {
        (stream.spec.pod, status.name): status.run
        for stream in streams
        for status in stream.status.container_statuses
        if status.terminated
    }
    followed = {stream.spec.pod for stream in streams}
    pods = [pod for discovery in discoveries for pod in discovery.status.pods if pod.name in followed]
    return [
        f"{pod.name}/{container.name}"
        for pod in pods
        for container in (*pod.init_containers, *pod.containers)
        if _ended(container) and read.get((pod.name, container.name), -1) < container.restarts
    ]


def _ended(container: Container) -> bool:
    waits_after_end = container.state.waiting is not None and container.last is not None
    return container.state.terminated is not None or waits_after_end


def unread_compose(streams: Iterable[DockerComposeLogStream], services: Iterable[DockerComposeService]) -> list[str]:
    """Return the names of Compose containers that have ended and whose log was not read to its end yet."""
    read = {run for stream in streams for run in stream.status.read}
    return [
        one.name
        for service in services
        for one in service.status.containers
        if one.state.started_at is not None
        and not one.state.running
        and run_of(one.id, one.state.started_at) not in read
    ]


async def all_read(caches: Caches, deadline: float) -> None:
    """Wait until nothing is unread, at most ``deadline`` seconds; call it while the controllers run."""
    streams, discoveries = caches.of(PodLogStream), caches.of(KubernetesDiscovery)
    compose, services = caches.of(DockerComposeLogStream), caches.of(DockerComposeService)
    waiters: list[anyio.Event] = []

    def heard(old: object, new: object) -> None:
        del old, new
        while waiters:
            waiters.pop().set()

    streams.subscribe(heard)
    discoveries.subscribe(heard)
    compose.subscribe(heard)
    services.subscribe(heard)
    with anyio.move_on_after(deadline):
        while unread(list(streams.all()), discoveries.all()) or unread_compose(compose.all(), services.all()):
            news = anyio.Event()
            waiters.append(news)
            await news.wait()
