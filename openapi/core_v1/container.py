"""Container: what runs in a Pod: image, command, environment, ports, mounts, resources and probes."""

from __future__ import annotations

from typing import Annotated

from upright.openapi.core_v1.probe import Probe
from upright.openapi.core_v1.references import KeySelector
from upright.openapi.embedded import Harmless, Refused, Unimplemented
from upright.openapi.meta import Model, omit
from upright.openapi.quantity import Quantity


class ObjectFieldSelector(Model):
    """A field of the Pod itself, such as ``metadata.name`` or ``status.podIP``."""

    api_version: str = omit("")
    field_path: str


class EnvVarSource(Model):
    """Where a variable's value comes from: exactly one of these."""

    field_ref: ObjectFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    resource_field_ref: Refused = None
    file_key_ref: Refused = None


class EnvVar(Model):
    """A variable of the environment; ``value`` may use ``$(OTHER)``."""

    name: str
    value: str = omit("")
    value_from: EnvVarSource | None = None


class EnvSource(Model):
    """A whole ConfigMap or Secret; ``optional``: may be absent."""

    name: str = omit("")
    optional: bool | None = None


class EnvFromSource(Model):
    """Every key of a ConfigMap or Secret as a variable, with a prefix."""

    prefix: str = omit("")
    config_map_ref: EnvSource | None = None
    secret_ref: EnvSource | None = None


class ContainerPort(Model):
    """A port the container listens on; the name can be used by probes and Services."""

    name: str = omit("")
    container_port: int
    protocol: str = omit("")
    host_port: Refused = None
    host_ip: Refused = omit(None, alias="hostIP")


class VolumeMount(Model):
    """Where a volume of the Pod stands in the container."""

    name: str
    mount_path: str = ""
    sub_path: str = omit("")
    read_only: bool = omit(default=False)
    sub_path_expr: Refused = None
    mount_propagation: Annotated[str, Unimplemented(accepted=("None",))] = omit("")
    bind_mount_options: Refused = None
    recursive_read_only: Annotated[str, Unimplemented(accepted=("Disabled",))] = omit("")


class ResourceRequirements(Model):
    """What the container is promised (requests) and held to (limits): ``cpu``, ``memory``, ``ephemeral-storage``."""

    limits: dict[str, Quantity] = omit({})
    requests: dict[str, Quantity] = omit({})
    claims: Refused = None


class Capabilities(Model):
    """Linux capabilities beside the engine's default ones."""

    add: tuple[str, ...] = omit(())
    drop: tuple[str, ...] = omit(())


class SecurityContext(Model):
    """As whom the container runs, and what it may."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    capabilities: Capabilities | None = None
    allow_privilege_escalation: Harmless = None
    app_armor_profile: Harmless = None
    privileged: Refused = None
    proc_mount: Annotated[str, Unimplemented(accepted=("Default",))] = omit("")
    se_linux_options: Harmless = None
    seccomp_profile: Harmless = None
    windows_options: Refused = None


class Container(Model):
    """What runs in a Pod."""

    name: str = ""
    image: str = omit("")
    image_pull_policy: str = omit("")
    command: tuple[str, ...] = omit(())
    args: tuple[str, ...] = omit(())
    working_dir: str = omit("")
    env: tuple[EnvVar, ...] = omit(())
    env_from: tuple[EnvFromSource, ...] = omit(())
    ports: tuple[ContainerPort, ...] = omit(())
    volume_mounts: tuple[VolumeMount, ...] = omit(())
    resources: ResourceRequirements = ResourceRequirements()
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    security_context: SecurityContext | None = None
    stdin: bool = omit(default=False)
    stdin_once: bool = omit(default=False)
    tty: bool = omit(default=False)
    termination_message_path: Annotated[
        str, Unimplemented(accepted=("/dev/termination-log",), harmless="no termination message is read")
    ] = omit("")
    termination_message_policy: Annotated[
        str, Unimplemented(accepted=("File",), harmless="no termination message is read")
    ] = omit("")
    resize_policy: Harmless = None
    lifecycle: Refused = None
    restart_policy: Refused = None
    restart_policy_rules: Refused = None
    volume_devices: Refused = None
