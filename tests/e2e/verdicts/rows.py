"""What is run on each cluster: troubles with the words that tell them, and things that are well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.e2e.objects import container, deployment, job, pod_spec

if TYPE_CHECKING:
    from upright.openapi.meta import Json


class Row(NamedTuple):
    """What cannot become healthy, and how that must be told; ``place`` is where the last of its path points."""

    name: str
    objects: tuple[Json, ...]
    rule: str
    words: str
    exit_code: int | None = None
    tiltfile: str = ""
    place: str = "container main"
    log: str = ""


PROBE = {"tcpSocket": {"port": 8080}}
_NEVER_READY = {"exec": {"command": ["sh", "-c", "echo not yet; exit 1"]}, "periodSeconds": 1}
_NOWHERE = {"name": "main", "image": "localhost:5000/nothing/here:1"}


def _stalled(name: str) -> Json:
    made = deployment(name, container(readinessProbe=PROBE))
    return {**made, "spec": {**made["spec"], "progressDeadlineSeconds": 3}}


def _bare_pod(name: str) -> Json:
    spec = pod_spec(container(script="echo all for nothing; exit 5"), restartPolicy="Never")
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


ROWS = (
    Row(
        "exits-7",
        (deployment("exits-7", container(script="echo there is no database; exit 7")),),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
        log="there is no database",
    ),
    Row(
        "dies-within-two-seconds",  # a kubelet tells it when the two seconds are over
        (deployment("dies-within-two-seconds", container(script="echo up; sleep 1.2; exit 7")),),
        "crash-loop",
        "exited with code 7, 3 times",
        7,
        log="up",
    ),
    Row(
        "probed-loop",
        (deployment("probed-loop", container(script="echo boom; exit 9", readinessProbe=PROBE)),),
        "crash-loop",
        "exited with code 9, 3 times",
        9,
        log="boom",
    ),
    Row(
        "init-loop",
        (deployment("init-loop", container(), initContainers=[container("prepare", "echo cannot prepare; exit 3")]),),
        "crash-loop",
        "exited with code 3, 3 times",
        3,
        place="container prepare",
        log="[prepare] cannot prepare",
    ),
    Row(
        "not-alive",
        (
            deployment(
                "not-alive",
                container(
                    readinessProbe=_NEVER_READY,
                    livenessProbe={
                        "exec": {"command": ["sh", "-c", "echo no pulse; exit 1"]},
                        "periodSeconds": 1,
                        "failureThreshold": 1,
                    },
                ),
            ),
        ),
        "crash-loop",
        "exited with code 137, 3 times: killed because its liveness probe failed (Liveness probe failed: no pulse",
        137,
    ),
    Row(
        "not-startable",
        (deployment("not-startable", {**container(), "command": ["/no/such/program"]}),),
        "not-startable",
        "/no/such/program",
        128,
    ),
    Row(
        "no-secret",
        (deployment("no-secret", container(envFrom=[{"secretRef": {"name": "nowhere"}}])),),
        "missing-reference",
        'secret "nowhere" not found',
    ),
    Row(
        "no-volume",
        (
            deployment(
                "no-volume",
                container(volumeMounts=[{"name": "settings", "mountPath": "/settings"}]),
                volumes=[{"name": "settings", "configMap": {"name": "nowhere"}}],
            ),
        ),
        "missing-reference",
        'configmap "nowhere" not found',
        place="Pod/no-volume-",
    ),
    Row(
        "no-account",
        (deployment("no-account", container(), serviceAccountName="nowhere"),),
        "pods-refused",
        'serviceaccount "nowhere" not found',
        place="Deployment/no-account",
    ),
    Row(
        "too-big",
        (deployment("too-big", container(resources={"requests": {"cpu": "900"}})),),
        "unschedulable",
        "no node can take the pod: 0/1 nodes are available: 1 Insufficient cpu",
        place="Pod/too-big-",
    ),
    Row(
        "broken-job",
        (job("broken-job", container(script="echo broken; exit 4")),),
        "job-failed",
        "exited with code 4",
        4,
        log="broken",
    ),
    Row(
        "patient-job",
        (job("patient-job", container(script="echo broken; exit 4")),),
        "job-failed",
        "exited with code 4",
        4,
        'ci_settings(k8s_grace_period="5m")',
        log="broken",
    ),
    Row(
        "bare-pod",
        (_bare_pod("bare-pod"),),
        "pod-failed",
        "exited with code 5, and nothing restarts it",
        5,
        log="all for nothing",
    ),
    Row("no-image", (deployment("no-image", _NOWHERE),), "image-pull", "ErrImagePull"),
    Row(
        "never-pulled",
        (deployment("never-pulled", {**_NOWHERE, "imagePullPolicy": "Never"}),),
        "image-never-pull",
        "ErrImageNeverPull",
    ),
    Row(
        "not-ready",
        (deployment("not-ready", container(script="echo warming up; exec sleep 1000", readinessProbe=_NEVER_READY)),),
        "readiness-timeout",
        "Readiness timeout after 5s: target not-ready:runtime not ready: it waits for container main of Pod/not-ready-",
        tiltfile='ci_settings(readiness_timeout="5s")',
        log="warming up",
    ),
    Row(
        "no-progress",
        (_stalled("no-progress"),),
        "progress-deadline",
        "has timed out progressing: it waits for container main of Pod/no-progress-",
    ),
)
WELL = (
    deployment("server", container()),
    deployment("probed", container(script="while true; do nc -l -p 8080; done", readinessProbe=PROBE)),
    deployment("prepared", container(), initContainers=[container("prepare", "echo prepared")]),
    job("task", container(script="echo done")),
)
