"""Each kind is ready as documented, and only the generation that this run applied is looked at."""

from __future__ import annotations

import pytest

from tests.controllers.verdict.cases import NOW, ago, applied, condition, event, seen
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.workloads import findings, is_watched, readiness

DEPLOYMENT = applied("Deployment")
STATEFUL_SET = applied("StatefulSet")
DAEMON_SET = applied("DaemonSet")
REPLICA_SET = applied("ReplicaSet")
JOB = applied("Job", "batch/v1", generation=1)
POD = applied("Pod", "v1", generation=1)
CLAIM = applied("PersistentVolumeClaim", "v1", generation=0)
CERTIFICATE = applied("Certificate", "cert-manager.io/v1")
ROLLED_OUT = {"observedGeneration": 3, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
THREE = {"replicas": 3}


@pytest.mark.parametrize(
    ("spec", "status", "waits_for"),
    [
        (THREE, ROLLED_OUT, ""),
        (THREE, ROLLED_OUT | {"observedGeneration": 4}, ""),
        (THREE, ROLLED_OUT | {"observedGeneration": 2}, "the cluster has not taken notice of it yet"),
        (THREE, {}, "the cluster has not taken notice of it yet"),
        ({"replicas": 0}, {}, "the cluster has not taken notice of it yet"),
        ({"replicas": 0}, {"observedGeneration": 3}, ""),
        (THREE, ROLLED_OUT | {"updatedReplicas": 1, "replicas": 4}, "1 of 3 replicas updated"),
        (THREE, ROLLED_OUT | {"availableReplicas": 1}, "1 of 3 replicas available"),
        (THREE, ROLLED_OUT | {"replicas": 4}, "1 old replicas to go"),
        (THREE, ROLLED_OUT | {"terminatingReplicas": 2}, ""),
        ({}, ROLLED_OUT | {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, ""),
    ],
)
def test_a_deployment_is_ready_when_all_replicas_are_new_and_available(
    spec: object, status: object, waits_for: str
) -> None:
    found = readiness(DEPLOYMENT, seen(DEPLOYMENT, status, spec=spec))
    assert (found.ready, found.waits_for) == (not waits_for, waits_for)


@pytest.mark.parametrize(
    ("more", "waits_for"),
    [
        ({"uid": "another"}, "not seen in the cluster yet"),
        ({"generation": 2}, "not seen as it was applied yet"),
        ({"generation": 4}, ""),
        ({"deleting": True}, "it is being deleted"),
    ],
)
def test_another_object_or_an_older_one_of_the_name_is_not_looked_at(more: dict[str, object], waits_for: str) -> None:
    assert readiness(DEPLOYMENT, seen(DEPLOYMENT, ROLLED_OUT, spec=THREE, **more)).waits_for == waits_for


def test_an_object_that_was_not_seen_yet_is_not_ready() -> None:
    assert readiness(DEPLOYMENT, None).waits_for == "not seen in the cluster yet"
    assert not readiness(CERTIFICATE, None).ready


ALL_NEW = {
    "observedGeneration": 3,
    "replicas": 3,
    "readyReplicas": 3,
    "updatedReplicas": 3,
    "currentRevision": "b",
    "updateRevision": "b",
}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


@pytest.mark.parametrize(
    ("spec", "status", "waits_for"),
    [
        (THREE, ALL_NEW, ""),
        (THREE, {}, "the cluster has not taken notice of it yet"),
        (THREE, ALL_NEW | {"updatedReplicas": 2}, "2 of 3 replicas updated"),
        (THREE, ALL_NEW | {"currentRevision": "a"}, "the new revision is not the current one yet"),
        (THREE, ALL_NEW | {"readyReplicas": 2}, "2 of 3 replicas ready"),
        (
            THREE | {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            ALL_NEW | {"updatedReplicas": 1, "currentRevision": "a"},
            "",
        ),
        (
            THREE | {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            ALL_NEW | {"updatedReplicas": 0, "currentRevision": "a"},
            "0 of 1 replicas updated",
        ),
        (THREE | ON_DELETE, ALL_NEW | {"updatedReplicas": 0, "currentRevision": "a"}, ""),
        (THREE | ON_DELETE, ALL_NEW | {"readyReplicas": 0}, "0 of 3 replicas ready"),
    ],
)
def test_a_stateful_set_is_ready_when_all_that_should_be_are_of_the_new_revision(
    spec: object, status: object, waits_for: str
) -> None:
    assert readiness(STATEFUL_SET, seen(STATEFUL_SET, status, spec=spec)).waits_for == waits_for


WEBHOOKS = applied("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", name="checks")
CALLED = {"namespace": "system", "name": "checker"}


def test_a_webhook_that_nobody_answers_says_whose_answer_it_waits_for() -> None:
    found = readiness(WEBHOOKS, seen(WEBHOOKS, {"services": [CALLED | {"ready": 0}]}))
    assert found.waits_for == "nobody answers it: Service system/checker has no ready endpoint"


EVERYWHERE = {"observedGeneration": 3, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}


@pytest.mark.parametrize(
    ("spec", "status", "ready"),
    [
        ({}, EVERYWHERE, True),
        ({}, {}, False),
        ({}, EVERYWHERE | {"updatedNumberScheduled": 1}, False),
        ({}, EVERYWHERE | {"numberAvailable": 1}, False),
        (ON_DELETE, EVERYWHERE | {"updatedNumberScheduled": 0}, True),
        ({}, {"observedGeneration": 3, "desiredNumberScheduled": 0}, True),
    ],
)
def test_a_daemon_set_is_ready_when_it_is_on_every_node_that_should_run_it(
    spec: object, status: object, ready: bool
) -> None:
    assert readiness(DAEMON_SET, seen(DAEMON_SET, status, spec=spec)).ready is ready


@pytest.mark.parametrize(
    ("of", "spec", "status", "ready", "complete"),
    [
        (REPLICA_SET, {"replicas": 2}, {"observedGeneration": 3, "readyReplicas": 2}, True, False),
        (REPLICA_SET, {"replicas": 2}, {"observedGeneration": 3, "readyReplicas": 1}, False, False),
        (JOB, {}, {"conditions": [condition("Complete")]}, True, True),
        (JOB, {}, {"conditions": [condition("Complete", "False")]}, False, False),
        (JOB, {"completions": 3}, {"succeeded": 2}, False, False),
        (JOB, {"suspend": True}, {}, True, True),
        (POD, {}, {"phase": "Running", "conditions": [condition("Ready")]}, True, False),
        (POD, {}, {"phase": "Running", "conditions": [condition("Ready", "False")]}, False, False),
        (POD, {}, {"phase": "Succeeded", "conditions": [condition("Ready", "False")]}, True, True),
        (POD, {}, {"phase": "Failed"}, False, False),
        (CLAIM, {}, {"phase": "Bound"}, True, False),
        (CLAIM, {}, {"phase": "Pending"}, False, False),
        (applied("Namespace", "v1"), {}, {"phase": "Active"}, True, False),
        (applied("Namespace", "v1"), {}, {}, False, False),
        (
            applied("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
            {},
            {"conditions": [condition("Established")]},
            True,
            False,
        ),
        (applied("CustomResourceDefinition", "apiextensions.k8s.io/v1"), {}, {}, False, False),
        (WEBHOOKS, {}, {"services": []}, True, False),
        (WEBHOOKS, {}, {"services": [CALLED | {"ready": 1}]}, True, False),
        (WEBHOOKS, {}, {"services": [CALLED | {"ready": 1}, CALLED | {"ready": 0}]}, False, False),
        (
            applied("APIService", "apiregistration.k8s.io/v1"),
            {},
            {"conditions": [condition("Available", "False")]},
            False,
            False,
        ),
        (applied("ConfigMap", "v1"), {}, {}, True, False),
        (applied("Secret", "v1"), {}, {}, True, False),
        (applied("Service", "v1"), {}, {}, True, False),
        (applied("CronJob", "batch/v1"), {}, {}, True, False),
        (applied("Role", "rbac.authorization.k8s.io/v1"), {}, {}, True, False),
    ],
)
def test_each_kind_is_ready_in_its_own_way(
    of: object, spec: object, status: object, ready: bool, complete: bool
) -> None:
    found = readiness(of, seen(of, status, spec=spec))  # type: ignore[arg-type]  # the cases are applied objects
    assert (found.ready, found.complete) == (ready, complete)


def test_a_claim_that_waits_for_a_consumer_is_ready() -> None:
    pending = seen(CLAIM, {"phase": "Pending"})
    assert readiness(CLAIM, pending, [event("WaitForFirstConsumer")]).ready
    assert not readiness(CLAIM, pending, [event("WaitForFirstConsumer"), event("ProvisioningFailed")]).ready


@pytest.mark.parametrize(
    ("conditions", "waits_for"),
    [
        ([], ""),
        ([condition("Ready", observedGeneration=3)], ""),
        ([condition("Ready", observedGeneration="3")], ""),
        ([condition("Ready")], ""),
        ([condition("Ready", observedGeneration=2)], "not reconciled yet"),
        ([condition("Ready", observedGeneration="2")], "not reconciled yet"),
        ([condition("Ready", "False", reason="Issuing", message="being issued")], "being issued"),
        ([condition("Ready", "Unknown", reason="Issuing")], "Issuing"),
        ([condition("Reconciling", reason="Progressing"), condition("Ready")], "Progressing"),
        ([condition("Reconciling", "False"), condition("Ready")], ""),
    ],
)
def test_a_custom_resource_is_ready_by_its_conditions_if_it_has_any(conditions: object, waits_for: str) -> None:
    assert readiness(CERTIFICATE, seen(CERTIFICATE, {"conditions": conditions})).waits_for == waits_for


def test_only_kinds_that_tell_more_are_watched() -> None:
    assert is_watched("apps", "Deployment")
    assert is_watched("", "PersistentVolumeClaim")
    assert is_watched("cert-manager.io", "Certificate")
    assert is_watched("gateway.networking.x-k8s.io", "Gateway")
    assert not is_watched("", "ConfigMap")
    assert not is_watched("networking.k8s.io", "Ingress")


BUDGETS = Budgets()


@pytest.mark.parametrize(
    ("of", "status", "rule", "message"),
    [
        (
            JOB,
            {"conditions": [condition("Failed", reason="BackoffLimitExceeded", message="no more")]},
            "job-failed",
            "BackoffLimitExceeded: no more",
        ),
        (JOB, {"conditions": [condition("Failed", "False")]}, "", ""),
        (
            DEPLOYMENT,
            {
                "observedGeneration": 3,
                "conditions": [condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="late")],
            },
            "progress-deadline",
            "late",
        ),
        (
            DEPLOYMENT,
            {
                "observedGeneration": 2,
                "conditions": [condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="late")],
            },
            "",
            "",
        ),
        (
            DEPLOYMENT,
            {"observedGeneration": 3, "conditions": [condition("ReplicaFailure", message="exceeded quota")]},
            "pods-refused",
            "cannot create pods: exceeded quota",
        ),
        (
            CERTIFICATE,
            {"conditions": [condition("Stalled", observedGeneration=3, message="no issuer")]},
            "stalled",
            "Stalled: no issuer",
        ),
        (CERTIFICATE, {"conditions": [condition("Stalled", observedGeneration="2", message="no issuer")]}, "", ""),
    ],
)
def test_conditions_that_mean_failure_are_found(of: object, status: object, rule: str, message: str) -> None:
    found = list(findings(of, seen(of, status), BUDGETS))  # type: ignore[arg-type]  # the cases are applied objects
    assert [(one.rule, one.message) for one in found] == ([(rule, message)] if rule else [])


def test_a_failed_job_is_red_at_once_and_never_recovers() -> None:
    (found,) = findings(JOB, seen(JOB, {"conditions": [condition("Failed")]}), BUDGETS)
    assert found.is_red(NOW)
    assert not found.recoverable


def test_pods_that_cannot_be_created_are_tolerated_for_a_while() -> None:
    status = {"observedGeneration": 3, "conditions": [condition("ReplicaFailure", seconds=2, message="quota")]}
    (found,) = findings(DEPLOYMENT, seen(DEPLOYMENT, status), BUDGETS)
    assert (found.since, found.tolerance, found.held) == (ago(2), BUDGETS.pods_timeout, False)


def test_a_missing_service_account_may_still_come_while_others_are_brought_up() -> None:
    told = 'error looking up service account default/web: serviceaccount "web" not found'
    status = {"observedGeneration": 3, "conditions": [condition("ReplicaFailure", message=told)]}
    (found,) = findings(DEPLOYMENT, seen(DEPLOYMENT, status), BUDGETS, busy=True)
    assert found.held
