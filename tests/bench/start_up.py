"""How long the small commands take, whole processes, beside kubectl's and Tilt's: ``python tests/bench/start_up.py``.

Ours and kubectl ask a running ``upright ci --stay``, Tilt its own server (``tilt up`` of the same project). Prints a line a
command: median and least of wall time, and the budget; exits 1 if a median is over it.
UPRIGHT_BENCH_TILT and UPRIGHT_BENCH_KUBECTL are the peers' binaries; without one its lines are left out.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

RUNS = 21
UPRIGHT = str(Path(sys.executable).parent / "upright")
TILT = os.environ.get("UPRIGHT_BENCH_TILT", "")
KUBECTL = os.environ.get("UPRIGHT_BENCH_KUBECTL", "")
BUDGETS_SECONDS = {
    "version": 0.06,
    "--help": 0.08,
    "get session": 0.08,
    "get resources -o json": 0.0,
    "get cmds": 0.0,
    "describe session": 0.0,
}
"""0: none was set."""

TILTFILE = "local_resource('a', 'true')\nlocal_resource('b', 'true')\n"


@contextmanager
def running(command: Sequence[str], folder: str, environment: dict[str, str], said: str) -> Generator[None]:
    """Run a server until the block ends; it is there when it has said something."""
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        try:
            next(line for line in server.stdout if said in line)
            yield
        finally:
            server.terminate()
            server.stdout.read()


def main() -> int:
    """Measure and print."""
    over: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Tiltfile").write_text(TILTFILE, encoding="utf-8")
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder, "HOME": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        serve = [UPRIGHT, "ci", "--port=0", "--stay", f"--state={folder}/state"]
        with running(serve, folder, environment, "b │"):
            subprocess.run(
                [UPRIGHT, "wait", "--for=condition=Ready", "resource/b"],
                cwd=folder,
                env=environment,
                check=True,
                capture_output=True,
            )
            for name, budget in BUDGETS_SECONDS.items():
                if not _within("upright", [UPRIGHT, *name.split()], folder, environment, budget):
                    over.append(name)
            if KUBECTL:
                kubectl = [KUBECTL, f"--kubeconfig={folder}/state/kubeconfig", "get"]
                _within("kubectl", [*kubectl, "sessions"], folder, environment)
                _within("kubectl", [*kubectl, "--raw=/apis/tilt.dev/v1alpha1/sessions"], folder, environment)
        if TILT:
            port = f"--port={_free_port()}"
            serve = [TILT, "up", port, "--stream", "--web-mode=embedded"]
            with running(serve, folder, environment, "b │"):
                _within("tilt", [TILT, "version"], folder, environment)
                _within("tilt", [TILT, "get", "session", port], folder, environment)
    load = os.getloadavg()[0]
    sys.stdout.write(f"load {load:.1f}, {os.cpu_count()} cores, python {sys.version.split()[0]}, {RUNS} runs each\n")
    return 1 if over else 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def _within(who: str, command: Sequence[str], folder: str, environment: dict[str, str], budget: float = 0.0) -> bool:
    taken: list[float] = []
    for _ in range(RUNS):
        begun = perf_counter()
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
        taken.append(perf_counter() - begun)
    median = statistics.median(taken)
    asked = f"   budget {budget * 1000:4.0f} ms" if budget else ""
    words = " ".join(word for word in command[1:] if not word.startswith(("--kubeconfig", "--port")))
    sys.stdout.write(
        f"{who:<8} {words:<44} median {median * 1000:4.0f} ms   least {min(taken) * 1000:4.0f} ms{asked}\n"
    )
    return not budget or median <= budget


if __name__ == "__main__":
    sys.exit(main())
