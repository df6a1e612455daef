"""The rows of ``tests/e2e/verdicts`` on each cluster, and under the real Tilt: ``python tests/bench/verdicts.py [--at-once 6] [ROW…]``.

KUBECONFIG and DOCKER_HOST name the real cluster and the engine that builds for it, UPRIGHT_TEST_TILT the real ``tilt``, whose column
is left out otherwise. ``kubectl`` must be on PATH. Tilt is stopped after ``--patience`` seconds. Prints the table of docs/verdicts.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e.project import Project, new_project
from tests.e2e.verdicts.local_rows import LOCAL_ROWS
from tests.e2e.verdicts.real_rows import REAL_ROWS, REAL_WELL
from tests.e2e.verdicts.row import Row
from tests.e2e.verdicts.rows import ROWS, WELL

if TYPE_CHECKING:
    from collections.abc import Sequence

UPRIGHT = str(Path(sys.executable).with_name("upright"))
TILT = os.environ.get("UPRIGHT_TEST_TILT", "")
ALL_ROWS = (
    *ROWS,
    *LOCAL_ROWS,
    *REAL_ROWS,
    Row("well", WELL, "all is well", ""),
    Row("really-well", REAL_WELL, "all is well", ""),
)
REAL_ONLY = {row.name for row in REAL_ROWS} | {"really-well"}
REAL = {name: os.environ[name] for name in ("KUBECONFIG", "DOCKER_HOST") if name in os.environ}


class Tool(NamedTuple):
    """What runs a project: its column, its command, and what it is given of the environment."""

    column: str
    command: tuple[str, ...]
    environ: dict[str, str]


TOOLS = (
    Tool("embedded cluster", (UPRIGHT, "ci", "--port=0", "--cluster=embedded"), {}),
    *([Tool("real Kubernetes", (UPRIGHT, "ci", "--port=0"), REAL)] if REAL else []),
    *(
        [Tool("Tilt", (TILT, "ci", "--port=0", "--web-mode=prod"), REAL | {"DO_NOT_TRACK": "1"})]
        if REAL and TILT
        else []
    ),
)


def ran(tool: Tool, cache: Path, patience: float, row: Row) -> str:
    """Run the row's project; return how that ended, and after how long."""
    if row.name in REAL_ONLY and not tool.environ:
        return "—"
    with tempfile.TemporaryDirectory() as folder:
        made = new_project(Path(folder), cache)
        project = Project(made.folder, made.home, made.cache, tool.environ)
        row.write(project)
        began = time.monotonic()
        try:
            ended = subprocess.run(
                [*tool.command, *(() if tool.column == "Tilt" else row.flags)],
                cwd=project.folder,
                env=project.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "waiting"
        seconds = time.monotonic() - began
    sys.stderr.write(f"{row.name}, {tool.column}: {ended.stderr.splitlines()[-1:]}\n")
    return f"exit {ended.returncode}, {seconds:.1f} s"


def cleared(rows: Sequence[Row]) -> None:
    """Have nothing of the rows on the real cluster."""
    items = {"apiVersion": "v1", "kind": "List", "items": [one for row in rows for one in row.objects]}
    command = ["kubectl", "delete", "--ignore-not-found", "--cascade=foreground", "--timeout=120s", "-f", "-"]
    subprocess.run(command, input=json.dumps(items), text=True, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Run what is asked for, a tool after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--at-once", type=int, default=1, help="how many projects run at once (1)")
    parser.add_argument("--tools", nargs="+", choices=[one.column for one in TOOLS], help="which columns (all)")
    parser.add_argument("--patience", type=float, default=60.0, help="after how many seconds a run is stopped (60)")
    asked = parser.parse_args()
    rows = [row for row in ALL_ROWS if not asked.rows or row.name in asked.rows]
    tools = [one for one in TOOLS if not asked.tools or one.column in asked.tools]
    columns: list[list[str]] = []
    with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(asked.at_once) as threads:
        for tool in tools:
            columns.append(list(threads.map(partial(ran, tool, Path(cache), asked.patience), rows)))
            if tool.environ:
                cleared(rows)
    sys.stdout.write(
        f"| project | rule | {' | '.join(tool.column for tool in tools)} |\n{'|---' * (len(tools) + 2)}|\n"
    )
    for row, *results in zip(rows, *columns, strict=True):
        sys.stdout.write(f"| {row.name} | {row.rule} | {' | '.join(results)} |\n")


if __name__ == "__main__":
    main()
