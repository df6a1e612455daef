"""Records the golden cases anew: python -m tests.golden.record [--cluster embedded|real] [CASE …].

``real`` is the kubeconfig that ``UPRIGHT_TEST_KUBECONFIG`` names (with ``UPRIGHT_TEST_DOCKER_HOST`` for its engine). Each case is
run as a user would run it; its record, with the places of this machine taken out, is put beside this file, and what it came
to into ``expected.json``. Look at the difference before it is committed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.objects import container, deployment, job
from tests.e2e.project import Project, new_project
from upright.client.report.files import write_whole
from upright.controllers.record.record_file import read

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.openapi.meta import Json

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"
NAMESPACE = "upright-golden"
PROBE = {"tcpSocket": {"port": 8080}}
LISTEN = "while true; do nc -l -p 8080; done"
CASES: dict[str, tuple[Json, ...]] = {
    "exits-7": (deployment("web", container(script="echo there is no database; exit 7")),),
    "one-of-two": (
        deployment("web", container(script=LISTEN, readinessProbe=PROBE)),
        deployment("worker", container(script="echo out of luck; exit 7")),
    ),
    "probed-loop": (deployment("web", container(script="echo boom; exit 9", readinessProbe=PROBE)),),
    "recovers": (
        deployment(
            "web",
            container(
                script="[ -e /data/seen ] && exec sleep 1000; touch /data/seen; exit 3",
                volumeMounts=[{"name": "data", "mountPath": "/data"}],
            ),
            volumes=[{"name": "data", "emptyDir": {}}],
        ),
    ),
    "no-secret": (deployment("web", container(envFrom=[{"secretRef": {"name": "nowhere"}}])),),
    "too-big": (deployment("web", container(resources={"requests": {"cpu": "900"}})),),
    "broken-job": (job("task", container(script="echo broken; exit 4")),),
    "no-image": (deployment("web", {"name": "main", "image": "localhost:5000/nothing/here:1"}),),
    "well": (
        deployment("server", container()),
        deployment("probed", container(script=LISTEN, readinessProbe=PROBE), replicas=3),
        job("task", container(script="echo done")),
    ),
}
LOCAL = """local_resource("first", "echo first")
local_resource("second", "echo trouble; exit 3", resource_deps=["first"])
local_resource("third", "echo third", resource_deps=["second"])
"""


def main() -> int:
    """Record the cases that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.record", description=__doc__)
    parser.add_argument("--cluster", choices=("embedded", "real"), default="embedded")
    parser.add_argument("cases", nargs="*")
    asked = parser.parse_args()
    names = asked.cases or [*CASES, *(["local"] if asked.cluster == "embedded" else [])]
    expected: Json = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    real = asked.cluster == "real"
    with tempfile.TemporaryDirectory() as folder, _namespace() if real else nullcontext():
        for name in names:
            key = f"{asked.cluster}/{name}"
            expected[key] = _record(key, name, Path(folder), real=real)
            sys.stdout.write(f"{key}: {json.dumps(expected[key])}\n")
    write_whole(str(EXPECTED), json.dumps(dict(sorted(expected.items())), indent=1) + "\n")
    return 0


def _record(key: str, name: str, place: Path, *, real: bool) -> Json:
    (place / name).mkdir()
    made = new_project(place / name, place / "cache")
    project = Project(made.folder, made.home, made.cache, _environ() if real else {})
    project.tiltfile(LOCAL if name == "local" else "", *CASES.get(name, ()))
    where = ("--cluster=auto", f"--namespace={NAMESPACE}") if real else ()
    outcome = project.start(*where).ended()
    if real:
        _kubectl("delete", "-f", str(project.folder / "objects.yaml"), "--namespace", NAMESPACE)
    target = HERE / f"{key}.record"
    target.parent.mkdir(exist_ok=True)
    text = "".join(
        json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in read(outcome.folder / "record")
    )
    target.write_bytes(gzip.compress(_placeless(text, project).encode(), mtime=0))
    return came_to(read(target)[-1]["report"])


def came_to(report: Json) -> Json:
    """Return what is expected of a replay, in short."""
    verdict = report["verdict"]
    told = [[card["resource"], card["rule"]] for card in report.get("failures", ())]
    return {"state": verdict["state"], "exitCode": verdict["exitCode"], "seconds": report["seconds"], "failures": told}


def _placeless(text: str, project: Project) -> str:
    """Take out what tells of the machine: its folders and its name."""
    folders = {
        str(project.run_folder): "/run",
        str(project.folder): "/project",
        str(project.home): "/home",
        str(project.cache): "/cache",
    }
    for folder, word in folders.items():
        text = text.replace(folder, word)
    for name in {platform.node(), *re.findall(r'assigned \S+ to ([^" ]+)"', text)} - {"", "upright"}:
        text = re.sub(rf"\b{re.escape(name)}\b", "machine", text)
    return text


def _environ() -> dict[str, str]:
    engine = os.environ.get("UPRIGHT_TEST_DOCKER_HOST")
    return {"KUBECONFIG": os.environ["UPRIGHT_TEST_KUBECONFIG"]} | ({"DOCKER_HOST": engine} if engine else {})


@contextmanager
def _namespace() -> Generator[None]:
    """Have a namespace of our own for a while."""
    _kubectl("create", "namespace", NAMESPACE)
    try:
        yield
    finally:
        _kubectl("delete", "namespace", NAMESPACE)


def _kubectl(*arguments: str) -> None:
    subprocess.run(["kubectl", *arguments], env=os.environ | _environ(), check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
