"""How long the small commands take, whole processes, against a server of our own: ``python tests/bench/start_up.py``.

Prints a line a command: median and least of wall time, and the budget; exits 1 if a median is over it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

RUNS = 15
UPRIGHT = str(Path(sys.executable).parent / "upright")
BUDGETS_SECONDS = {
    "version": 0.07,
    "--help": 0.08,
    "get session": 0.12,
    "get resources -o json": 0.12,
    "get cmds": 0.16,
    "describe session": 0.16,
}


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
        command = [UPRIGHT, "apiserver", "--port=0", f"--state={folder}/state"]
        with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr is not None
            server.stderr.readline()
            server.stderr.readline()
            try:
                over = [
                    name for name, budget in BUDGETS_SECONDS.items() if not _within(name, budget, folder, environment)
                ]
            finally:
                server.terminate()
    load = os.getloadavg()[0]
    sys.stdout.write(f"load {load:.1f}, {os.cpu_count()} cores, python {sys.version.split()[0]}, {RUNS} runs each\n")
    return 1 if over else 0


def _within(name: str, budget: float, folder: str, environment: dict[str, str]) -> bool:
    taken: list[float] = []
    for _ in range(RUNS):
        begun = perf_counter()
        subprocess.run([UPRIGHT, *name.split()], cwd=folder, env=environment, capture_output=True, check=True)
        taken.append(perf_counter() - begun)
    median = statistics.median(taken)
    sys.stdout.write(
        f"{name:<24} median {median * 1000:4.0f} ms   least {min(taken) * 1000:4.0f} ms   budget {budget * 1000:4.0f} ms\n"
    )
    return median <= budget


if __name__ == "__main__":
    sys.exit(main())
