"""A cluster, seen as JSON objects: the embedded one, or any that a kubeconfig leads to."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  reason: the type of a field
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta

    from anyio.abc import ByteStream

    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.cluster import RegistryHosting


class ClusterInfo(Struct, frozen=True):
    """What a cluster is; ``config_path`` is a kubeconfig file that leads to it, handed to local commands.

    ``registry`` is the one it advertises; ``container_runtime`` is that of its nodes (``docker``, ``containerd``).
    """

    context: str
    namespace: str
    cluster: str
    product: str
    version: str
    arch: str
    config_path: str
    registry: RegistryHosting | None = None
    container_runtime: str = ""


class Ref(Struct, frozen=True):
    """Names an object of a cluster."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """Return ``Deployment/web``, the way objects are named in messages."""
        return f"{self.kind}/{self.name}"


def _say_nothing(text: str) -> None:
    del text


class ApplyHow(Struct, frozen=True):
    """How an object is applied: ``client_side`` as kubectl does without --server-side; ``say`` is told what is done on the way.

    ``awaits_kind``: what serves its kind is deployed with it, so that there is no such kind yet may pass.
    """

    client_side: bool = False
    awaits_kind: bool = False
    say: Callable[[str], None] = _say_nothing


AS_USUAL = ApplyHow()


class Sighting(Struct, frozen=True):
    """A change in the cluster; SYNCED says that all that was there has been told, LOST that sight was lost.

    Where LOST may last, its object has the reason as ``message``.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "SYNCED", "LOST"]
    object: Json


class LogRequest(Struct, frozen=True):
    """Which container's log: ``previous`` is its last run but one; ``follow`` goes on while it runs.

    ``attempt`` says which run is meant (0 is the first), for clusters that can tell their runs apart by number.
    """

    namespace: str
    pod: str
    container: str
    previous: bool = False
    follow: bool = False
    attempt: int | None = None
    since: datetime | None = None


class Kubernetes(Protocol):
    """A cluster. Errors are those of ``upright.openapi.errors``, in the cluster's own words."""

    @property
    def ahead(self) -> timedelta:
        """How far its clock is ahead of ours, as known since ``connect``; zero if that is little."""
        ...

    async def connect(self) -> ClusterInfo:
        """Reach the cluster; raises ServiceUnavailable with what to do when it cannot be reached."""
        ...

    async def unwell(self) -> str:
        """Ask the cluster how it is; return what is wrong with it, empty if nothing is."""
        ...

    async def apply(self, obj: Json, *, namespace: str, how: ApplyHow = AS_USUAL) -> Json:
        """Create the object, or change it to what is wanted; an immutable field means delete, wait, create.

        ``namespace`` is for an object that names none. Returns the object as the cluster answered; a kind's definition
        is answered when the kind can be used. What may pass is tried again until the caller's deadline is near.
        """
        ...

    async def delete(self, ref: Ref) -> bool:
        """Ask for the object's end; return whether it was there."""
        ...

    async def read(self, ref: Ref) -> Json | None:
        """Return the object; None if it is not there, is of no kind that the cluster has, or is not for us to see."""
        ...

    async def watch(self, api_version: str, kind: str, namespace: str, tell: Callable[[Sighting], None]) -> None:
        """Tell all objects of the kind in the namespace (empty: all), then each change, until cancelled.

        A lost connection is told as LOST and mended; after it what is there is told anew, ending in SYNCED.
        """
        ...

    def logs(self, request: LogRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a container's log as chunks of bytes."""
        ...

    async def open_port(self, namespace: str, pod: str, port: int) -> ByteStream:
        """Connect to a port of a pod; raises ServiceUnavailable when nothing answers there."""
        ...
