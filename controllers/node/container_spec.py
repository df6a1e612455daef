"""A container of a pod as the engine is asked for it: a pure function of the pod, its place and its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from upright.controllers.node.dns import search_domains
from upright.controllers.node.environment import Missing, expand_all
from upright.controllers.node.labels import container_labels, pod_labels
from upright.controllers.node.pod_status import full_name
from upright.controllers.world.engine.protocol import ContainerSpec, Mount
from upright.openapi.core_v1.container import SecurityContext
from upright.openapi.core_v1.pod_spec import PodSecurityContext
from upright.openapi.quantity import milli, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from upright.controllers.node.pod_plan import Start
    from upright.controllers.world.engine.protocol import Image
    from upright.openapi.core_v1.container import Container, VolumeMount
    from upright.openapi.core_v1.pod import Pod

HOSTNAME_CHARACTERS = 63
SHARES_OF_A_CPU = 1024
LEAST_SHARES = 2
DNS_OPTIONS = ("ndots:5",)


class Place(Struct, frozen=True):
    """Where a pod's containers stand: the engine's network, the address, the name server, and the run's labels.

    ``pause`` is the id of the container that holds the network, empty where the container has it itself;
    ``own_name``: such a container has its own host name nevertheless.
    """

    network: str
    ip: str
    dns: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pause: str = ""
    own_name: bool = False


def volume_name(pod: Pod, volume: str) -> str:
    """Return the engine's name for a volume of the pod."""
    return f"upright-{pod.metadata.uid}-{volume}"


def hostname(pod: Pod) -> str:
    """Return the pod's host name: what it asks for, or its own name."""
    return (pod.spec.hostname or pod.name)[:HOSTNAME_CHARACTERS].rstrip("-.")


def networked(pod: Pod, place: Place) -> ContainerSpec:
    """Return what a container needs to have the pod's network, and nothing else."""
    return ContainerSpec(
        image="",
        network=place.network,
        ip=place.ip,
        hostname=hostname(pod),
        dns=(place.dns,),
        dns_search=tuple(search_domains(pod.metadata.namespace)),
        dns_options=DNS_OPTIONS,
        labels={**place.labels, **pod_labels(pod, place.ip)},
    )


def _joined(pod: Pod, place: Place) -> ContainerSpec:
    name = hostname(pod) if place.own_name else ""
    return ContainerSpec(image="", network=f"container:{place.pause}", hostname=name)


def container_spec(
    pod: Pod, container: Container, step: Start, place: Place, image: Image, variables: Mapping[str, str]
) -> ContainerSpec:
    """Return the container to create; raises Missing where it may not run as whom it would."""
    own = container.security_context or SecurityContext()
    shared = pod.spec.security_context or PodSecurityContext()
    _check_user(pod, container, own, shared, image.user)
    limits, requests = container.resources.limits, container.resources.requests
    capabilities = own.capabilities
    base = _joined(pod, place) if place.pause else networked(pod, place)
    return replace(
        base,
        image=container.image,
        name=f"upright_{container.name}_{pod.name}_{pod.metadata.namespace}_{pod.metadata.uid}_{step.attempt}",
        entrypoint=tuple(expand_all(container.command, variables)) or None,
        args=_args(container, variables),
        env=dict(variables),
        working_dir=container.working_dir,
        user=_user(own, shared),
        groups=tuple(str(group) for group in _groups(shared)),
        labels={**place.labels, **pod_labels(pod, place.ip), **container_labels(step)},
        memory_bytes=whole(limits["memory"]) if "memory" in limits else 0,
        cpus=milli(limits["cpu"]) / 1000 if "cpu" in limits else 0.0,
        cpu_shares=max(milli(requests["cpu"]) * SHARES_OF_A_CPU // 1000, LEAST_SHARES) if "cpu" in requests else 0,
        read_only=bool(own.read_only_root_filesystem),
        add_capabilities=capabilities.add if capabilities else (),
        drop_capabilities=capabilities.drop if capabilities else (),
        mounts=tuple(_mount(pod, mount) for mount in container.volume_mounts),
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
    )


def _args(container: Container, variables: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the arguments; an own command without any drops the image's."""
    if container.args:
        return tuple(expand_all(container.args, variables))
    return () if container.command else None


def _user(own: SecurityContext, shared: PodSecurityContext) -> str:
    user = own.run_as_user if own.run_as_user is not None else shared.run_as_user
    group = own.run_as_group if own.run_as_group is not None else shared.run_as_group
    if user is None and group is None:
        return ""
    return f"{user or 0}" if group is None else f"{user or 0}:{group}"


def _groups(shared: PodSecurityContext) -> tuple[int, ...]:
    return (*shared.supplemental_groups, *(() if shared.fs_group is None else (shared.fs_group,)))


def _check_user(
    pod: Pod, container: Container, own: SecurityContext, shared: PodSecurityContext, image_user: str
) -> None:
    must = own.run_as_non_root if own.run_as_non_root is not None else shared.run_as_non_root
    if not must:
        return
    wanted = own.run_as_user if own.run_as_user is not None else shared.run_as_user
    user = str(wanted) if wanted is not None else image_user.partition(":")[0]
    where = f'(pod: "{full_name(pod)}", container: {container.name})'
    if user in {"", "0", "root"}:
        who = (
            "container's runAsUser breaks non-root policy"
            if wanted == 0
            else "container has runAsNonRoot and image will run as root"
        )
        raise Missing(f"{who} {where}")
    if not user.isdigit():
        told = f"image has non-numeric user ({user}), cannot verify user is non-root"
        raise Missing(f"container has runAsNonRoot and {told} {where}")


def _mount(pod: Pod, mount: VolumeMount) -> Mount:
    return Mount(
        kind="volume",
        target=mount.mount_path,
        source=volume_name(pod, mount.name),
        sub_path=mount.sub_path.strip("/"),
        read_only=mount.read_only or _fixed(pod, mount.name),
    )


def _fixed(pod: Pod, name: str) -> bool:
    """Whether a volume is a ConfigMap or Secret, which containers never write to."""
    return any(one.name == name and (one.config_map or one.secret) for one in pod.spec.volumes)
