from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from upright.controllers.tiltfile.evaluate import Evaluation, evaluate
from upright.controllers.tiltfile.project import Facts, Finished, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from upright.openapi.v1alpha1.resource import KubernetesSpec, LocalSpec, Resource

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: main, image: IMAGE}]}
"""


def deployment(name: str, image: str = "", extra: str = "") -> str:
    return DEPLOYMENT.replace("NAME", name).replace("IMAGE", image or name) + extra


@dataclass
class World:
    """A folder with a Tiltfile, and what evaluating it says and runs."""

    root: Path
    facts: Facts = field(default_factory=lambda: Facts(environ={"PATH": "/usr/bin:/bin"}))
    logged: list[tuple[Level, str]] = field(default_factory=list[Any])
    ran: list[tuple[Sequence[str], str]] = field(default_factory=list[Any])

    def write(self, path: str, text: str) -> Path:
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        return where

    def run_local(
        self,
        argv: Sequence[str],
        *,
        directory: str,
        env: Mapping[str, str],
        stdin: str | None,
        line: Callable[[str], None],
    ) -> Finished:
        self.ran.append((tuple(argv), directory))
        done = subprocess.run(argv, cwd=directory, env=env, input=stdin, capture_output=True, text=True, check=False)
        for text in (done.stdout + done.stderr).splitlines():
            line(text)
        return Finished(done.returncode, done.stdout, done.stderr)

    def load(self, tiltfile: str, **facts: Any) -> Evaluation:  # noqa: ANN401  reason: any field of Facts
        path = self.write("Tiltfile", tiltfile)
        return evaluate(
            str(path),
            replace(self.facts, **facts),
            log=lambda text, level: self.logged.append((level, text)),
            run_local=self.run_local,
        )

    def good(self, tiltfile: str, **facts: Any) -> Evaluation:  # noqa: ANN401  reason: any field of Facts
        found = self.load(tiltfile, **facts)
        assert found.error is None, str(found.error)
        return found

    def wrong(self, tiltfile: str, **facts: Any) -> str:  # noqa: ANN401  reason: any field of Facts
        """Return what is wrong with the Tiltfile."""
        error = self.load(tiltfile, **facts).error
        assert error is not None
        return error.message

    def lines(self, level: Level = "INFO") -> list[str]:
        return [text for known, text in self.logged if known == level and not text.startswith("Loading Tiltfile")]


def by_name(evaluation: Evaluation) -> dict[str, Resource]:
    return {resource.name: resource for resource in evaluation.resources}


def local_spec(evaluation: Evaluation, name: str) -> LocalSpec:
    spec = by_name(evaluation)[name].spec.local
    assert spec is not None
    return spec


def kubernetes_spec(evaluation: Evaluation, name: str) -> KubernetesSpec:
    spec = by_name(evaluation)[name].spec.kubernetes
    assert spec is not None
    return spec
