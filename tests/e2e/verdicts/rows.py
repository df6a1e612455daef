"""Pods and workloads in trouble, with the words that tell it, and things that are well: on each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.objects import config_map, container, deployment, job, pod_spec, service
from tests.e2e.verdicts.row import Row

if TYPE_CHECKING:
    from upright.openapi.meta import Json


PROBE = {"tcpSocket": {"port": 8080}}
_NEVER_READY = {"exec": {"command": ["sh", "-c", "echo not yet; exit 1"]}, "periodSeconds": 1}
_ONE_TOKEN = "echo yes | nc -l -p 9000; while true; do echo no | nc -l -p 9000; done"
_LUCKY = "[ .$(nc ${TOKEN_SERVICE_HOST:-token} 9000) = .yes ] && exec sleep 1000; echo out of luck; exit 7"
_THIRD_TIME_LUCKY = "n=$(cat /count/n); echo $n. > /count/n; [ .$n = ... ] && exec sleep 1000; echo not yet; exit 6"
_NOWHERE = {"name": "main", "image": "localhost:5000/nothing/here:1"}


def _stalled(name: str) -> Json:
    made = deployment(name, container(readinessProbe=PROBE))
    return {**made, "spec": {**made["spec"], "progressDeadlineSeconds": 3}}


def _replicas(name: str) -> Json:
    made = deployment(name, container())
    return {**made, "kind": "ReplicaSet"}


def _bare_pod(name: str, script: str) -> Json:
    spec = pod_spec(container(script=script), restartPolicy="Never")
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
        "dies-every-four-seconds",  # when the command ends, it has run for over two seconds once more
        (deployment("dies-every-four-seconds", container(script="echo up; sleep 4; exit 7")),),
        "crash-loop",
        "exited with code 7, ",
        7,
        'local_resource("migrate", "sleep 9")',
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
        "two-of-three",  # the token is given out once: one pod is well, the others are told
        (
            deployment("token", container(script=_ONE_TOKEN)),
            service("token", 9000, 9000),
            deployment("two-of-three", container(script=_LUCKY), replicas=3),
        ),
        "crash-loop",
        "exited with code 7, ",
        7,
        'k8s_resource("two-of-three", resource_deps=["token"])',
        log="out of luck",
        cards=2,
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
        "no-program",
        (
            config_map("junk", junk="this is no program"),
            deployment(
                "no-program",
                {
                    **container(volumeMounts=[{"name": "junk", "mountPath": "/junk"}]),
                    "command": ["/junk/junk"],
                },
                volumes=[{"name": "junk", "configMap": {"name": "junk", "defaultMode": 0o755}}],
            ),
        ),
        "crash-loop",
        "exited with code ",
        1,
        log="exec /junk/junk: exec format error",
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
        "two-jobs",
        (
            job("b-first", container(script="echo first; exit 3")),
            job("a-second", container(script="sleep 4; echo second; exit 4")),
        ),
        "job-failed",
        "exited with code 3",
        3,
        log="first",
        flags=("--fail-fast=never",),
        cards=2,
    ),
    Row(
        "bare-pod",
        (_bare_pod("bare-pod", "echo all for nothing; exit 5"),),
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
        "no-room-in-time",
        (deployment("no-room-in-time", container(resources={"requests": {"cpu": "900"}})),),
        "schedule-timeout",
        "schedule timeout after 2s",
        tiltfile='ci_settings(schedule_timeout="2s")',
        place="Pod/no-room-in-time-",
    ),
    Row(
        "no-start-in-time",
        (deployment("no-start-in-time", container(envFrom=[{"secretRef": {"name": "nowhere"}}])),),
        "start-timeout",
        "start timeout after 2s (",
        tiltfile='ci_settings(start_timeout="2s")',
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
    deployment(
        "third-time",  # two crashes are within the budget
        container(script=_THIRD_TIME_LUCKY, volumeMounts=[{"name": "count", "mountPath": "/count"}]),
        volumes=[{"name": "count", "emptyDir": {}}],
    ),
    _replicas("replicas"),
    _bare_pod("once", "echo that is all"),
    job("task", container(script="echo done")),
    {
        **(_short := job("short", container(script="echo done"))),
        "spec": {**_short["spec"], "ttlSecondsAfterFinished": 0},
    },
    {**(_asleep := job("asleep", container())), "spec": {**_asleep["spec"], "suspend": True}},
)
