"""Whole runs on a real cluster, beside Tilt and beside plain tools: ``python tests/bench/clusters.py [--runs 5] [CASE…]``.

KUBECONFIG and DOCKER_HOST name the cluster and the engine. UPRIGHT_BENCH_TILT is the real ``tilt``; without it its column is left
out. ``docker`` and ``kubectl`` must be on PATH. Each run builds an image that was never built before, pushes it to
UPRIGHT_BENCH_REGISTRY (``localhost:5000``), which the cluster must announce, and starts from an empty namespace; the tools take turns.
Prints medians of wall seconds, CPU seconds (with children) and peak memory in MB, and the ratios that are asked for; and how the wall
time is made up: until there was a pod, until the cluster had told that all were ready (or at their end), until the tool had exited.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

UPRIGHT = str(Path(sys.executable).with_name("upright"))
TILT = os.environ.get("UPRIGHT_BENCH_TILT", "")
REGISTRY = os.environ.get("UPRIGHT_BENCH_REGISTRY", "localhost:5000")
NAMESPACE = "upright-bench"
BUSYBOX = "/bin/busybox"
DOCKERFILE = f'FROM scratch\nCOPY busybox {BUSYBOX}\nCOPY mark /mark\nENTRYPOINT ["{BUSYBOX}"]\nCMD ["httpd", "-f", "-p", "8080"]\n'
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web{n}, namespace: upright-bench, labels: {{bench: web}}}}
spec:
  selector: {{matchLabels: {{app: web{n}}}}}
  template:
    metadata: {{labels: {{app: web{n}, bench: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: {image}
        readinessProbe: {{tcpSocket: {{port: 8080}}, periodSeconds: 1}}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {{name: web{n}, namespace: upright-bench, labels: {{bench: web}}}}
spec:
  backoffLimit: 0
  template:
    metadata: {{labels: {{bench: web}}}}
    spec:
      restartPolicy: Never
      containers:
      - name: web
        image: {image}
        args: {args}
"""


class Figures(NamedTuple):
    """What one run cost: seconds, seconds, MB; and when what happened.

    ``begun`` is when there was a pod, ``told`` when the cluster had told that all of them were ready or at their end, both from the
    start; ``card`` and ``end`` are the seconds from the failing container's end to the first word of it, and to the exit, and
    ``lag`` those until the cluster told of it.
    """

    wall: float
    cpu: float
    memory: float
    begun: float = 0.0
    told: float = 0.0
    card: float = 0.0
    end: float = 0.0
    lag: float = 0.0


class Case(NamedTuple):
    """What is deployed: so many workloads of one image, how plain tools wait for them, and how ``ci`` must exit."""

    workload: str
    many: int
    wait: str
    args: str = ""
    exit_code: int = 0
    no_ops: bool = False


ROLLOUT = f"kubectl -n {NAMESPACE} rollout status deployment -l bench=web --timeout 5m"
COMPLETE = f"kubectl -n {NAMESPACE} wait --for=condition=complete job -l bench=web --timeout 5m"
CASES = {
    "deployment": Case(DEPLOYMENT, 1, ROLLOUT),
    "deployments-20": Case(DEPLOYMENT, 20, ROLLOUT),
    "job": Case(JOB, 1, COMPLETE, '["true"]'),
    "no-ops-10": Case("", 10, "", no_ops=True),
    "no-ops-50": Case("", 50, "", no_ops=True),
    "failure": Case(JOB, 1, "", '["sh", "-c", "sleep 2; exit 7"]', exit_code=1),
    "deployments-100": Case(DEPLOYMENT, 100, ROLLOUT),
    "deployments-300": Case(DEPLOYMENT, 300, ROLLOUT),
}
USUAL = ["deployment", "deployments-20", "job", "no-ops-10", "no-ops-50", "failure"]


