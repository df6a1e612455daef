"""The embedded cluster's models know every field that Kubernetes knows: taken, warned about or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import models

from upright.openapi.apps_v1 import deployment, replica_set
from upright.openapi.batch_v1 import job
from upright.openapi.coordination_v1 import lease
from upright.openapi.core_v1 import (
    config_map,
    container,
    event,
    namespace,
    node,
    pod_spec,
    pod_status,
    probe,
    secret,
    service,
    service_account,
    volume,
)
from upright.openapi.core_v1.label_selector import LabelSelector, LabelSelectorRequirement
from upright.openapi.discovery_v1 import endpoint_slice

if TYPE_CHECKING:
    from upright.openapi.meta import Model

PAIRS: list[tuple[type[Model], str]] = [
    (config_map.ConfigMap, "V1ConfigMap"),
    (container.Container, "V1Container"),
    (container.ContainerPort, "V1ContainerPort"),
    (container.EnvVar, "V1EnvVar"),
    (container.EnvVarSource, "V1EnvVarSource"),
    (container.EnvFromSource, "V1EnvFromSource"),
    (container.ResourceRequirements, "V1ResourceRequirements"),
    (container.SecurityContext, "V1SecurityContext"),
    (container.Capabilities, "V1Capabilities"),
    (container.VolumeMount, "V1VolumeMount"),
    (deployment.DeploymentSpec, "V1DeploymentSpec"),
    (deployment.DeploymentStatus, "V1DeploymentStatus"),
    (deployment.DeploymentStrategy, "V1DeploymentStrategy"),
    (deployment.RollingUpdateDeployment, "V1RollingUpdateDeployment"),
    (endpoint_slice.EndpointSlice, "V1EndpointSlice"),
    (event.Event, "CoreV1Event"),
    (job.JobSpec, "V1JobSpec"),
    (LabelSelector, "V1LabelSelector"),
    (lease.LeaseSpec, "V1LeaseSpec"),
    (LabelSelectorRequirement, "V1LabelSelectorRequirement"),
    (namespace.NamespaceSpec, "V1NamespaceSpec"),
    (node.NodeSpec, "V1NodeSpec"),
    (pod_spec.PodSpec, "V1PodSpec"),
    (pod_spec.PodSecurityContext, "V1PodSecurityContext"),
    (pod_spec.PodTemplateSpec, "V1PodTemplateSpec"),
    (pod_status.PodCondition, "V1PodCondition"),
    (pod_status.ContainerStateTerminated, "V1ContainerStateTerminated"),
    (probe.Probe, "V1Probe"),
    (probe.HTTPGetAction, "V1HTTPGetAction"),
    (probe.TCPSocketAction, "V1TCPSocketAction"),
    (replica_set.ReplicaSetSpec, "V1ReplicaSetSpec"),
    (replica_set.ReplicaSetStatus, "V1ReplicaSetStatus"),
    (secret.Secret, "V1Secret"),
    (service.ServiceSpec, "V1ServiceSpec"),
    (service.ServicePort, "V1ServicePort"),
    (service_account.ServiceAccount, "V1ServiceAccount"),
    (volume.Volume, "V1Volume"),
    (volume.ConfigMapVolumeSource, "V1ConfigMapVolumeSource"),
    (volume.SecretVolumeSource, "V1SecretVolumeSource"),
    (volume.EmptyDirVolumeSource, "V1EmptyDirVolumeSource"),
    (volume.KeyToPath, "V1KeyToPath"),
]


@pytest.mark.parametrize(("model", "theirs"), PAIRS, ids=[pair[1] for pair in PAIRS])
def test_every_field_of_kubernetes_is_known_by_name(model: type[Model], theirs: str) -> None:
    known: dict[str, Any] = getattr(models, theirs).attribute_map  # Any: the library is untyped
    ours = {field.alias or name for name, field in model.model_fields.items()}
    assert set(known.values()) - ours == set()


@pytest.mark.parametrize(("model", "theirs"), PAIRS, ids=[pair[1] for pair in PAIRS])
def test_no_field_is_made_up(model: type[Model], theirs: str) -> None:
    known: dict[str, Any] = getattr(models, theirs).attribute_map  # Any: the library is untyped
    ours = {field.alias or name for name, field in model.model_fields.items()}
    assert ours - set(known.values()) == set()
