from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.node.on_engine import IMAGE, restarts, state, waits
from upright.openapi.core_v1.config_map import ConfigMap
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.secret import Secret

if TYPE_CHECKING:
    from tests.controllers.node.on_engine import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_a_pod_is_ready_when_its_probe_passes(real: RealCluster) -> None:
    space = await real.namespace()
    probe = {"httpGet": {"path": "/busybox", "port": "http"}}
    ports = [{"name": "http", "containerPort": 8080}]
    await space.pod("web", "exec httpd -f -p 8080 -h /bin", container={"readinessProbe": probe, "ports": ports})
    pod = await space.ready("web")
    assert pod.status.phase == "Running"
    assert pod.status.pod_ip.startswith("10.")
    for reason in ("Pulled", "Created", "Started"):
        assert (await space.told("web", reason)).count == 1


async def test_a_probe_that_never_passes_is_told_and_the_pod_stays_unready(real: RealCluster) -> None:
    space = await real.namespace()
    probe = {"tcpSocket": {"port": 81}, "periodSeconds": 1}
    await space.pod("web", "sleep 1000", container={"readinessProbe": probe})
    unhealthy = await space.told("web", "Unhealthy")
    pod = await space.until("web", lambda pod: pod.status.phase == "Running")
    assert unhealthy.message == f"Readiness probe failed: dial tcp {pod.status.pod_ip}:81: connect: connection refused"
    assert not pod.ready


async def test_a_container_that_exits_seven_is_restarted_with_backoff(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", "echo to the end; exit 7")
    pod = await space.until("web", lambda pod: waits(pod, "CrashLoopBackOff"))
    (status,) = pod.status.container_statuses
    assert status.restart_count == 1
    assert status.last_state.terminated is not None
    assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (7, "Error")
    assert status.state.waiting is not None
    assert status.state.waiting.message == (
        f"back-off 10s restarting failed container=web pod=web_{space.name}({pod.metadata.uid})"
    )
    assert pod.status.phase == "Running"
    assert (await space.told("web", "BackOff")).type == "Warning"
    assert await space.log("web") == "to the end\n"
    assert await space.log("web", previous=True) == "to the end\n"


async def test_a_missing_secret_is_named_and_the_pod_starts_when_it_comes(real: RealCluster) -> None:
    space = await real.namespace()
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}}]
    await space.pod("web", "echo got $TOKEN; sleep 1000", container={"env": env})
    pod = await space.until("web", lambda pod: waits(pod, "CreateContainerConfigError"))
    waiting = state(pod).waiting
    assert waiting is not None
    assert waiting.message == 'secret "key" not found'
    await space.create(Secret, "key", stringData={"token": "s3cr3t"})
    await space.ready("web")
    assert await space.log("web") == "got s3cr3t\n"


async def test_a_missing_config_map_of_a_volume_fails_the_mount(real: RealCluster) -> None:
    space = await real.namespace()
    volumes = [{"name": "cfg", "configMap": {"name": "cfg"}}]
    mounts = [{"name": "cfg", "mountPath": "/etc/cfg"}]
    await space.pod("web", "cat /etc/cfg/color; sleep 1000", container={"volumeMounts": mounts}, volumes=volumes)
    event = await space.told("web", "FailedMount")
    assert event.message == 'MountVolume.SetUp failed for volume "cfg" : configmap "cfg" not found'
    await space.create(ConfigMap, "cfg", data={"color": "red\n"})
    await space.ready("web")
    with anyio.fail_after(10):
        while await space.log("web") != "red\n":  # noqa: ASYNC110  reason: ready is said when it runs, not when it has printed
            await anyio.sleep(0.05)


