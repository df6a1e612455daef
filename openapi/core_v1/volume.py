"""Volume: files that a Pod's containers share or are given: emptyDir, ConfigMap, Secret."""

from __future__ import annotations

from typing import Annotated

from upright.openapi.embedded import Refused, Unimplemented
from upright.openapi.meta import Model, omit
from upright.openapi.quantity import Quantity


class KeyToPath(Model):
    """Which key becomes which file, relative to the mount."""

    key: str
    path: str
    mode: int | None = None
    user: Refused = None


class ConfigMapVolumeSource(Model):
    """A ConfigMap's keys as files."""

    name: str = omit("")
    items: tuple[KeyToPath, ...] = omit(())
    default_mode: int | None = None
    default_user: Refused = None
    optional: bool | None = None


class SecretVolumeSource(Model):
    """A Secret's keys as files."""

    secret_name: str = omit("")
    items: tuple[KeyToPath, ...] = omit(())
    default_mode: int | None = None
    default_user: Refused = None
    optional: bool | None = None


class EmptyDirVolumeSource(Model):
    """An empty directory that lives as long as the Pod; medium ``Memory`` is a tmpfs."""

    medium: str = omit("")
    mode: Refused = None
    size_limit: Annotated[Quantity | None, Unimplemented(harmless="the size is not limited")] = None


class Volume(Model):
    """A name, and exactly one source."""

    name: str = ""
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    empty_dir: EmptyDirVolumeSource | None = None
    aws_elastic_block_store: Refused = omit(None, alias="awsElasticBlockStore")
    azure_disk: Refused = None
    azure_file: Refused = None
    cephfs: Refused = None
    cinder: Refused = None
    csi: Refused = None
    downward_api: Refused = omit(None, alias="downwardAPI")
    ephemeral: Refused = None
    fc: Refused = None
    flex_volume: Refused = None
    flocker: Refused = None
    gce_persistent_disk: Refused = None
    git_repo: Refused = None
    glusterfs: Refused = None
    host_path: Refused = None
    image: Refused = None
    iscsi: Refused = None
    nfs: Refused = None
    persistent_volume_claim: Refused = None
    photon_persistent_disk: Refused = None
    portworx_volume: Refused = None
    projected: Refused = None
    quobyte: Refused = None
    rbd: Refused = None
    scale_io: Refused = omit(None, alias="scaleIO")
    storageos: Refused = None
    vsphere_volume: Refused = None
