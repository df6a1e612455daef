"""Whole runs of ``upright ci``, timed from outside: first answer, no-op resources, deployments, memory.

Run as ``python tests/bench/whole_runs.py [--runs 5] [NAME…]``; medians are printed, with the machine's load.
Compile first (``python -m compileall``): without .pyc files it is start-up of Python that is measured.
"""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

UPRIGHT = Path(sys.executable).with_name("upright")
BUSYBOX = "/bin/busybox"
DOCKERFILE = f'FROM scratch\nCOPY busybox {BUSYBOX}\nENTRYPOINT ["{BUSYBOX}"]\nCMD ["httpd", "-f", "-p", "8080"]\n'
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web{n}}}
spec:
  selector: {{matchLabels: {{app: web{n}}}}}
  template:
    metadata: {{labels: {{app: web{n}}}}}
    spec:
      containers:
      - name: web
        image: web
        readinessProbe: {{tcpSocket: {{port: 8080}}}}
"""
Figures = dict[str, float]


def environment(state: Path) -> dict[str, str]:
    """Return our environment with the run's files in a place of its own, and .pyc files used."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"XDG_STATE_HOME": str(state), "XDG_RUNTIME_DIR": str(state)}


def whole(folder: Path, state: Path, *flags: str) -> Figures:
    """Run to the end; return wall and CPU seconds (with children) and our own peak memory in MB."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [str(UPRIGHT), "ci", "--port", "0", *flags]
    child = subprocess.Popen(command, cwd=folder, env=environment(state), stdout=subprocess.DEVNULL)
    peak = peak_of(child)
    if child.returncode != 0:
        message = f"{' '.join(command)} exited with {child.returncode}"
        raise SystemExit(message)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall s": wall, "cpu s": cpu, "peak MB": peak}


def peak_of(child: subprocess.Popen[bytes]) -> float:
    """Wait for the child; return the largest resident memory seen, in MB."""
    peak = 0
    status = Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        try:
            lines = status.read_text(encoding="ascii").splitlines()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
        pause(0.02)
    child.wait()
    return peak / 1024


def pause(seconds: float) -> None:
    """Let the child run."""
    threading.Event().wait(seconds)


def no_ops(count: int, *, parallel: bool = True) -> Callable[[Path, Path], Figures]:
    """Return a run over so many local resources that do nothing."""

    def run(folder: Path, state: Path) -> Figures:
        option = ", allow_parallel=True" if parallel else ""
        text = f'for i in range({count}):\n  local_resource("r%d" % i, "true"{option})\n'
        (folder / "Tiltfile").write_text(text, encoding="utf-8")
        return whole(folder, state)

    return run


def deployments(count: int) -> Callable[[Path, Path], Figures]:
    """Return a run over so many Deployments of one small image, on the engine there is (or a private one)."""

    def run(folder: Path, state: Path) -> Figures:
        shutil.copy(BUSYBOX, folder / "busybox")
        (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        yaml = "---".join(DEPLOYMENT.format(n=n) for n in range(count))
        (folder / "web.yaml").write_text(yaml, encoding="utf-8")
        (folder / "Tiltfile").write_text('docker_build("web", ".")\nk8s_yaml("web.yaml")\n', encoding="utf-8")
        return whole(folder, state, "--cluster=embedded")

    return run


def first_answer(folder: Path, state: Path) -> Figures:
    """Return the time from exec until ``/apis/session`` answers."""
    (folder / "Tiltfile").write_text('local_resource("a", serve_cmd="sleep 60")\n', encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.perf_counter()
    command = [str(UPRIGHT), "ci", "--port", str(port)]
    child = subprocess.Popen(command, cwd=folder, env=environment(state), stdout=subprocess.DEVNULL)
    try:
        while not answers(port):
            pause(0.005)
        return {"wall s": time.perf_counter() - begun}
    finally:
        child.wait()


def answers(port: int) -> bool:
    """Return whether the API answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/apis/session")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


CASES: dict[str, Callable[[Path, Path], Figures]] = {
    "first-answer": first_answer,
    "no-ops-100": no_ops(100),
    "no-ops-100-one-by-one": no_ops(100, parallel=False),
    "no-ops-1000": no_ops(1000),
    "deployments-1": deployments(1),
    "deployments-20": deployments(20),
}


def main() -> None:
    """Run the cases asked for, and print medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("names", nargs="*", default=list(CASES))
    asked = parser.parse_args()
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, median of {asked.runs}\n")
    for name in asked.names:
        results: list[Figures] = []
        for _ in range(asked.runs):
            with tempfile.TemporaryDirectory() as place:
                folder, state = Path(place, "project"), Path(place, "state")
                folder.mkdir()
                state.mkdir()
                results.append(CASES[name](folder, state))
        figures = ", ".join(f"{key} {statistics.median(r[key] for r in results):.2f}" for key in results[0])
        sys.stdout.write(f"{name:24} {figures}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
