"""The embedded cluster's kinds: what is filled in, refused, warned about, and shown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from upright.openapi import apps_v1, batch_v1, coordination_v1, core_v1, discovery_v1, v1alpha1
from upright.openapi.apps_v1.deployment import Deployment
from upright.openapi.apps_v1.scale import scale_of, scaled
from upright.openapi.batch_v1.job import UID_LABEL, Job
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.pod_columns import ready_cell, restarts_cell, status_cell
from upright.openapi.core_v1.pod_defaults import pull_policy
from upright.openapi.core_v1.secret import Secret
from upright.openapi.core_v1.service import Service
from upright.openapi.errors import Invalid
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from upright.openapi.meta import Json, Object


def read(kind: type[Object], body: Json) -> Object:
    if kind.definition.defaults:
        kind.definition.defaults(body)
    return kind.model_validate(body)


def causes(kind: type[Object], body: Json, old: Json | None = None) -> dict[str, str]:
    before = read(kind, old) if old and kind.compares else None
    return {cause.field: cause.message for cause in read(kind, body).problems(before)}


def test_a_kind_that_looks_at_what_it_replaces_says_so() -> None:
    kinds = tuple(discover(core_v1, apps_v1, batch_v1, coordination_v1, discovery_v1, v1alpha1))
    assert [kind for kind in kinds if ("isinstance(old" in inspect.getsource(kind)) != kind.compares] == []
    assert sum(kind.compares for kind in kinds) == 4


def pod(**spec: object) -> Json:
    container = {"name": "web", "image": "web:1"}
    return {"metadata": {"name": "web"}, "spec": {"containers": [container], **spec}}


def deployment(**spec: object) -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    return {
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def job(**spec: object) -> Json:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "run", "image": "run:1"}]}}
    return {"metadata": {"name": "run", "uid": "u-1"}, "spec": {"template": template, **spec}}


def test_each_kind_is_found() -> None:
    kinds = {kind.definition.resource for kind in discover(core_v1, apps_v1, batch_v1, discovery_v1)}
    assert kinds == {
        "apps/deployments",
        "apps/replicasets",
        "batch/jobs",
        "configmaps",
        "discovery.k8s.io/endpointslices",
        "events",
        "namespaces",
        "nodes",
        "pods",
        "secrets",
        "serviceaccounts",
        "services",
    }


@pytest.mark.parametrize("kind", [*discover(core_v1, apps_v1, batch_v1, discovery_v1)], ids=lambda kind: kind.__name__)
def test_columns_stand_an_empty_object(kind: type[Object]) -> None:
    empty: Json = {"metadata": {}}
    assert [column.value(empty) for column in kind.definition.columns]


def test_a_field_that_is_not_implemented_is_refused_with_its_path() -> None:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"hostNetwork": True, "containers": [{"name": "web", "image": "web", "lifecycle": {"preStop": {}}}]},
    }
    told = causes(Deployment, deployment(template=template))
    assert told["spec.template.spec.hostNetwork"].startswith("Forbidden: not implemented by the embedded cluster")
    assert "spec.template.spec.containers[0].lifecycle" in told


def test_a_field_that_is_not_implemented_may_say_what_is_so_anyway() -> None:
    assert causes(Pod, pod(hostNetwork=False, dnsPolicy="ClusterFirst", os={"name": "linux"})) == {}


def test_a_harmless_field_is_kept_and_warned_about() -> None:
    obj = read(Pod, pod(affinity={"podAntiAffinity": {}}, priorityClassName="high"))
    assert not list(obj.problems(None))
    assert [warning.partition(":")[0] for warning in obj.warnings()] == ["spec.affinity", "spec.priorityClassName"]
    assert obj.to_wire()["spec"]["affinity"] == {"podAntiAffinity": {}}


def test_what_is_filled_in_causes_no_warning() -> None:
    for kind, body in ((Pod, pod()), (Deployment, deployment()), (Job, job())):
        obj = read(kind, body)
        assert (list(obj.problems(None)), list(obj.warnings())) == ([], [])


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("localhost:5000/web", "Always"),
        ("localhost:5000/web:1", "IfNotPresent"),
        ("web@sha256:0123", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_deployment_is_filled_in_as_kubernetes_does() -> None:
    wire = read(Deployment, deployment()).to_wire()
    assert wire["spec"]["replicas"] == 1
    assert wire["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert wire["spec"]["progressDeadlineSeconds"] == 600
    spec = wire["spec"]["template"]["spec"]
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Always", 30)


def test_a_probe_is_filled_in_as_kubernetes_does() -> None:
    container = {"name": "web", "image": "web:1", "readinessProbe": {"httpGet": {"port": "http"}}}
    probe = read(Pod, pod(containers=[container])).to_wire()["spec"]["containers"][0]["readinessProbe"]
    assert probe == {
        "httpGet": {"path": "/", "port": "http", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_a_job_gets_a_selector_that_only_its_pods_match() -> None:
    assert Job.definition.born
    wire = Job.definition.born(read(Job, job()).to_wire())
    assert wire["spec"]["selector"] == {"matchLabels": {UID_LABEL: "u-1"}}
    assert wire["spec"]["template"]["metadata"]["labels"]["job-name"] == "run"
    assert (wire["spec"]["completions"], wire["spec"]["parallelism"], wire["spec"]["backoffLimit"]) == (1, 1, 6)


def test_a_secret_takes_plain_text() -> None:
    wire = read(Secret, {"metadata": {"name": "s"}, "stringData": {"user": "ann"}, "data": {"x": "eA=="}}).to_wire()
    assert (wire["data"], wire["type"]) == ({"x": "eA==", "user": "YW5u"}, "Opaque")
    assert "stringData" not in wire
    with pytest.raises(ValidationError, match="stringData"):
        read(Secret, {"metadata": {"name": "s"}, "stringData": {"port": 5432}})


WRONG_PODS: list[tuple[dict[str, Any], str, str]] = [  # Any: JSON
    ({"containers": []}, "spec.containers", "Required value"),
    ({"containers": [{"image": "x"}]}, "spec.containers[0].name", "Required value"),
    ({"containers": [{"name": "x"}]}, "spec.containers[0].image", "Required value"),
    ({"containers": [{"name": "A_b", "image": "x"}]}, "spec.containers[0].name", 'Invalid value: "A_b"'),
    ({"restartPolicy": "Sometimes"}, "spec.restartPolicy", 'Unsupported value: "Sometimes"'),
    ({"volumes": [{"name": "a"}, {"name": "a"}]}, "spec.volumes[1].name", 'Duplicate value: "a"'),
    (
        {"volumes": [{"name": "a", "emptyDir": {}, "configMap": {"name": "x"}}]},
        "spec.volumes[0].emptyDir",
        "Forbidden: may not specify more than 1 volume type",
    ),
    (
        {"containers": [{"name": "x", "image": "x", "volumeMounts": [{"name": "gone", "mountPath": "/x"}]}]},
        "spec.containers[0].volumeMounts[0].name",
        'Not found: "gone"',
    ),
    (
        {"containers": [{"name": "x", "image": "x", "readinessProbe": {}}]},
        "spec.containers[0].readinessProbe",
        "Required value: must specify a handler type",
    ),
    (
        {
            "containers": [
                {"name": "x", "image": "x", "livenessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["a"]}}}
            ]
        },
        "spec.containers[0].livenessProbe.tcpSocket",
        "Forbidden: may not specify more than 1 handler type",
    ),
    (
        {"containers": [{"name": "x", "image": "x", "env": [{"name": "A", "valueFrom": {}}]}]},
        "spec.containers[0].env[0].valueFrom",
        "Invalid value",
    ),
    (
        {
            "containers": [
                {"name": "x", "image": "x", "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}}}
            ]
        },
        "spec.containers[0].resources.requests",
        'Invalid value: "2": must be less than or equal to cpu limit of 500m',
    ),
]


@pytest.mark.parametrize(("spec", "field", "words"), WRONG_PODS)
def test_what_is_wrong_with_a_pod_is_said_with_its_path(spec: dict[str, Any], field: str, words: str) -> None:
    assert causes(Pod, pod(**spec))[field].startswith(words)


WRONG_DEPLOYMENTS: list[tuple[dict[str, Any], str, str]] = [  # Any: JSON
    ({"selector": None}, "spec.selector", "Required value"),
    (
        {"selector": {"matchLabels": {"app": "other"}}},
        "spec.template.metadata.labels",
        'Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ),
    ({"replicas": -1}, "spec.replicas", "Invalid value: -1"),
    ({"strategy": {"type": "Slowly"}}, "spec.strategy.type", "Unsupported value"),
    (
        {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
        "spec.strategy.rollingUpdate.maxUnavailable",
        "Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ),
    ({"minReadySeconds": 700}, "spec.progressDeadlineSeconds", "Invalid value: 600"),
]


@pytest.mark.parametrize(("spec", "field", "words"), WRONG_DEPLOYMENTS)
def test_what_is_wrong_with_a_deployment_is_said_with_its_path(spec: dict[str, Any], field: str, words: str) -> None:
    assert causes(Deployment, deployment(**spec))[field].startswith(words)


def test_a_jobs_pods_may_not_always_restart() -> None:
    body = job()
    del body["spec"]["template"]["spec"]["restartPolicy"]
    assert causes(Job, body) == {
        "spec.template.spec.restartPolicy": 'Unsupported value: "Always": supported values: "OnFailure", "Never"'
    }


def test_a_pods_image_and_node_may_change_and_its_command_may_not() -> None:
    moved = pod(nodeName="upright", containers=[{"name": "web", "image": "web:2", "imagePullPolicy": "IfNotPresent"}])
    assert causes(Pod, moved, pod()) == {}
    told = causes(Pod, pod(containers=[{"name": "web", "image": "web:1", "command": ["sh"]}]), pod())
    assert told["spec"].startswith("Forbidden: pod updates may not change fields")


def test_a_service_without_address_from_outside_is_warned_about() -> None:
    body: Json = {"metadata": {"name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    obj = read(Service, body)
    assert not list(obj.problems(None))
    assert [warning.partition(":")[0] for warning in obj.warnings()] == ["spec.type"]
    assert obj.to_wire()["spec"]["ports"] == [{"protocol": "TCP", "port": 80, "targetPort": 80}]


def test_kubectls_words_for_a_pod() -> None:
    body: Json = {
        "metadata": {},
        "spec": {"containers": [{}], "initContainers": [{}, {}]},
        "status": {"phase": "Pending"},
    }
    assert (ready_cell(body), status_cell(body)) == ("0/1", "Pending")
    body["status"]["initContainerStatuses"] = [
        {"state": {"terminated": {"exitCode": 0}}},
        {"state": {"running": {}}, "restartCount": 2},
    ]
    assert (status_cell(body), restarts_cell(body)) == ("Init:1/2", 2)
    body["status"] = {
        "phase": "Running",
        "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 4}],
    }
    assert (status_cell(body), restarts_cell(body)) == ("CrashLoopBackOff", 4)
    body["status"] = {"phase": "Running", "containerStatuses": [{"ready": True, "state": {"running": {}}}]}
    assert (ready_cell(body), status_cell(body)) == ("1/1", "Running")
    body["metadata"]["deletionTimestamp"] = "2026-11-23T00:00:00Z"
    assert status_cell(body) == "Terminating"


def test_a_scale_is_read_and_written() -> None:
    body = read(Deployment, deployment(replicas=2)).to_wire()
    scale = scale_of(body)
    assert (scale["spec"], scale["status"]["selector"]) == ({"replicas": 2}, "app=web")
    assert scaled(body, {"spec": {"replicas": 5}})["spec"]["replicas"] == 5
    with pytest.raises(Invalid, match="greater than or equal to 0"):
        scaled(body, {"spec": {"replicas": -1}})
