"""kubectl, which nobody here wrote, run against our server; and what it is given to apply."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncGenerator

    from anyio.abc import Process

    from upright.openapi.subresources import Subresources

SESSION = """
apiVersion: tilt.dev/v1alpha1
kind: Session
metadata: {name: one, labels: {app: shop}}
spec: {tiltfilePath: /p/Tiltfile}
"""
MAP = """
apiVersion: tilt.dev/v1alpha1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "web:1", ports: [{containerPort: 80}]}
      - {name: side, image: "side:1"}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec: {containers: [{name: main, image: "web:1"}, {name: side, image: "side:1"}]}
"""


@dataclass
class Kubectl:
    """Runs kubectl with the server's kubeconfig and a home of its own."""

    command: list[str]
    environment: dict[str, str]
    subresources: Subresources

    async def run(self, *arguments: str, stdin: str = "") -> str:
        """Return what it prints; it must succeed."""
        done = await self._run(arguments, stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    async def fail(self, *arguments: str, stdin: str = "", out: bool = False) -> str:
        """Return what it complains of, or what it prints; it must fail."""
        done = await self._run(arguments, stdin)
        assert done.returncode != 0, done.stdout.decode()
        return (done.stdout if out else done.stderr).decode()

    async def json(self, *arguments: str) -> Any:  # noqa: ANN401  reason: a decoded document
        return json.loads(await self.run(*arguments, "-o", "json"))

    async def _run(self, arguments: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[bytes]:
        with anyio.fail_after(30):
            return await anyio.run_process(
                [*self.command, *arguments], input=stdin.encode(), env=self.environment, check=False
            )

    @asynccontextmanager
    async def going_on(self, *arguments: str) -> AsyncGenerator[Process]:
        async with await anyio.open_process([*self.command, *arguments], env=self.environment) as process:
            try:
                yield process
            finally:
                if process.returncode is None:
                    process.kill()
