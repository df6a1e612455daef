"""What goes wrong before anything runs in a cluster: commands, builds, objects that the cluster refuses."""

from __future__ import annotations

from tests.e2e.objects import config_map, container, deployment
from tests.e2e.verdicts.row import Row

_BROKEN = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo cannot build; exit 9"]
"""

LOCAL_ROWS = (
    Row(
        "update-fails",
        (),
        "command-failed",
        "exit status 3",
        3,
        'local_resource("update-fails", "echo no such luck; exit 3")\n'
        'local_resource("after", "true", resource_deps=["update-fails"])',
        place="Cmd/update-fails:update",
        log="no such luck",
    ),
    Row(
        "server-ends",
        (),
        "server-exited",
        "the server (serve_cmd) exited with code 0",
        0,
        'local_resource("server-ends", serve_cmd="echo that is all")',
        place="Cmd/server-ends-serve-1",
        log="that is all",
    ),
    Row(
        "server-not-ready",
        (),
        "readiness-timeout",
        "Readiness timeout after 3s: target server-not-ready:serve not ready",
        None,
        'ci_settings(readiness_timeout="3s")\n'
        'local_resource("server-not-ready", serve_cmd="echo warming up; exec sleep 1000",\n'
        '  readiness_probe=probe(period_secs=1, exec=exec_action(["sh", "-c", "echo not yet; exit 1"])))',
        place="Cmd/server-not-ready-serve-1",
        log="warming up",
    ),
    Row(
        "update-too-long",
        (),
        "build-timeout",
        "build timeout after 1s: the command is not done",
        None,
        'ci_settings(build_timeout="1s")\nlocal_resource("update-too-long", "echo begun; sleep 1000")',
        place="Cmd/update-too-long:update",
    ),
    Row(
        "build-fails",
        (deployment("build-fails", container()),),
        "build-failed",
        "9",
        9,
        place="DockerImage/build-fails:toolbox",
        files=(("image/Dockerfile", _BROKEN),),
    ),
    Row(
        "not-valid",
        (deployment("not-valid", container(), replicas=-1),),
        "apply-refused",
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        None,
        place="KubernetesApply/not-valid",
    ),
    Row(
        "apply-too-long",
        (config_map("of-no-interest"),),
        "apply-timeout",
        "timed out after 2s",
        None,
        'ci_settings(apply_timeout="2s")\nk8s_custom_deploy("apply-too-long", "sleep 1000", "true", deps=[])',
        place="KubernetesApply/apply-too-long",
    ),
)
