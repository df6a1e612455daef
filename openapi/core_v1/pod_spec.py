"""PodSpec: the containers that stand together, their volumes, and how they are restarted."""

from __future__ import annotations

from typing import Annotated

from upright.openapi.core_v1.container import Container
from upright.openapi.core_v1.references import LocalObjectReference
from upright.openapi.core_v1.volume import Volume
from upright.openapi.embedded import Harmless, Refused, Unimplemented
from upright.openapi.meta import Model, ObjectMeta, omit


class PodSecurityContext(Model):
    """As whom the Pod's containers run, where they do not say it themselves."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    fs_group: int | None = None
    supplemental_groups: tuple[int, ...] = omit(())
    app_armor_profile: Harmless = None
    fs_group_change_policy: Harmless = None
    se_linux_change_policy: Harmless = None
    se_linux_options: Harmless = None
    seccomp_profile: Harmless = None
    supplemental_groups_policy: Harmless = None
    sysctls: Refused = None
    windows_options: Refused = None


class PodSpec(Model):
    """What a Pod is to run."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = omit(())
    volumes: tuple[Volume, ...] = omit(())
    restart_policy: str = omit("")
    termination_grace_period_seconds: int | None = None
    node_name: str = omit("")
    node_selector: dict[str, str] = omit({})
    hostname: str = omit("")
    security_context: PodSecurityContext | None = None
    service_account_name: str = omit("")
    service_account: str = omit("")
    image_pull_secrets: Annotated[
        tuple[LocalObjectReference, ...],
        Unimplemented(harmless="images are pulled with the engine's own credentials"),
    ] = omit(())

    affinity: Annotated[
        dict[str, object] | None, Unimplemented(harmless="has no effect in the embedded cluster: it has one node")
    ] = None
    automount_service_account_token: Annotated[
        bool | None, Unimplemented(harmless="the embedded cluster mounts no service account tokens")
    ] = None
    dns_policy: Annotated[str, Unimplemented(accepted=("ClusterFirst", "ClusterFirstWithHostNet"))] = omit("")
    enable_service_links: Annotated[
        bool | None, Unimplemented(harmless="the embedded cluster sets no variables for Services")
    ] = None
    host_users: Annotated[bool | None, Unimplemented(accepted=(True,))] = None
    os: Annotated[dict[str, str] | None, Unimplemented(accepted=({"name": "linux"},))] = None
    preemption_policy: Harmless = None
    priority: Harmless = None
    priority_class_name: Harmless = None
    scheduler_name: Annotated[
        str, Unimplemented(accepted=("default-scheduler",), harmless="the embedded cluster has one scheduler")
    ] = omit("")
    tolerations: Annotated[
        tuple[dict[str, object], ...], Unimplemented(harmless="the embedded cluster's node has no taints")
    ] = omit(())
    topology_spread_constraints: Annotated[
        tuple[dict[str, object], ...],
        Unimplemented(harmless="has no effect in the embedded cluster: it has one node"),
    ] = omit(())

    active_deadline_seconds: Refused = None
    dns_config: Refused = None
    ephemeral_containers: Refused = None
    eviction_responders: Refused = None
    host_aliases: Refused = None
    host_ipc: Refused = omit(None, alias="hostIPC")
    host_network: Refused = None
    hostname_override: Refused = None
    host_pid: Refused = omit(None, alias="hostPID")
    overhead: Refused = None
    readiness_gates: Refused = None
    resource_claims: Refused = None
    resources: Refused = None
    runtime_class_name: Refused = None
    scheduling_gates: Refused = None
    scheduling_group: Refused = None
    set_hostname_as_fqdn: Refused = omit(None, alias="setHostnameAsFQDN")
    share_process_namespace: Refused = None
    subdomain: Refused = None


class PodTemplateSpec(Model):
    """The Pods that a workload makes: their labels and their spec."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
