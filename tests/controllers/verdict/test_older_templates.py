"""A pod of an older template than the applied one counts only where somebody means to keep it."""

from __future__ import annotations

from tests.controllers.verdict.cases import NOW, applied, container, pod, running, seen, shows, waiting
from upright.controllers.verdict.budgets import Budgets
from upright.controllers.verdict.runtime import Deployed, Runtime, runtime
from upright.openapi.v1alpha1.kubernetes_discovery import Pod, PodOwner

WEB = applied("Deployment", template_hashes=("new",))
WELL = {"observedGeneration": 3, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}


def judged(of: object, *pods: Pod, **status: object) -> Runtime:
    assert isinstance(of, type(WEB))
    found = seen(of, {"observedGeneration": 3, **status}, spec={"replicas": 1})
    return runtime(Deployed((of,), shows(found, pods=pods)), Budgets(), NOW)


def well(name: str, **more: object) -> Pod:
    return pod(container(running()), name=name, **more)


def pulling(name: str, **more: object) -> Pod:
    never = waiting("ImagePullBackOff", 'Back-off pulling image "shop:old": not found')
    return pod(container(never), name=name, phase="Pending", **more)


def test_a_pod_that_labels_found_and_that_is_of_an_older_template_does_not_count() -> None:
    old = pulling("web-old", ancestor_uid="", pod_template_spec_hash="old")
    new = well("web-new", ancestor_uid="", pod_template_spec_hash="new")
    assert judged(WEB, old, new, **WELL).state == "ok"


def test_a_pod_of_the_applied_template_and_one_without_a_hash_count() -> None:
    for known in ("new", ""):
        state = judged(WEB, pulling("web-1", ancestor_uid="", pod_template_spec_hash=known), **WELL)
        assert [one.rule for one in state.findings] == ["image-pull"]


def test_a_pod_of_an_earlier_job_of_a_cron_job_does_not_count() -> None:
    nightly = applied("CronJob", "batch/v1", template_hashes=("new",))
    by_job = PodOwner(name="web-28", api_version="batch/v1", kind="Job")
    state = judged(nightly, pulling("web-28-x", owner=by_job, pod_template_spec_hash="old"))
    assert (state.state, state.findings) == ("ok", ())
    assert judged(nightly, pulling("web-29-x", owner=by_job, pod_template_spec_hash="new")).state == "error"


def test_a_resource_without_a_template_takes_every_pod_that_its_labels_find() -> None:
    widget = applied("Widget", "shop.example/v1")
    state = judged(widget, pulling("web-1", ancestor_uid="", pod_template_spec_hash="another's"))
    assert state.state == "error"


def test_pods_that_a_workload_is_told_to_keep_count() -> None:
    for kind in ("StatefulSet", "DaemonSet"):
        kept = pulling("web-0", pod_template_spec_hash="old")
        status = {"readyReplicas": 1, "updatedReplicas": 1, "numberAvailable": 1, "desiredNumberScheduled": 1}
        assert judged(applied(kind, template_hashes=("new",)), kept, **status).state == "error"


def test_a_replica_set_whose_pod_is_of_an_older_template_is_red_for_it_will_never_replace_it() -> None:
    bare = applied("ReplicaSet", template_hashes=("new",))
    state = judged(bare, well("web-1", pod_template_spec_hash="old"), readyReplicas=1)
    assert state.state == "error"
    assert state.findings[0].path == ("ReplicaSet/web", "Pod/web-1")
    assert state.findings[0].message == (
        "the pod is of an older template, and a ReplicaSet replaces no pods: kubectl delete pod web-1 -n default"
    )
    assert judged(bare, well("web-2", pod_template_spec_hash="new"), readyReplicas=1).state == "ok"
    assert judged(bare, well("web-1", pod_template_spec_hash="old", deleting=True), readyReplicas=1).state == "pending"
