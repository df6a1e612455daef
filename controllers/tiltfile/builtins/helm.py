"""helm(): the objects that a chart comes to, by the user's own helm."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.builtins.local import run
from upright.controllers.tiltfile.kubernetes_objects import parse_entities
from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.readers import Command, path, strings
from upright.controllers.tiltfile.vocabulary import function
from upright.controllers.tiltfile.yaml_documents import InvalidYAML, documents, dump_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.tiltfile.project import Project

_SEPARATOR = "---\n"
_TEST_HOOK = re.compile(r"^# Source: .*/tests/", re.MULTILINE)
_WITHOUT_NAMESPACE = re.compile(
    r"Namespace|CustomResourceDefinition|Cluster.*|PersistentVolume|StorageClass|PriorityClass|IngressClass|"
    r"APIService|RuntimeClass|CSIDriver|.*WebhookConfiguration|PodSecurityPolicy"
)


class HelmArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    paths: str = required(path)
    name: str = optional(string, "")
    namespace: str = optional(string, "")
    values: tuple[str, ...] = optional(strings, ())
    set: tuple[str, ...] = optional(strings, ())
    kube_version: str = optional(string, "")
    skip_crds: bool = optional(boolean, default=False)


def helm(project: Project, given: HelmArguments) -> Blob:
    """Return what ``helm template`` prints for the chart, its tests left out."""
    chart = Path(given.paths)
    if not chart.exists():
        raise Failure(f"Could not read Helm chart directory {quote(given.paths)}: does not exist")
    if not chart.is_dir():
        raise Failure(f"helm() may only be called on directories with Chart.yaml: {quote(given.paths)}")
    project.watch(given.paths, recursive=True)
    for subchart in _local_subcharts(chart):
        project.watch(subchart, recursive=True)
    for file in given.values:
        project.watch(absolute(file, project.directory))
    if shutil.which("helm", path=project.environ.get("PATH")) is None:
        raise Failure("Unable to find Helm installation. Make sure `helm` is on your $PATH.")
    finished = run(project, Command(_argv(given), project.directory), None, quiet=True, echo=False)
    text = _SEPARATOR.join(part for part in finished.stdout.split(_SEPARATOR) if not _TEST_HOOK.search(part))
    source = f"helm: {given.paths}"
    return Blob(_in_namespace(text, given.namespace, source) if given.namespace else text, source)


def _argv(given: HelmArguments) -> tuple[str, ...]:
    argv = ["helm", "template", given.name or "chart", given.paths]
    argv += [] if given.skip_crds else ["--include-crds"]
    argv += ["--kube-version", given.kube_version] if given.kube_version else []
    argv += ["--namespace", given.namespace] if given.namespace else []
    argv += [word for file in given.values for word in ("--values", file)]
    argv += [word for pair in given.set for word in ("--set", pair)]
    return tuple(argv)


def _local_subcharts(chart: Path) -> Iterator[str]:
    """Yield the folders that the chart's dependencies name as ``file://``, where it is Helm 3's way or Helm 2's."""
    for name in ("Chart.yaml", "requirements.yaml"):
        try:
            found = list(documents((chart / name).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, InvalidYAML):
            continue
        for document in found:
            wanted = document.value.get("dependencies") if isinstance(document.value, dict) else None
            for one in wanted or ():
                repository = one.get("repository") if isinstance(one, dict) else None
                if isinstance(repository, str) and repository.startswith("file://"):
                    yield absolute(repository.removeprefix("file://"), str(chart))


def _in_namespace(text: str, namespace: str, source: str) -> str:
    """Return the objects with the namespace in those that name none, as Helm would install them."""
    bodies = [entity.body for entity in parse_entities(text, source)]
    for body in bodies:
        if not _WITHOUT_NAMESPACE.fullmatch(str(body["kind"])):
            body["metadata"].setdefault("namespace", namespace)
    return dump_all(bodies)


VALUES = {"helm": function("helm", HelmArguments, helm)}
