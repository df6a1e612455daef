from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from upright.controllers.tiltfile.injection import (
    BuiltImage,
    InjectionFailed,
    inject,
    prepare,
    template_hash,
    template_hashes,
)
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus, OverrideArgs, OverrideCommand
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply, KubernetesApplySpec

if TYPE_CHECKING:
    from upright.openapi.meta import Json

BUILT = "localhost:5000/shop_web:tilt-1234"


def image(selector: str = "shop/web", built: str = BUILT, **more: object) -> BuiltImage:
    return BuiltImage("shop_web", ImageMapSpec.model_validate({"selector": selector, **more}), built)


def workload(kind: str = "Deployment", version: str = "apps/v1", **spec: object) -> Json:
    pod = {"containers": [{"name": "a", "image": "shop/web:old", "env": [{"name": "E", "value": "shop/web"}]}], **spec}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod},
        },
    }


def template(body: Json) -> Json:
    found: Json = body["spec"]["template"]
    return found


def test_an_image_is_put_into_containers_init_containers_and_volumes() -> None:
    body = workload(
        initContainers=[
            {"name": "i", "image": "shop/web"},
            {"name": "j", "image": "busybox", "imagePullPolicy": "Always"},
        ],
        volumes=[{"name": "v", "image": {"reference": "shop/web:x"}}, {"name": "w", "emptyDir": {}}],
    )
    before = deepcopy(body)
    (ready,) = inject([body], [image()])
    pod = template(ready)["spec"]
    assert [one["image"] for one in pod["initContainers"] + pod["containers"]] == [BUILT, "busybox", BUILT]
    assert {one["imagePullPolicy"] for one in pod["initContainers"] + pod["containers"]} == {"IfNotPresent"}
    assert pod["volumes"][0]["image"] == {"reference": BUILT, "pullPolicy": "IfNotPresent"}
    assert pod["containers"][0]["env"][0]["value"] == "shop/web"
    assert body == before


def test_environment_variables_are_changed_only_where_asked() -> None:
    (ready,) = inject([workload()], [image(match_in_env_vars=True)])
    assert template(ready)["spec"]["containers"][0]["env"] == [{"name": "E", "value": BUILT}]


def test_an_exact_selector_wants_the_tag() -> None:
    with pytest.raises(InjectionFailed, match="Docker image missing from yaml: shop_web"):
        inject([workload()], [image("shop/web:new", match_exact=True)])
    inject([workload()], [image("shop/web:old", match_exact=True)])


def test_every_image_must_be_used_by_some_object() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    inject([config, workload()], [image()])
    with pytest.raises(InjectionFailed, match="Docker image missing from yaml: shop_web"):
        inject([config], [image()])


def test_command_and_args_are_overridden_in_the_containers_of_the_image_only() -> None:
    body = workload()
    template(body)["spec"]["containers"].append({"name": "b", "image": "other"})
    override = image(override_command=OverrideCommand(command=("run",)), override_args=OverrideArgs(args=()))
    (ready,) = inject([body], [override])
    mine, other = template(ready)["spec"]["containers"]
    assert (mine["command"], mine["args"]) == (["run"], [])
    assert "command" not in other


def test_the_manager_is_a_label_of_object_and_pods_but_of_no_selector() -> None:
    (ready,) = inject([workload()], [])
    label = {"app.kubernetes.io/managed-by": "tilt"}
    assert ready["metadata"]["labels"] == label
    assert template(ready)["metadata"]["labels"].items() >= label.items()
    assert ready["spec"]["selector"] == {"matchLabels": {"app": "web"}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"selector": {"app.kubernetes.io/managed-by": "Helm"}},
    }
    assert inject([service], [])[0]["spec"]["selector"] == label


def test_without_images_pull_policies_stay() -> None:
    body = workload("StatefulSet")
    assert "imagePullPolicy" not in template(inject([body], [])[0])["spec"]["containers"][0]
    assert "podManagementPolicy" not in inject([body], [])[0]["spec"]
    assert inject([body], [image()])[0]["spec"]["podManagementPolicy"] == "Parallel"


def test_the_volume_claims_of_a_stateful_set_stay_as_they_are() -> None:
    body = workload("StatefulSet")
    body["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]
    assert inject([body], [])[0]["spec"]["volumeClaimTemplates"] == body["spec"]["volumeClaimTemplates"]


def test_the_template_hash_changes_with_the_image_and_not_with_itself() -> None:
    first, second, third = (inject([workload()], [image(built=ref)])[0] for ref in ("a:1", "a:2", "a:1"))
    assert template_hashes(first) == template_hashes(third) != template_hashes(second)
    assert len(template_hashes(first)[0]) == 20
    assert template_hash(template(first)) == template_hashes(first)[0]
    assert template_hashes(inject([first], [])[0]) == template_hashes(first)


def test_pods_jobs_and_cron_jobs_are_labelled_where_their_pods_are() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "shop/web"}]},
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": pod["spec"]}},
    }
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "c"},
        "spec": {"jobTemplate": {"spec": job["spec"]}},
    }
    ready = inject([pod, job, cron], [image()])
    assert [len(template_hashes(one)) for one in ready] == [1, 1, 1]
    assert ready[2]["spec"]["jobTemplate"]["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tilt"}
    assert ready[0]["metadata"]["labels"].keys() == {"app.kubernetes.io/managed-by", "tilt.dev/pod-template-hash"}


def test_a_custom_resource_is_left_alone_but_for_the_label() -> None:
    body = workload(version="argoproj.io/v1alpha1", kind="Rollout")
    (ready,) = inject([body], [])
    assert ready["spec"] == body["spec"]
    assert ready["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "tilt"}


def test_an_apply_is_prepared_from_its_yaml_and_image_maps() -> None:
    yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: shop/web}]}"
    apply = KubernetesApply(spec=KubernetesApplySpec(yaml=yaml, image_maps=("shop_web",)))
    built = ImageMap(
        metadata=ObjectMeta(name="shop_web"),
        spec=ImageMapSpec(selector="shop/web"),
        status=ImageMapStatus(image="a:1", image_from_cluster="b:1"),
    )
    assert prepare(apply, [built])[0]["spec"]["containers"][0]["image"] == "b:1"
    with pytest.raises(InjectionFailed, match="shop_web is not built yet"):
        prepare(apply, [])
    with pytest.raises(InjectionFailed, match="not a valid YAML"):
        prepare(KubernetesApply(spec=KubernetesApplySpec(yaml="a: [")), [])
