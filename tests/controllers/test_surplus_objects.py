from __future__ import annotations

import orjson

from upright.controllers.surplus_objects import surplus, with_what_is_left
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.kubernetes_apply import (
    AppliedObject,
    KubernetesApply,
    KubernetesApplySpec,
    KubernetesApplyStatus,
)


def one(kind: str, name: str, namespace: str = "default", api_version: str = "v1") -> AppliedObject:
    return AppliedObject(api_version=api_version, kind=kind, name=name, namespace=namespace)


def status(*objects: AppliedObject, keep: str = "") -> KubernetesApplyStatus:
    notes = {"annotations": {"tilt.dev/down-policy": "keep"}}
    documents = [
        orjson.dumps(
            {
                "apiVersion": obj.api_version,
                "kind": obj.kind,
                "metadata": {"name": obj.name, "namespace": obj.namespace, **(notes if obj.name == keep else {})},
            }
        ).decode()
        for obj in objects
    ]
    return KubernetesApplyStatus(objects=objects, result_yaml="---\n".join(f"{text}\n" for text in documents))


def other(yaml: str = "", *objects: AppliedObject) -> KubernetesApply:
    return KubernetesApply(
        metadata=ObjectMeta(name="other"),
        spec=KubernetesApplySpec(yaml=yaml),
        status=KubernetesApplyStatus(objects=objects),
    )


WEB, DATA, RULES = one("Deployment", "web", api_version="apps/v1"), one("ConfigMap", "data"), one("Role", "r", "")


def test_what_left_the_yaml_goes_and_what_stayed_stays() -> None:
    found = surplus(status(WEB, DATA), [WEB], [], "default")
    assert (found.going, found.kept) == ((DATA,), ())
    assert surplus(status(WEB), [WEB], [], "default").going == ()


def test_another_version_of_its_kind_is_the_same_object() -> None:
    newer = one("Deployment", "web", api_version="apps/v2")
    assert surplus(status(WEB), [newer], [], "default").going == ()


def test_what_another_resource_has_stays() -> None:
    assert surplus(status(WEB, DATA), [], [other("", DATA)], "default").going == (WEB,)
    yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\n"
    assert surplus(status(WEB, DATA), [], [other(yaml)], "default").going == (WEB,)
    assert surplus(status(WEB, DATA), [], [other(yaml)], "elsewhere").going == (WEB, DATA)


def test_what_is_annotated_so_is_kept() -> None:
    found = surplus(status(WEB, DATA, keep="data"), [], [], "default")
    assert (found.going, found.kept) == ((WEB,), (DATA,))


def test_what_was_there_is_not_forgotten_when_an_apply_is_refused_midway() -> None:
    assert with_what_is_left((WEB, DATA), [WEB]) == (WEB, DATA)
    assert with_what_is_left((), [RULES]) == (RULES,)
