"""What Pods ask for, and what the node has left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from upright.openapi.quantity import milli, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upright.openapi.core_v1.node import Node
    from upright.openapi.core_v1.pod import Pod


class Amounts(NamedTuple):
    """Cpu in thousandths, memory and storage in bytes, and a number of Pods."""

    cpu: int = 0
    memory: int = 0
    storage: int = 0
    pods: int = 0


def amounts(resources: Mapping[str, str], pods: int = 0) -> Amounts:
    """Read a resource list."""
    return Amounts(
        milli(resources.get("cpu", "0")),
        whole(resources.get("memory", "0")),
        whole(resources.get("ephemeral-storage", "0")),
        pods,
    )


def _sum(parts: Iterable[Amounts]) -> Amounts:
    return Amounts(*(sum(column) for column in zip(Amounts(), *parts, strict=True)))


def _most(parts: Iterable[Amounts]) -> Amounts:
    return Amounts(*(max(column) for column in zip(Amounts(), *parts, strict=True)))


def requested(pod: Pod) -> Amounts:
    """Return what the Pod must be given: its containers together, or the largest init container if that is more."""
    running = _sum(amounts(one.resources.requests) for one in pod.spec.containers)
    before = _most(amounts(one.resources.requests) for one in pod.spec.init_containers)
    return _most((running, before))._replace(pods=1)


def free(node: Node, pods: Iterable[Pod]) -> Amounts:
    """Return what the Pods on the node leave of it; one that has ended leaves its part."""
    has = amounts(node.status.allocatable, int(node.status.allocatable.get("pods", "0")))
    taken = _sum(requested(pod) for pod in pods if pod.spec.node_name == node.name and not pod.finished)
    return Amounts(*(all_of_it - part for all_of_it, part in zip(has, taken, strict=True)))
