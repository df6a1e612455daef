"""How long large Tiltfiles take, whole processes of ``alpha tiltfile-result``: ``python tests/bench/tiltfile.py``.

With ``UPRIGHT_TEST_TILT=/path/to/tilt`` the real Tilt reads the same files, turn and turn about. Prints medians of 5,
with the budgets and our own CPU time, which a loaded machine lengthens less; exits 1 if a median is over. Compile
first (``python -m compileall``).
"""

from __future__ import annotations

import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

RUNS = 5
UPRIGHT = str(Path(sys.executable).with_name("upright"))
TILT = os.environ.get("UPRIGHT_TEST_TILT", "")
PROCESS = "sleep 0.05; echo done"
PROCESSES = 10
LOCAL_EXTRA_SECONDS = 0.050
OBJECTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web{n}, labels: {{app: web{n}}}}}
spec:
  selector: {{matchLabels: {{app: web{n}}}}}
  template:
    metadata: {{labels: {{app: web{n}}}}}
    spec:
      containers:
      - name: web
        image: {image}
        env: [{{name: MODE, value: "1"}}]
        ports: [{{containerPort: 8080}}]
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: config{n}}}
data: {{key: "{n}", text: "some words"}}
"""
LOCALS = """\
for i in range(1000):
  local_resource("r%d" % i, "make r%d" % i, deps=["src/%d" % i], resource_deps=["r%d" % (i - 1)] if i else [],
                 labels=["l%d" % (i % 10)], links=["http://localhost:%d" % i])
"""
WORKLOADS = """\
k8s_yaml("all.yaml")
for i in range(1000):
  docker_build("image%d" % i, "src", dockerfile_contents="FROM scratch", only=["a", "b"])
  k8s_resource("web%d" % i, port_forwards=[10000 + i], labels=["l%d" % (i % 10)],
               resource_deps=["web%d" % (i - 1)] if i else [])
"""
# As a generator of Tiltfiles would write it: every resource with its own lines, its own YAML and its own image.
FLAT = """\
k8s_yaml(blob('''
{yaml}'''))
docker_build("image{n}", "src", dockerfile_contents="FROM scratch", only=["a", "b"])
k8s_resource("web{n}", port_forwards=["{port}:8080"], labels=["l{label}"], resource_deps=[{before}])
"""


def _flat(n: int) -> str:
    yaml = OBJECTS.format(n=n, image=f"image{n}")
    return FLAT.format(n=n, yaml=yaml, port=10000 + n, label=n % 10, before=f'"web{n - 1}"' if n else "")


class Case(NamedTuple):
    """A Tiltfile, with the YAML beside it, and how long it may take."""

    name: str
    tiltfile: str
    budget: float
    yaml: str = ""


CASES = (
    Case("nothing", 'print("nothing")\n', 0.5),
    Case("1,000 local resources", LOCALS, 1.5),
    Case(
        "1,000 workloads with images",
        WORKLOADS,
        1.5,
        "---\n".join(OBJECTS.format(n=n, image=f"image{n}") for n in range(1000)),
    ),
    Case("1,000 workloads written out", "".join(_flat(n) for n in range(1000)), 1.5),
    Case(
        "k8s_yaml of 5,000 objects",
        'k8s_yaml("all.yaml")\n',
        3.0,
        "---\n".join(OBJECTS.format(n=n, image="nginx") if n % 5 == 0 else CONFIG.format(n=n) for n in range(5000)),
    ),
)
LOCAL_TEN = "".join(f"local({PROCESS!r}, quiet=True)\n" for _ in range(PROCESSES))


def main() -> int:
    """Measure and print."""
    over = False
    with tempfile.TemporaryDirectory() as home:
        _said("", "upright", "tilt", "budget", "our CPU")
        for case in CASES:
            ours, theirs, cpu = _both(case, home)
            over = over or ours > case.budget
            _said(case.name, _shown(ours), _shown(theirs), _shown(case.budget), _shown(cpu))
        over = _processes(home) or over
    load = os.getloadavg()[0]
    sys.stdout.write(f"load {load:.1f}, {os.cpu_count()} cores, python {sys.version.split()[0]}, median of {RUNS}\n")
    return 1 if over else 0


def _processes(home: str) -> bool:
    """Measure ten calls of local against ten processes in sequence, both above a Tiltfile that does nothing."""
    idle = _both(CASES[0], home)
    busy = _both(Case("", f"print(1)\n{LOCAL_TEN}", 0.0), home)
    alone = statistics.median(_sequence() for _ in range(RUNS))
    budget = alone + LOCAL_EXTRA_SECONDS
    ours, theirs, cpu = (late - early for late, early in zip(busy, idle, strict=True))
    _said("ten calls of local()", _shown(ours), _shown(theirs), _shown(budget), _shown(cpu))
    _said("  ten processes in sequence", _shown(alone))
    return ours > budget


def _sequence() -> float:
    begun = perf_counter()
    for _ in range(PROCESSES):
        subprocess.run(["sh", "-c", PROCESS], check=True, capture_output=True)
    return perf_counter() - begun


def _both(case: Case, home: str) -> tuple[float, float, float]:
    """Return the medians of ours and of the real Tilt's (NaN without one), measured alternately, and of our CPU time."""
    ours: list[float] = []
    cpu: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in range(1000):
            Path(folder, "src", str(n)).mkdir(parents=True)
        Path(folder, "Tiltfile").write_text(case.tiltfile, encoding="utf-8")
        Path(folder, "all.yaml").write_text(case.yaml, encoding="utf-8")
        for _ in range(RUNS):
            before = _cpu()
            ours.append(_timed([UPRIGHT], folder, home))
            cpu.append(_cpu() - before)
            if TILT:
                theirs.append(_timed([TILT], folder, home))
    return statistics.median(ours), statistics.median(theirs) if theirs else float("nan"), statistics.median(cpu)


def _cpu() -> float:
    """Return the seconds of processor that all our children have had."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(program: list[str], folder: str, home: str) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"HOME": home, "TILT_DISABLE_ANALYTICS": "1", "KUBECONFIG": f"{home}/none"}
    command = [*program, "alpha", "tiltfile-result", "-f", "Tiltfile"]
    begun = perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    taken = perf_counter() - begun
    if done.returncode != 0:
        message = f"{shlex.join(command)} exited with {done.returncode}: {done.stderr.decode()[-2000:]}"
        raise SystemExit(message)
    return taken


def _said(name: str, *columns: str) -> None:
    sys.stdout.write(f"{name:<32}" + "".join(f"{column:>12}" for column in columns) + "\n")
    sys.stdout.flush()


def _shown(seconds: float) -> str:
    return "-" if seconds != seconds else f"{seconds * 1000:.0f} ms"  # noqa: PLR0124  reason: NaN is what is not itself


if __name__ == "__main__":
    sys.exit(main())
