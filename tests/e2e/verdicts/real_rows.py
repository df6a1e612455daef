"""What only a real Kubernetes has: quotas, rules for pods, claims, StatefulSets and DaemonSets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.e2e.objects import container, deployment, job, pod_spec
from tests.e2e.verdicts.row import Row

if TYPE_CHECKING:
    from upright.openapi.meta import Json


def _namespace(name: str, **labels: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _in(namespace: str, made: Json) -> Json:
    return {**made, "metadata": {**made["metadata"], "namespace": namespace}}


def _no_pods(namespace: str) -> Json:
    quota: Json = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    return _in(namespace, {**quota, "spec": {"hard": {"pods": "0"}}})


def _pod(name: str, **fields: object) -> Json:
    spec = pod_spec(container(), **{"restartPolicy": "Never", **fields})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _claim(name: str, storage_class: str) -> Json:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "1Mi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def _with_claim(name: str, claim: str) -> Json:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
    return deployment(name, container(volumeMounts=[{"name": "data", "mountPath": "/data"}]), volumes=[volume])


def _stateful(name: str, script: str) -> Json:
    made = deployment(name, container(script=script))
    return {**made, "kind": "StatefulSet", "spec": {**made["spec"], "serviceName": name}}


def _everywhere(name: str, script: str) -> Json:
    made = deployment(name, container(script=script))
    spec = {key: value for key, value in made["spec"].items() if key != "replicas"}
    return {**made, "kind": "DaemonSet", "spec": spec}


def _after(space: str, name: str, quota: str = "") -> str:
    objects = [f"{space}:namespace", *([f"{quota}:resourcequota"] if quota else [])]
    return f'k8s_resource(new_name="space", objects={json.dumps(objects)})\nk8s_resource("{name}", resource_deps=["space"])'


_DEAD = {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}}
_EVICT = f"""
until kubectl wait --for=condition=Ready pod/evicted; do sleep 0.2; done
kubectl patch pod evicted --subresource=status --type=merge -p '{json.dumps(_DEAD)}'
"""
_CRONJOB: Json = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "nightly"},
    "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job("", container())["spec"]}},
}
_LAZY: Json = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "upright-lazy"},
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}
_CONTROLLER = deployment("controller", container())

REAL_ROWS = (
    Row(
        "over-quota",
        (
            _namespace("upright-quota"),
            _no_pods("upright-quota"),
            _in("upright-quota", deployment("over-quota", container())),
        ),
        "pods-refused",
        "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0",
        None,
        _after("upright-quota", "over-quota", "none"),
        place="Deployment/over-quota",
    ),
    Row(
        "pod-over-quota",
        (
            _namespace("upright-pod-quota"),
            _no_pods("upright-pod-quota"),
            _in("upright-pod-quota", _pod("pod-over-quota")),
        ),
        "apply-refused",
        "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0",
        None,
        _after("upright-pod-quota", "pod-over-quota", "none"),
        place="KubernetesApply/pod-over-quota",
    ),
    Row(
        "not-allowed",
        (
            _namespace("upright-strict", **{"pod-security.kubernetes.io/enforce": "restricted"}),
            _in("upright-strict", _pod("not-allowed")),
        ),
        "apply-refused",
        'violates PodSecurity "restricted:latest"',
        None,
        _after("upright-strict", "not-allowed"),
        place="KubernetesApply/not-allowed",
    ),
    Row(
        "no-claim",
        (_with_claim("no-claim", "nowhere"),),
        "missing-reference",
        'persistentvolumeclaim "nowhere" not found',
        place="Pod/no-claim-",
    ),
    Row(
        "unbound-claim",
        (_claim("unbound", "upright-no-such-class"), _with_claim("unbound-claim", "unbound")),
        "missing-reference",
        'cannot be bound: storageclass.storage.k8s.io "upright-no-such-class" not found',
        None,
        'k8s_resource("unbound-claim", objects=["unbound:persistentvolumeclaim"])',
        place="PersistentVolumeClaim/unbound",
    ),
    Row(
        "evicted",
        (_pod("evicted"),),
        "pod-failed",
        "the pod failed: The node was low on resource: memory.",
        None,
        'local_resource("evict", "sh evict.sh")',
        place="Pod/evicted",
        files=(("evict.sh", _EVICT),),
    ),
    Row(
        "pod-out-of-time",
        (_pod("pod-out-of-time", activeDeadlineSeconds=2),),
        "pod-failed",
        "nothing restarts it: DeadlineExceeded: Pod was active on the node longer than the specified deadline",
        137,
        'ci_settings(stable_for="60s")',
    ),
    Row(
        "job-out-of-time",
        (
            {
                **(made := job("job-out-of-time", container())),
                "spec": {**made["spec"], "activeDeadlineSeconds": 3},
            },
        ),
        "job-failed",
        "DeadlineExceeded: Job was active longer than specified deadline",
        place="Job/job-out-of-time",
    ),
    Row(
        "stateful-loop",
        (_stateful("stateful-loop", "echo no disk; exit 7"),),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
        log="no disk",
    ),
    Row(
        "everywhere-loop",
        (_everywhere("everywhere-loop", "echo no disk; exit 7"),),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
        log="no disk",
    ),
)

REAL_WELL: tuple[Json, ...] = (
    _stateful("stateful", "exec sleep 1000"),
    _everywhere("everywhere", "exec sleep 1000"),
    {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "controller"},
        "spec": {**_CONTROLLER["spec"], "selector": {"app": "controller"}},
    },
    _CRONJOB,
    _LAZY,
    _claim("lazy", "upright-lazy"),
)
