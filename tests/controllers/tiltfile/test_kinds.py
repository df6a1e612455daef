from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import by_name, deployment, kubernetes_spec
from upright.controllers.tiltfile.injection import prepare
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec, ImageMapStatus
from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApply

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World
    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.openapi.meta import Json

THING = """
apiVersion: example.com/v1
kind: Environment
metadata: {name: thing}
spec:
  image: shop/web
  imagePullPolicy: Always
  parts: {repository: shop/web, version: old}
"""
BUILD = 'docker_build("shop/web", ".", dockerfile_contents = "FROM scratch")\nk8s_yaml("thing.yaml")\n'


def loaded(world: World, text: str) -> Evaluation:
    world.write("thing.yaml", THING)
    return world.good(BUILD + text)


def applied(found: Evaluation, name: str, built: str = "localhost:5000/shop_web:tilt-1") -> Json:
    apply = KubernetesApply(spec=kubernetes_spec(found, name).apply)
    spec = ImageMapSpec(selector="shop/web")
    image = ImageMap(
        metadata=ObjectMeta(name="shop_web"), spec=spec, status=ImageMapStatus(image=built, image_from_cluster=built)
    )
    (body,) = prepare(apply, [image])
    return body


def test_an_unknown_kind_is_no_workload_and_its_images_are_not_seen(world: World) -> None:
    found = loaded(world, "")
    assert [one.name for one in found.resources] == ["uncategorized"]
    assert "If you are using CRDs, add k8s_kind()" in found.warnings[0]


def test_a_kind_becomes_a_workload_without_images(world: World) -> None:
    found = loaded(world, 'k8s_kind("Environ", pod_readiness = "ignore")')
    assert by_name(found)["thing"].spec.pod_readiness == "ignore"
    assert not by_name(found)["thing"].spec.pod_readiness_assumed
    assert kubernetes_spec(found, "thing").images == ()


@pytest.mark.parametrize(
    "call",
    [
        'k8s_kind("Environment", api_version = "example.com/v1", image_json_path = "{.spec.image}")',
        'k8s_image_json_path(["{.spec.image}"], kind = "environment")',
        'k8s_image_json_path("{.spec.image}", name = "thi")',
    ],
)
def test_an_image_is_found_and_replaced_where_the_path_says(world: World, call: str) -> None:
    found = loaded(world, call)
    assert [one.image_map for one in kubernetes_spec(found, "thing").images] == ["shop_web"]
    body = applied(found, "thing")
    assert body["spec"]["image"] == "localhost:5000/shop_web:tilt-1"
    assert body["spec"]["imagePullPolicy"] == "IfNotPresent"
    assert body["spec"]["parts"]["version"] == "old"


def test_an_image_can_be_an_object_of_repository_and_tag(world: World) -> None:
    fields = '{"json_path": "{.spec.parts}", "repo_field": "repository", "tag_field": "version"}'
    found = loaded(world, f'k8s_kind("Environment", image_object = {fields})')
    body = applied(found, "thing")
    assert body["spec"]["parts"] == {"repository": "localhost:5000/shop_web", "version": "tilt-1"}
    assert body["spec"]["image"] == "shop/web"


def test_locators_of_other_kinds_are_not_kept(world: World) -> None:
    found = loaded(world, 'k8s_kind("Environment")\nk8s_kind("Nothing", image_json_path = "{.a}")')
    assert kubernetes_spec(found, "thing").apply.image_locators == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('k8s_kind("A", "{.b}")', "k8s_kind: got 2 arguments, want at most 1"),
        ('k8s_kind("(")', "error parsing kind regexp: error parsing regexp: missing closing ): `(?i)(`"),
        ('k8s_kind("A", image_json_path = 5)', 'k8s_kind: for parameter "image_json_path": paths must be a string or list of strings, found a int'),
        ('k8s_kind("A", image_object = {"json_path": "{.a}"})', 'k8s_kind: for parameter "image_object": Expected key \'repo_field\' to be a string'),
        ('k8s_kind("A", image_object = {"json_path": "{.a}", "repo_field": "r", "tag_field": "t"}, image_json_path = "{.b}")', "Cannot specify both image_json_path and image_object"),
        ('k8s_image_json_path("{.a}", api_version = "v1")', "at least one of kind, name, or namespace must be specified"),
        ('k8s_image_json_path(".a", kind = "x")', "k8s_image_json_path: for parameter paths: invalid JSONPath '.a': it must stand in braces, such as {.spec.image}"),
    ],
)  # fmt: skip
def test_what_is_no_kind_is_refused(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message


def test_a_value_that_is_no_image_is_refused_with_its_object(world: World) -> None:
    world.write("thing.yaml", THING)
    message = world.wrong(BUILD + 'k8s_kind("Environment", image_json_path = "{.spec.parts}")')
    assert message.startswith("Environment/thing: at {.spec.parts}: want a string, got ")


def test_workloads_are_named_by_the_tiltfiles_function(world: World) -> None:
    world.write("all.yaml", deployment("web"))
    found = world.good(
        """
def name(id):
  return "%s-%s-%s-%s" % (id.name, id.kind, id.namespace, id.group)
k8s_yaml("all.yaml")
workload_to_resource_function(name)
"""
    )
    assert [one.name for one in found.resources] == ["web-Deployment-default-apps"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("lambda a, b: a", "workload_to_resource_function arg must take 1 argument. lambda takes 2"),
        ("5", "workload_to_resource_function: for parameter func: got int, want function"),
        ("lambda id: 5", "error applying workload_to_resource_function: error determining resource name for 'web:deployment:default:apps': lambda: invalid return value. wanted: string. got: int"),
        ('lambda id: "x"', "error applying workload_to_resource_function: both 'api:deployment:default:apps' and 'web:deployment:default:apps' mapped to resource name 'x'"),
        ("lambda id: id.nothing", "K8sObjectID has no .nothing field or method"),
    ],
)  # fmt: skip
def test_a_function_that_gives_no_names_is_refused(world: World, function: str, message: str) -> None:
    world.write("all.yaml", deployment("web") + "\n---\n" + deployment("api"))
    said = world.wrong(f'k8s_yaml("all.yaml")\nworkload_to_resource_function({function})')
    assert said.startswith(message.replace("PATH", f"{world.root}/Tiltfile"))


def test_yaml_is_parted_by_what_its_objects_are(world: World) -> None:
    world.write("all.yaml", deployment("web") + "\n---\n" + deployment("api"))
    world.good(
        """
yaml = read_file("all.yaml")
ones, rest = filter_yaml(yaml, name = "WE", kind = "deploy", api_version = "apps/")
k8s_yaml(ones)
print([one["metadata"]["name"] for one in decode_yaml_stream(rest)])
none, _ = filter_yaml("all.yaml", labels = {"a": "b"})
print(repr(str(none)))
"""
    )
    assert world.lines() == ['["api"]', '""']


def test_labels_of_objects_must_match_exactly(world: World) -> None:
    labelled = deployment("web").replace("name: web}", "name: web, labels: {a: b, c: d}}", 1)
    world.write("all.yaml", labelled + "\n---\n" + deployment("api"))
    world.good(
        'ones, _ = filter_yaml("all.yaml", labels = {"a": "b"})\nk8s_yaml(ones)\nprint(decode_yaml(ones)["kind"])'
    )
    assert world.lines() == ["Deployment"]