def kubectl(*words: str) -> str:
    """Run kubectl in the namespace of the benchmark."""
    command = ["kubectl", "--namespace", NAMESPACE, *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def emptied() -> None:
    """Delete what the last run left, and wait until its pods are gone."""
    subprocess.run(["kubectl", "create", "namespace", NAMESPACE], check=False, capture_output=True)
    kubectl("delete", "deployments,jobs", "--all", "--cascade=foreground", "--wait")
    kubectl("wait", "--for=delete", "pods", "--all", "--timeout", "120s")


def project(case: Case, folder: Path) -> str:
    """Write the project, with content nobody built before; return the image's name."""
    if case.no_ops:
        text = f'for i in range({case.many}):\n  local_resource("r%d" % i, "true", allow_parallel=True)\n'
        (folder / "Tiltfile").write_text(text, encoding="utf-8")
        return ""
    shutil.copy(BUSYBOX, folder / "busybox")
    (folder / "mark").write_text(uuid.uuid4().hex, encoding="ascii")
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (folder / "web.yaml").write_text(manifests(case, "web"), encoding="utf-8")
    (folder / "Tiltfile").write_text('docker_build("web", ".")\nk8s_yaml("web.yaml")\n', encoding="utf-8")
    return f"{REGISTRY}/bench:{uuid.uuid4().hex[:12]}"


def manifests(case: Case, image: str) -> str:
    """Return the YAML of the case."""
    return "---".join(case.workload.format(n=n, image=image, args=case.args) for n in range(case.many))


def plain(case: Case, folder: Path) -> list[str]:
    """Return the shell's command: build, push, apply, wait."""
    image = project(case, folder)
    (folder / "web.yaml").write_text(manifests(case, image), encoding="utf-8")
    steps = [f"docker build -q -t {image} .", f"docker push -q {image}", "kubectl apply -f web.yaml", case.wait]
    return ["sh", "-ec", "\n".join(steps)]


def upright(case: Case, folder: Path) -> list[str]:
    """Return our command."""
    project(case, folder)
    return [UPRIGHT, "ci", "--port", "0"]


def tilt(case: Case, folder: Path) -> list[str]:
    """Return Tilt's command."""
    project(case, folder)
    return [TILT, "ci", "--port", "0", "--web-mode", "prod"]


TOOLS: dict[str, Callable[[Case, Path], list[str]]] = {"upright": upright, "tilt": tilt, "plain": plain}


def environment(state: Path) -> dict[str, str]:
    """Return our environment with the tools' files in a place of their own, and .pyc files used."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    places = {"XDG_STATE_HOME": str(state), "XDG_RUNTIME_DIR": str(state), "TILT_DEV_DIR": str(state)}
    return kept | places | {"TILT_DISABLE_ANALYTICS": "1", "DO_NOT_TRACK": "1"}


class Watch(threading.Thread):
    """Notes when the failing container's process ended, by the clock of this machine, which its node must be."""

    def __init__(self) -> None:
        """Look for the process until it is found."""
        super().__init__(daemon=True)
        self.ended: float | None = None
        self.given_up = threading.Event()

    def run(self) -> None:
        """Find the process, wait for its end."""
        while not self.given_up.wait(0.02):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and self._is_it(entry):
                    pid = os.pidfd_open(int(entry.name))
                    select.select([pid], [], [])
                    self.ended = time.perf_counter()
                    os.close(pid)
                    return

    def _is_it(self, entry: Path) -> bool:
        try:
            return (entry / "cmdline").read_bytes() == b"/bin/busybox\0sh\0-c\0sleep 2; exit 7\0"
        except OSError:
            return False


class Pods:
    """Notes when the cluster tells that there is a pod, and when all are settled: ready, or at their end."""

    def __init__(self, case: Case) -> None:
        """Watch from now on."""
        self._ready_is_enough = case.workload is not JOB
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"
        now = json.loads(kubectl("get", "--raw", path))["metadata"]["resourceVersion"]
        command = ["kubectl", "get", "--raw", f"{path}?watch=1&resourceVersion={now}"]
        self.first: float | None = None
        self.settled: dict[str, float] = {}
        self._watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._watching.stdout is not None
        self._told = self._watching.stdout
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        for line in self._told:
            now, told = time.perf_counter(), json.loads(line)["object"]
            if told.get("kind") != "Pod" or "status" not in told:
                continue
            self.first = self.first or now
            status = told["status"]
            ready = self._ready_is_enough and any(
                one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ()
            )
            if ready or status.get("phase") in {"Succeeded", "Failed"}:
                self.settled.setdefault(told["metadata"]["name"], now)

    def close(self) -> None:
        """Watch no more."""
        self._watching.terminate()
        self._listening.join()
        self._watching.wait()
        self._told.close()


def measured(case: Case, tool: str) -> Figures:
    """Run the case once with the tool."""
    with tempfile.TemporaryDirectory() as place:
        folder, state = Path(place, "project"), Path(place, "state")
        folder.mkdir()
        state.mkdir()
        command = TOOLS[tool](case, folder)
        if not case.no_ops:
            emptied()
        return run(command, folder, state, case)


def run(command: list[str], folder: Path, state: Path, case: Case) -> Figures:
    """Run the command to its end; exits with its output if it did not end as the case says."""
    watch, pods = Watch(), None if case.no_ops else Pods(case)
    if case.exit_code:
        watch.start()
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, env=environment(state), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    lines = [(time.perf_counter(), line) for line in child.stdout]
    _, status, used = os.wait4(child.pid, 0)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    child.returncode = os.waitstatus_to_exitcode(status)
    watch.given_up.set()
    if pods is not None:
        pods.close()
    if child.returncode != case.exit_code:
        raise SystemExit(f"{command} exited with {child.returncode}:\n" + "".join(line for _, line in lines))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = Figures(ended - begun, cpu, used.ru_maxrss / 1024)
    if pods is None or pods.first is None or not pods.settled:
        return figures
    told = max(pods.settled.values())
    figures = figures._replace(begun=pods.first - begun, told=told - begun)
    if watch.ended is None:
        return figures
    card = first_word(lines, watch.ended)
    return figures._replace(card=card, end=ended - watch.ended, lag=told - watch.ended)


def first_word(lines: list[tuple[float, str]], ended: float) -> float:
    """Return the seconds from the container's end to the first line that speaks of a failure; -1 if none does."""
    words = ("exited with 7", "exit code 7", "Error", "ERROR", "failed", "FAILED")
    return next((at - ended for at, line in lines if at > ended and any(word in line for word in words)), -1.0)


def report(name: str, figures: dict[str, list[Figures]]) -> None:
    """Print the medians of a case, and ours as a multiple of each peer's."""
    medians = {tool: Figures(*map(statistics.median, zip(*runs, strict=True))) for tool, runs in figures.items()}
    ours = medians.get("upright")
    for tool, its in medians.items():
        line = f"{name:16} {tool:8} {its.wall:7.2f} s {its.cpu:6.2f} cpu {its.memory:6.0f} MB"
        if ours is not None and its is not ours:
            line += f"   ours {ours.wall / its.wall:.2f}x wall, {ours.cpu / its.cpu:.2f}x cpu, {ours.memory / its.memory:.2f}x MB"
        if its.told:
            line += f"   a pod after {its.begun:.2f} s, all settled at {its.told:.2f} s, exit {its.wall - its.told:.2f} s later"
        if its.end:
            line += f"   from the container's end to its first word {its.card:.2f} s, to the exit {its.end:.2f} s"
            line += f"; the cluster told of it after {its.lag:.2f} s"
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the cases asked for, the tools taking turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--tools", nargs="+", choices=list(TOOLS), default=["upright", *(["tilt"] if TILT else []), "plain"]
    )
    parser.add_argument("names", nargs="*", metavar="CASE", help=", ".join(CASES))
    asked = parser.parse_args()
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, median of {asked.runs}\n")
    for name in asked.names or USUAL:
        case = CASES[name]
        tools = [tool for tool in asked.tools if tool != "plain" or case.wait]
        figures: dict[str, list[Figures]] = {tool: [] for tool in tools}
        for _ in range(asked.runs):
            for tool in tools:
                figures[tool].append(measured(case, tool))
        report(name, figures)


if __name__ == "__main__":
    main()
