"""What docs/python.md does in pods works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.engine, pytest.mark.timeout(180)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "box"},
    "spec": {"terminationGracePeriodSeconds": 0, "containers": [{"name": "box", "image": "toolbox"}]},
}


def test_a_program_of_the_documentation_runs_commands_in_a_pod(project: Project) -> None:
    (example,) = (
        text for text in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL) if "cluster=" in text
    )
    project.tiltfile("ci_settings(stable_for='100ms')\n", POD)
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