async def test_a_program_that_is_not_there_is_a_start_error(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", container={"command": ["/nope"]})
    pod = await space.until("web", lambda pod: restarts(pod) == 1)
    (status,) = pod.status.container_statuses
    assert status.last_state.terminated is not None
    assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (128, "StartError")
    assert "/nope" in status.last_state.terminated.message
    assert waits(pod, "RunContainerError") or waits(pod, "CrashLoopBackOff")


async def test_out_of_memory_is_said(real: RealCluster) -> None:
    space = await real.namespace()
    limits = {"limits": {"memory": "20Mi"}}
    hungry = "x=a; while true; do x=$x$x; done"
    await space.pod("web", hungry, container={"resources": limits}, restartPolicy="Never")
    pod = await space.until("web", lambda pod: pod.status.phase == "Failed")
    terminated = state(pod).terminated
    assert terminated is not None
    assert (terminated.reason, terminated.exit_code) == ("OOMKilled", 137)


async def test_a_failing_init_container_keeps_the_others_from_starting(real: RealCluster) -> None:
    space = await real.namespace()
    init = {"name": "prepare", "image": IMAGE, "command": ["sh", "-c", "echo no; exit 3"]}
    await space.pod("web", "echo never", initContainers=[init])
    pod = await space.until("web", lambda pod: waits(pod, "CrashLoopBackOff", "prepare"))
    assert pod.status.phase == "Pending"
    assert waits(pod, "PodInitializing")
    assert await space.log("web", container="prepare") == "no\n"


async def test_init_containers_share_volumes_with_the_others_and_restarts(real: RealCluster) -> None:
    space = await real.namespace()
    mounts = [{"name": "data", "mountPath": "/data"}]
    init = {"name": "prepare", "image": IMAGE, "command": ["sh", "-c", "echo made > /data/it"], "volumeMounts": mounts}
    await space.pod(
        "web",
        "cat /data/it /data/own; echo again >> /data/own; id -u; exit 1",
        container={"volumeMounts": mounts, "securityContext": {"runAsUser": 1000}},
        initContainers=[init],
        volumes=[{"name": "data", "emptyDir": {}}],
        securityContext={"fsGroup": 0},
        restartPolicy="OnFailure",
    )
    await space.until("web", lambda pod: waits(pod, "CrashLoopBackOff"))
    assert await space.log("web") == "made\nagain\n1000\n"


async def test_containers_of_a_pod_share_its_address_and_name(real: RealCluster) -> None:
    space = await real.namespace()
    server = {"name": "web", "image": IMAGE, "command": ["httpd", "-f", "-p", "8080", "-h", "/bin"]}
    probe = {"exec": {"command": ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/busybox"]}}
    beside = {"name": "beside", "image": IMAGE, "command": ["sleep", "1000"], "readinessProbe": probe}
    spec = {"containers": [server, beside], "terminationGracePeriodSeconds": 0}
    await space.create(Pod, "web", spec=spec)
    pod = await space.ready("web")
    opened = await real.access.exec(space.name, "web", "beside", ("cat", "/etc/hostname"), stdin=False, tty=False)
    async with opened as terminal:
        piece = await terminal.read()
    assert piece is not None
    assert piece.data.strip() == b"web"
    assert len(pod.status.container_statuses) == 2


async def test_files_of_config_maps_and_secrets_have_their_modes_and_cannot_be_written(real: RealCluster) -> None:
    space = await real.namespace()
    await space.create(ConfigMap, "cfg", data={"color": "red"})
    await space.create(Secret, "key", stringData={"token": "s3cr3t"})
    volumes = [
        {"name": "cfg", "configMap": {"name": "cfg", "items": [{"key": "color", "path": "deep/color"}]}},
        {"name": "key", "secret": {"secretName": "key", "defaultMode": 0o400}},
    ]
    mounts = [{"name": "cfg", "mountPath": "/etc/cfg"}, {"name": "key", "mountPath": "/etc/key"}]
    script = (
        "cat /etc/cfg/deep/color /etc/key/token; echo; stat -c %a /etc/key/token; echo x 2>&1 > /etc/cfg/x || echo no"
    )
    await space.pod("web", f"{script} 2>/dev/null; sleep 1000", container={"volumeMounts": mounts}, volumes=volumes)
    await space.ready("web")
    code, said = await space.says("web", "sh", "-c", script)
    assert code == 0
    assert said.startswith("reds3cr3t\n400\n")
    assert "Read-only file system" in said


async def test_parts_of_volumes_are_mounted_as_files_and_folders(real: RealCluster) -> None:
    space = await real.namespace()
    await space.create(ConfigMap, "cfg", data={"color": "red", "size": "big"})
    mounts = [
        {"name": "cfg", "mountPath": "/etc/color", "subPath": "color"},
        {"name": "data", "mountPath": "/part", "subPath": "deep/part"},
        {"name": "data", "mountPath": "/whole"},
    ]
    volumes = [{"name": "cfg", "configMap": {"name": "cfg"}}, {"name": "data", "emptyDir": {}}]
    script = "cat /etc/color; echo; echo here > /part/it; cat /whole/deep/part/it; sleep 1000"
    security = {"runAsUser": 1000, "readOnlyRootFilesystem": True}
    container = {"volumeMounts": mounts, "securityContext": security}
    await space.pod("web", script, container=container, volumes=volumes)
    await space.ready("web")
    assert await space.says("web", "cat", "/whole/deep/part/it") == (0, "here\n")
    assert await space.log("web") == "red\nhere\n"


async def test_an_empty_dir_is_empty_whatever_the_image_has_there(real: RealCluster) -> None:
    space = await real.namespace()
    mounts = [{"name": "data", "mountPath": "/glibc"}]
    await space.pod("web", "sleep 1000", container={"volumeMounts": mounts}, volumes=[{"name": "data", "emptyDir": {}}])
    await space.ready("web")
    assert await space.says("web", "ls", "-A", "/glibc") == (0, "")


async def test_memory_that_containers_share(real: RealCluster) -> None:
    space = await real.namespace()
    volumes = [{"name": "data", "emptyDir": {"medium": "Memory"}}]
    container = {"volumeMounts": [{"name": "data", "mountPath": "/data"}], "securityContext": {"runAsUser": 1000}}
    await space.pod("web", "echo x > /data/it; sleep 1000", container=container, volumes=volumes)
    await space.ready("web")
    assert "tmpfs" in (await space.says("web", "cat", "/proc/mounts"))[1]
    assert await space.says("web", "cat", "/data/it") == (0, "x\n")


async def test_an_image_that_cannot_be_found_waits_and_is_named(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", container={"image": "localhost:1/no/such:1"})
    pod = await space.until("web", lambda pod: waits(pod, "ErrImagePull"))
    waiting = state(pod).waiting
    assert waiting is not None
    assert "localhost:1" in waiting.message
    pod = await space.until("web", lambda pod: waits(pod, "ImagePullBackOff"))
    assert (await space.told("web", "Failed")).type == "Warning"


@pytest.mark.parametrize(
    ("container", "reason", "message"),
    [
        (
            {"image": "absent:1", "imagePullPolicy": "Never"},
            "ErrImageNeverPull",
            'Container image "absent:1" is not present with pull policy of Never',
        ),
        (
            {"image": "Bad:1"},
            "InvalidImageName",
            (
                'Failed to apply default image tag "Bad:1": couldn\'t parse image name "Bad:1": '
                "invalid reference format: repository name must be lowercase"
            ),
        ),
        (
            {"securityContext": {"runAsNonRoot": True}},
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
        ),
    ],
)
async def test_images_that_cannot_be_used_are_said(
    real: RealCluster, container: dict[str, object], reason: str, message: str
) -> None:
    space = await real.namespace()
    await space.pod("web", container=container)
    pod = await space.until("web", lambda pod: waits(pod, reason))
    waiting = state(pod).waiting
    assert waiting is not None
    assert waiting.message.startswith(message)


async def test_an_image_built_here_is_present_whatever_the_policy(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", "sleep 1000", container={"imagePullPolicy": "Always"})
    await space.ready("web")


async def test_a_liveness_probe_that_fails_restarts_the_container(real: RealCluster) -> None:
    space = await real.namespace()
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    await space.pod("web", "sleep 1000", container={"livenessProbe": probe})
    pod = await space.until("web", lambda pod: restarts(pod) > 0)
    assert (await space.told("web", "Killing")).message == "Container web failed liveness probe, will be restarted"
    last = pod.status.container_statuses[0].last_state.terminated
    assert last is not None
    assert last.exit_code == 137


async def test_readiness_waits_for_the_startup_probe(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod(
        "web",
        "sleep 1; echo > /tmp/up; sleep 1000",
        container={
            "startupProbe": {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1},
            "livenessProbe": {"exec": {"command": ["cat", "/tmp/up"]}, "failureThreshold": 1},
        },
    )
    pod = await space.until("web", lambda pod: pod.status.phase == "Running")
    assert pod.status.container_statuses[0].started is False
    pod = await space.ready("web")
    assert pod.status.container_statuses[0].restart_count == 0


async def test_a_deleted_pod_has_its_grace_then_everything_is_gone(real: RealCluster) -> None:
    space = await real.namespace()
    pod = await space.pod("web", "sleep 1000", volumes=[{"name": "data", "emptyDir": {}}])
    await space.ready("web")
    await real.client.delete(Pod, "web", namespace=space.name)
    going = await space.until("web", lambda pod: pod.metadata.deletion_timestamp is not None)
    assert going.metadata.deletion_grace_period_seconds == 1
    await space.gone("web")
    assert await real.engine.containers({"upright/pod-uid": pod.metadata.uid}) == []
    assert (await space.told("web", "Killing")).message == "Stopping container web"


async def test_a_pod_that_ends_by_itself_on_sigterm_is_not_kept_waiting(real: RealCluster) -> None:
    space = await real.namespace()
    trap = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
    await space.pod("web", trap, terminationGracePeriodSeconds=600)
    await space.ready("web")
    await real.client.delete(Pod, "web", namespace=space.name)
    await space.gone("web")


async def test_the_log_of_a_short_lived_container_is_whole(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done", restartPolicy="Never")
    await space.until("web", lambda pod: pod.status.phase == "Succeeded")
    assert (await space.log("web")).splitlines() == [f"line {number}" for number in range(500)]
    assert await space.log("web", tail_lines=2) == "line 498\nline 499\n"
    assert await space.log("web", limit_bytes=6) == "line 0"
    stamped = (await space.log("web", timestamps=True, tail_lines=1)).split(" ", 1)
    assert stamped[0].endswith("Z")
    assert stamped[1] == "line 499\n"


async def test_exec_tells_output_and_exit_code(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("web", "sleep 1000")
    await space.ready("web")
    assert await space.says("web", "sh", "-c", "echo hello; exit 5") == (5, "hello\n")


async def test_a_pod_with_two_failing_ends_is_failed_and_stays_readable(real: RealCluster) -> None:
    space = await real.namespace()
    first = {"name": "one", "image": IMAGE, "command": ["sh", "-c", "echo one; exit 1"]}
    second = {"name": "two", "image": IMAGE, "command": ["sh", "-c", "echo two"]}
    await space.create(Pod, "web", spec={"containers": [first, second], "restartPolicy": "Never"})
    pod = await space.until("web", lambda pod: pod.status.phase == "Failed")
    assert [one.state.terminated.exit_code for one in pod.status.container_statuses if one.state.terminated] == [1, 0]
    assert await space.log("web", container="two") == "two\n"
