"""Deploying to a real Kubernetes: all at once, what cannot be changed, pods that others make, and what is to leave again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.e2e.project import Project, new_project

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.engine]

SPACE = f"upright-{os.getpid()}"
GROUP = f"{SPACE}.example"
READY = '{exec: {command: ["true"]}, periodSeconds: 1}'
CONTAINER = f'{{name: main, image: toolbox, command: [sleep, "1000"], readinessProbe: {READY}}}'
DEFINITION = f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{GROUP}}}
spec:
  group: {GROUP}
  scope: Namespaced
  names: {{plural: widgets, kind: Widget}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""
WIDGET = f"""
apiVersion: {GROUP}/v1
kind: Widget
metadata: {{name: one, namespace: {SPACE}}}
spec: {{image: toolbox}}
"""
NAMESPACE = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {SPACE}}}
"""


def deployment(app: str) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {SPACE}}}
spec:
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec: {{serviceAccountName: web, terminationGracePeriodSeconds: 0, containers: [{CONTAINER}]}}
"""


RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: web, namespace: {SPACE}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}}
subjects: [{{kind: ServiceAccount, name: web}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: web, namespace: {SPACE}}}
rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: web, namespace: {SPACE}}}
"""


class Place(NamedTuple):
    """A project whose runs deploy to the real cluster."""

    project: Project

    def kubectl(self, *arguments: str) -> str:
        ended = subprocess.run(
            ["kubectl", *arguments], env=self.project.environment, capture_output=True, text=True, check=False
        )
        return ended.stdout

    def names(self, kinds: str) -> set[str]:
        """Return what there is in the namespace, as kind/name, of what is not going."""
        items = json.loads(self.kubectl("get", kinds, "-n", SPACE, "-o", "json"))["items"]
        living: list[Json] = [one for one in items if "deletionTimestamp" not in one["metadata"]]
        return {f"{one['kind']}/{one['metadata']['name']}" for one in living}

    def tiltfile(self, text: str, *documents: str) -> None:
        self.project.tiltfile(text, {"apiVersion": "v1", "kind": "List", "items": []})
        self.project.write("objects.yaml", "\n---\n".join(documents))


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Generator[Place]:
    config = os.environ.get("UPRIGHT_TEST_KUBECONFIG")
    if not config:
        pytest.skip("no real Kubernetes is at hand: name its kubeconfig by UPRIGHT_TEST_KUBECONFIG")
    engine = os.environ.get("UPRIGHT_TEST_DOCKER_HOST")
    made = new_project(tmp_path, cache)
    environ = {"KUBECONFIG": config} | ({"DOCKER_HOST": engine} if engine else {})
    there = Place(Project(made.folder, made.home, made.cache, environ))
    try:
        yield there
    finally:
        there.kubectl("delete", "namespace", SPACE, "--ignore-not-found")
        there.kubectl("delete", "crd", f"widgets.{GROUP}", "--ignore-not-found")


def test_a_namespace_a_new_kind_and_all_that_needs_them_come_up_at_once_and_can_be_made_anew(place: Place) -> None:
    options = "k8s_kind('Widget', image_json_path='{.spec.image}', pod_readiness='ignore')\n"
    place.tiltfile(options, WIDGET, deployment("a"), RIGHTS, DEFINITION, NAMESPACE)
    outcome = place.project.ci("--cluster=auto")
    assert outcome.code == 0, outcome
    assert {"Deployment/web", "Widget/one"} <= place.names(f"deployment,widgets.{GROUP}")
    place.tiltfile(options, WIDGET, deployment("b"), RIGHTS, DEFINITION, NAMESPACE)
    outcome = place.project.ci("--cluster=auto")
    assert outcome.code == 0, outcome
    assert "Deployment/web cannot be changed to what is wanted: it is deleted, and made anew" in outcome.out
    ended = place.project.upright("down", "--delete-namespaces")
    assert ended.returncode == 0, ended.stderr
    gone = [line.split(" ")[0] for line in ended.stdout.splitlines()]
    assert gone.index("deployment.apps/web") < gone.index("serviceaccount/web") < gone.index(f"namespace/{SPACE}")
    assert any(line.startswith(f"customresourcedefinition.apiextensions.k8s.io/widgets.{GROUP}") for line in gone)


