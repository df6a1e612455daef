"""What a Pod's containers do and did."""

from __future__ import annotations

from upright.openapi.meta import Model, Time, omit


class PodCondition(Model):
    """PodScheduled, Initialized, ContainersReady, Ready: True, False or Unknown, since when and why."""

    type: str
    status: str
    observed_generation: int = omit(0)
    last_probe_time: Time | None = None
    last_transition_time: Time | None = None
    reason: str = omit("")
    message: str = omit("")


class ContainerStateWaiting(Model):
    """Not started yet, or not again: ContainerCreating, CrashLoopBackOff, ErrImagePull and the like."""

    reason: str = omit("")
    message: str = omit("")


class ContainerStateRunning(Model):
    """Runs since."""

    started_at: Time | None = None


class ContainerStateTerminated(Model):
    """Ended: Completed, Error, OOMKilled and the like."""

    exit_code: int
    signal: int = omit(0)
    reason: str = omit("")
    message: str = omit("")
    started_at: Time | None = None
    finished_at: Time | None = None
    container_id: str = omit("", alias="containerID")


class ContainerState(Model):
    """One of the three."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ContainerStatus(Model):
    """One container of the Pod: how it is, and how it ended the last time."""

    name: str
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    image_id: str = omit("", alias="imageID")
    container_id: str = omit("", alias="containerID")
    started: bool | None = None


class HostIP(Model):
    """An address of the node."""

    ip: str = ""


class PodIP(Model):
    """An address of the Pod."""

    ip: str = ""


class PodStatus(Model):
    """Until the Pod is bound the scheduler writes it, afterwards the node agent."""

    phase: str = "Pending"
    observed_generation: int = omit(0)
    conditions: tuple[PodCondition, ...] = omit(())
    reason: str = omit("")
    message: str = omit("")
    host_ip: str = omit("", alias="hostIP")
    host_ips: tuple[HostIP, ...] = omit((), alias="hostIPs")
    pod_ip: str = omit("", alias="podIP")
    pod_ips: tuple[PodIP, ...] = omit((), alias="podIPs")
    start_time: Time | None = None
    init_container_statuses: tuple[ContainerStatus, ...] = omit(())
    container_statuses: tuple[ContainerStatus, ...] = omit(())
    qos_class: str = omit("", alias="qosClass")
