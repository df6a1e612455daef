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
    from collections.abc import Callable, Iterable

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


async def all_read(caches: Caches, patience: float, size: Callable[[tuple[str, ...]], int]) -> None:
    """Wait until nothing is unread, or what is has not grown for ``patience`` seconds; call it while the controllers run.

    ``size`` returns how many bytes the log spans have whose names end in one of these ways.
    """
    streams, discoveries = caches.of(PodLogStream), caches.of(KubernetesDiscovery)
    compose, services = caches.of(DockerComposeLogStream), caches.of(DockerComposeService)
    waiters: list[anyio.Event] = []

    def heard(old: object, new: object) -> None:
        del old, new
        while waiters:
            waiters.pop().set()

    for informer in (streams, discoveries, compose, services):
        informer.subscribe(heard)
    before, since = -1, anyio.current_time()
    while True:
        names = unread(list(streams.all()), discoveries.all())
        if not names and not unread_compose(compose.all(), services.all()):
            return
        if (now := size(tuple(f":{name.replace('/', ':')}" for name in names))) != before:
            before, since = now, anyio.current_time()
        left = since + patience - anyio.current_time()
        if left <= 0:
            return
        news = anyio.Event()
        waiters.append(news)
        with anyio.move_on_after(left):
            await news.wait()
