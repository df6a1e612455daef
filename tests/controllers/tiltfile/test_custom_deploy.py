from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import by_name, kubernetes_spec

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

IMAGE = 'docker_build("shop/web", ".", dockerfile_contents = "FROM scratch")\n'


def test_a_resource_is_applied_and_deleted_by_commands(world: World) -> None:
    found = world.good(
        IMAGE
        + """
k8s_custom_deploy("web", "helm install", ["helm", "delete"], deps = ["chart"], apply_dir = "sub",
    apply_env = {"A": "1"}, delete_env = {"B": "2"}, image_deps = ["shop/web"])
k8s_resource("web", port_forwards = 8080, labels = ["x"], extra_pod_selectors = {"a": "b"})
"""
    )
    spec = kubernetes_spec(found, "web")
    wire = spec.apply.to_wire()
    assert "yaml" not in wire
    assert wire["applyCmd"] == {"args": ["sh", "-c", "helm install"], "dir": f"{world.root}/sub", "env": ["A=1"]}
    assert wire["deleteCmd"] == {"args": ["helm", "delete"], "dir": str(world.root), "env": ["B=2"]}
    assert wire["imageMaps"] == ["shop_web"]
    assert wire["portForwardTemplateSpec"]["forwards"][0]["localPort"] == 8080
    assert spec.deps == (f"{world.root}/chart",)
    assert by_name(found)["web"].spec.pod_readiness == "wait"
    assert by_name(found)["web"].spec.labels == ("x",)


@pytest.mark.parametrize(
    ("more", "selector"),
    [
        ('image_selector = "shop/web"', {"image": "shop/web"}),
        ('container_selector = "main"', {"containerName": "main"}),
        ('image_deps = ["shop/web"]', {"imageMapName": "shop_web"}),
    ],
)
def test_a_live_update_of_it_needs_a_selector(world: World, more: str, selector: dict[str, str]) -> None:
    found = world.good(
        f'{IMAGE}k8s_custom_deploy("web", "a", "b", deps = ["."], live_update = [sync(".", "/a")], {more})'
    )
    (spec,) = kubernetes_spec(found, "web").live_updates
    assert spec.selector.to_wire() == {"kubernetes": {"discoveryName": "web", "applyName": "web", **selector}}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('k8s_custom_deploy("a", "", "b", [])', "k8s_custom_deploy: apply_cmd cannot be empty"),
        ('k8s_custom_deploy("a", "b", "", [])', "k8s_custom_deploy: delete_cmd cannot be empty"),
        ('k8s_custom_deploy("a", "b", "c", [], live_update = [sync(".", "/a")])', "k8s_custom_deploy: no Live Update selector specified"),
        ('k8s_custom_deploy("a", "b", "c", [], live_update = [sync(".", "/a")], image_selector = "i", container_selector = "c")', "k8s_custom_deploy: cannot specify more than one Live Update selector"),
        ('k8s_custom_deploy("a", "b", "c", [], image_deps = ["i"])', 'resource a: image build "i" not found'),
        ('k8s_custom_deploy("a", "b", "c", [])\nk8s_custom_deploy("a", "b", "c", [])', 'error making resource for a: k8s_resource named "a" already exists'),
        ('local_resource("a", "b")\nk8s_custom_deploy("a", "b", "c", [])', 'error making resource for a: local_resource named "a" already exists'),
        ('k8s_custom_deploy("a", "b", "c", [])\nlocal_resource("a", "b")', 'k8s_resource named "a" already exists'),
    ],
)  # fmt: skip
def test_a_wrong_custom_deploy_is_refused(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message