OPERATOR = f"""
uid=$(kubectl get widget one -n {SPACE} -o jsonpath='{{.metadata.uid}}')
image=$(kubectl get widget one -n {SPACE} -o jsonpath='{{.spec.image}}')
kubectl apply -f - <<END
apiVersion: v1
kind: Pod
metadata:
  name: made-by-operator
  namespace: {SPACE}
  labels: {{made-by: operator}}
  ownerReferences: OWNERS
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: $image
    command: [sh, -c, "COMMAND"]
    readinessProbe: {{exec: {{command: [test, -e, /ready]}}, periodSeconds: 1}}
END
"""
OWNED = f"[{{apiVersion: {GROUP}/v1, kind: Widget, name: one, uid: $uid}}]"
KIND = "k8s_kind('Widget', image_json_path='{.spec.image}', pod_readiness='wait')\n"


@pytest.mark.parametrize(
    ("owners", "options"),
    [
        (OWNED, ""),
        (
            "[]",
            "k8s_resource('one', extra_pod_selectors={'made-by': 'operator'}, discovery_strategy='selectors-only')\n",
        ),
    ],
    ids=["owned", "selected"],
)
@pytest.mark.parametrize(
    ("command", "code"), [("touch /ready; sleep 1000", 0), ("echo no disk; exit 4", 1)], ids=["well", "broken"]
)
def test_the_pods_that_an_operator_makes_decide_about_its_resource(
    place: Place, owners: str, options: str, command: str, code: int
) -> None:
    script = OPERATOR.replace("OWNERS", owners).replace("COMMAND", command)
    place.project.write("operator.sh", f"set -e\nuntil kubectl get widget one -n {SPACE}; do sleep 0.2; done\n{script}")
    place.tiltfile(f"{KIND}{options}local_resource('operator', 'sh operator.sh')\n", DEFINITION, NAMESPACE, WIDGET)
    outcome = place.project.start("--cluster=auto").ended()
    assert outcome.code == code, outcome
    if code:
        assert outcome.card["rule"] == "crash-loop", outcome
        assert "no disk" in " ".join(str(line) for line in outcome.card["logs"])


def test_what_is_disabled_and_what_leaves_the_tiltfile_leaves_the_cluster(place: Place) -> None:
    note = "annotations: {tilt.dev/down-policy: keep}"
    maps = [
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {SPACE}, {more}}}\n"
        for name, more in (("kept", note), ("extra", "labels: {a: b}"))
    ]
    place.project.write("extra.yaml", maps[1])
    text = f"""
config.define_bool('extra')
more = config.parse().get('extra', True)
if more:
  k8s_yaml('extra.yaml')
k8s_resource('web', objects=['kept:configmap'] + (['extra:configmap'] if more else []))
k8s_custom_deploy('own', 'echo "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: own, namespace: {SPACE}}}" > own.yaml; '
  + 'kubectl apply -o yaml -f own.yaml; echo word is $WORD >&2', 'kubectl delete -f own.yaml', deps=[], apply_env={{'WORD': 'yes'}})
"""
    place.tiltfile(text, NAMESPACE, RIGHTS, deployment("a"), maps[0])
    running = place.project.start("--cluster=auto", "--stay")
    try:
        applied: set[str] = set()
        while not applied >= {"own:configmap", "kept:configmap", "extra:configmap"}:
            applied.add(running.until(":configmap").split()[-1])
        here = ("--port", str(running.port))
        assert place.names("configmap") >= {"ConfigMap/kept", "ConfigMap/extra", "ConfigMap/own"}
        place.project.upright("args", *here, "--", "--extra=false")
        running.until("Objects deleted from cluster")
        running.until("extra:configmap")
        assert "ConfigMap/extra" not in place.names("configmap")
        place.project.upright("disable", "web", "own", *here)
        running.until("Kept, as their annotations say: ConfigMap/kept")
        running.until("web:deployment")
        assert "ConfigMap/kept" in place.names("configmap")
        assert "Deployment/web" not in place.names("deployment")
        place.project.upright("enable", "web", *here)
        running.until("web:deployment")
        assert "Deployment/web" in place.names("deployment")
        assert "ConfigMap/own" not in place.names("configmap")
    finally:
        running.signal(signal.SIGINT)
        outcome = running.ended()
    assert ("word is yes" in outcome.out, "ERROR" in outcome.out) == (True, False), outcome
