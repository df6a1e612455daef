from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import deployment, kubernetes_spec

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

STEPS = """[
  initial_sync(),
  fall_back_on("web/requirements.txt"),
  sync("web/src", "/app/src"),
  run("make", trigger = ["web/src/Makefile"], echo_off = True),
  run(["ls", "-l"]),
]"""


def test_the_steps_are_recorded_with_the_containers_they_are_for(world: World) -> None:
    world.write("web.yaml", deployment("web", "shop/web"))
    found = world.good(
        f'docker_build("shop/web", "web", dockerfile_contents = "FROM a", live_update = {STEPS})\nk8s_yaml("web.yaml")'
    )
    (spec,) = kubernetes_spec(found, "web").live_updates
    assert spec.to_wire() == {
        "basePath": str(world.root),
        "selector": {"kubernetes": {"discoveryName": "web", "applyName": "web", "imageMapName": "shop_web"}},
        "sources": [{"imageMap": "shop_web"}],
        "stopPaths": ["web/requirements.txt"],
        "syncs": [{"localPath": "web/src", "containerPath": "/app/src"}],
        "execs": [
            {"args": ["sh", "-c", "make"], "triggerPaths": ["web/src/Makefile"], "echoOff": True},
            {"args": ["ls", "-l"]},
        ],
        "initialSync": {},
    }


def test_an_image_of_an_empty_command_is_updated_but_never_built(world: World) -> None:
    world.write("web.yaml", deployment("web", "shop/web"))
    found = world.good(
        'custom_build("shop/web", ":", deps = ["web"], live_update = [sync("web", "/app")])\nk8s_yaml("web.yaml")'
    )
    spec = kubernetes_spec(found, "web")
    assert spec.images == ()
    assert spec.apply.image_maps == ()
    kubernetes = spec.live_updates[0].selector.kubernetes
    assert kubernetes is not None
    assert kubernetes.image == "shop/web"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ('[run("x"), sync("web", "/a")]', "live_update: all sync steps must precede all run steps"),
        ('[sync("web", "/a"), fall_back_on("web")]', "live_update: fall_back_on steps must appear at the start of the list"),
        ('[sync("web", "/a"), initial_sync()]', "live_update: initial_sync must appear at most once, at the start of the list"),
        ("[initial_sync(), initial_sync()]", "live_update: initial_sync must appear at most once, at the start of the list"),
        ('[restart_container(), run("x")]', "live_update: restart container is only valid as the last step"),
        ('["x"]', "live_update: 'steps' must be a list of live update steps - got value '\"x\"' of type 'string'"),
        ('[sync("web", "a")]', 'live_update: spec.syncs[0]: Invalid value: "a": sync destination is not absolute'),
        ('[fall_back_on("web")]', "live_update: spec.syncs: Invalid value: null: must contain at least 1 sync or 1 exec to run on live update"),
        ('[sync("other", "/a")]', "sync step source 'ROOT/other' is not a child of any watched filepaths ([ROOT/web])"),
        ('[fall_back_on("x"), sync("web", "/a")]', "fall_back_on path 'ROOT/x' is not a child of any watched filepaths ([ROOT/web])"),
        ('[run("x", trigger = [5])]', 'run: for parameter "trigger": triggers contained value \'5\' of type \'int\'. it may only contain strings'),
    ],
)  # fmt: skip
def test_a_wrong_list_of_steps_is_refused_in_tilts_words(world: World, steps: str, message: str) -> None:
    said = world.wrong(f'docker_build("a", "web", dockerfile_contents = "FROM a", live_update = {steps})')
    assert said == message.replace("ROOT", str(world.root))


def test_files_of_the_images_below_count_as_watched(world: World) -> None:
    world.write("web.yaml", deployment("web", "top"))
    world.good(
        """
docker_build("base", "base", dockerfile_contents = "FROM scratch")
docker_build("top", "web", dockerfile_contents = "FROM base", live_update = sync("base/lib", "/lib"))
k8s_yaml("web.yaml")
"""
    )


def test_steps_that_are_used_nowhere_are_refused(world: World) -> None:
    message = world.wrong('local_resource("a", "x")\nsync("a", "/b")\nrun("x", ["y"])')
    assert message == (
        "found 2 live_update steps that were created but not used in a live_update:\n"
        f"{world.root}/Tiltfile:2:1: value 'sync step: '{world.root}/a'->'/b'' of type 'live_update_sync_step'\n"
        f"\t{world.root}/Tiltfile:3:1: value 'run step: \"x\" (triggers: y)' of type 'live_update_run_step'"
    )


def test_restarting_a_container_of_kubernetes_is_refused(world: World) -> None:
    world.write("web.yaml", deployment("web", "shop/web"))
    message = world.wrong(
        'docker_build("shop/web", "web", dockerfile_contents = "FROM a", '
        'live_update = [sync("web", "/a"), restart_container()])\nk8s_yaml("web.yaml")'
    )
    assert message.startswith("Found `restart_container()` LiveUpdate step in resource(s): [web].")
