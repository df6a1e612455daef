from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import deployment, kubernetes_spec
from upright.controllers.tiltfile.references import parse_reference

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World
    from upright.openapi.v1alpha1.resource import ResourceImage


def images(world: World, text: str, image: str = "shop/web") -> tuple[ResourceImage, ...]:
    world.write("web.yaml", deployment("web", image))
    return kubernetes_spec(world.good(text + '\nk8s_yaml("web.yaml")'), "web").images


def test_an_image_of_the_yaml_is_built_before_it_is_deployed(world: World) -> None:
    world.write("web/Dockerfile", "FROM scratch\n")
    (image,) = images(world, 'docker_build("shop/web", "web", build_args = {"B": "1", "A": ""})', "shop/web:tag")
    assert image.to_wire() == {
        "imageMap": "shop_web",
        "selector": {"selector": "shop/web"},
        "dockerImage": {
            "ref": "shop/web",
            "dockerfileContents": "FROM scratch\n",
            "dockerfilePath": f"{world.root}/web/Dockerfile",
            "context": f"{world.root}/web",
            "contextIgnores": [{"basePath": f"{world.root}/Tiltfile"}],
            "args": ["A", "B=1"],
            "cluster": "default",
            "clusterNeeds": "push",
        },
        "deps": [f"{world.root}/web"],
        "ignores": [{"basePath": f"{world.root}/Tiltfile"}, {"basePath": f"{world.root}/web/Dockerfile"}],
    }


def test_every_option_reaches_the_build(world: World) -> None:
    (image,) = images(
        world,
        """docker_build("shop/web", ".", dockerfile_contents = blob("FROM a AS t"), target = "t", ssh = "default",
            secret = ["id=x"], network = "host", extra_tag = "other:1", cache_from = ["c"], pull = True,
            platform = "linux/arm64", extra_hosts = ["h:1.2.3.4"], match_in_env_vars = True,
            entrypoint = ["run"], container_args = ["a"], ignore = "*.o", only = ["src"])""",
    )
    assert image.docker_image is not None
    wire = image.docker_image.to_wire()
    assert {key: wire[key] for key in sorted(wire) if key not in {"context", "contextIgnores"}} == {
        "cacheFrom": ["c"],
        "cluster": "default",
        "clusterNeeds": "push",
        "dockerfileContents": "FROM a AS t",
        "extraHosts": ["h:1.2.3.4"],
        "extraTags": ["other:1"],
        "network": "host",
        "platform": "linux/arm64",
        "pull": True,
        "ref": "shop/web",
        "secrets": ["id=x"],
        "sshAgentConfigs": ["default"],
        "target": "t",
    }
    assert image.selector.to_wire() == {
        "selector": "shop/web",
        "matchInEnvVars": True,
        "overrideCommand": {"command": ["run"]},
        "overrideArgs": {"args": ["a"]},
    }
    assert [one.patterns for one in image.docker_image.context_ignores] == [(), ("*.o",), ("**", "!src")]


def test_the_ignore_file_of_the_dockerfile_wins_and_is_watched(world: World) -> None:
    world.write("Dockerfile", "FROM scratch")
    world.write(".dockerignore", "# comment\n/a/\n\n!b\n")
    (image,) = images(world, 'docker_build("shop/web", ".")')
    assert image.docker_image is not None
    assert image.docker_image.context_ignores[-1].patterns == ("a", "!b")
    world.write("Dockerfile.dockerignore", "own")
    found = world.good('docker_build("shop/web", ".")\nk8s_yaml("web.yaml")')
    (image,) = kubernetes_spec(found, "web").images
    assert image.docker_image is not None
    assert image.docker_image.context_ignores[-1].patterns == ("own",)
    assert {f"{world.root}/Dockerfile", f"{world.root}/Dockerfile.dockerignore"} <= set(found.config_files)


BASES = """
docker_build("shop/base", ".", dockerfile_contents = "FROM scratch")
docker_build("shop/tools", ".", dockerfile_contents = "FROM shop/base")
docker_build("shop/web", ".", build_args = {"BASE": "shop/base"},
    dockerfile_contents = "ARG BASE=other\\nARG T=tools\\nFROM ${BASE} AS build\\nFROM build\\nCOPY --from=shop/$T x\\nCOPY --from=shop/tools:1 / /\\nCOPY --from=build / /")
"""


def test_base_images_come_first_and_are_marked(world: World) -> None:
    found = images(world, BASES)
    assert [(one.image_map, one.base, one.needs) for one in found] == [
        ("shop_base", True, ()),
        ("shop_tools", True, ("shop_base",)),
        ("shop_web", False, ("shop_base", "shop_tools")),
    ]
    assert found[2].docker_image is not None
    assert found[2].docker_image.image_maps == ("shop_base", "shop_tools")
    assert found[0].docker_image is not None
    assert found[0].docker_image.cluster_needs == "base-image"


def test_an_image_may_be_built_on_the_upstream_one_of_its_name(world: World) -> None:
    found = images(world, 'docker_build("nginx", ".", dockerfile_contents = "FROM nginx:1")', "nginx")
    assert [(one.image_map, one.needs) for one in found] == [("nginx", ())]


def test_images_that_need_each_other_are_refused(world: World) -> None:
    world.write("web.yaml", deployment("web", "a"))
    text = 'docker_build("a", ".", dockerfile_contents = "FROM b")\ndocker_build("b", ".", dockerfile_contents = "FROM a")\nk8s_yaml("web.yaml")'
    error = world.load(text).error
    assert error is not None
    assert error.message == "Image dependency cycle: a"
    assert error.place is not None
    assert error.place.line == 1


def test_a_custom_build_is_a_command(world: World) -> None:
    found = images(
        world,
        'docker_build("base", ".", dockerfile_contents = "FROM scratch")\nprint(custom_build("shop/web", ["make", "img"], ["src"], tag = "dev", disable_push = True, env = {"A": "1"}, dir = "d", image_deps = ["base"]))',
    )
    assert [one.image_map for one in found] == ["base", "shop_web"]
    assert found[1].to_wire() == {
        "imageMap": "shop_web",
        "selector": {"selector": "shop/web"},
        "cmdImage": {
            "ref": "shop/web",
            "args": ["make", "img"],
            "dir": f"{world.root}/d",
            "env": ["A=1"],
            "imageMaps": ["base"],
            "outputMode": "local-docker-and-remote",
            "outputTag": "dev",
            "cluster": "default",
            "clusterNeeds": "push",
        },
        "needs": ["base"],
        "deps": [f"{world.root}/src"],
        "ignores": [{"basePath": f"{world.root}/Tiltfile"}],
    }
    assert world.lines() == ['custom_build("docker.io/shop/web")']


def test_images_of_one_name_match_their_own_tag_only(world: World) -> None:
    found = images(
        world,
        'docker_build("shop/web", ".", dockerfile_contents = "FROM a")\ndocker_build("shop/web:two", ".", dockerfile_contents = "FROM b")',
        "shop/web:two",
    )
    assert [(one.image_map, one.selector.match_exact) for one in found] == [("shop_web:two", True)]


def test_an_image_in_an_environment_variable_counts_where_asked(world: World) -> None:
    text = 'docker_build("tool", ".", dockerfile_contents = "FROM a", match_in_env_vars = True)\nk8s_yaml("web.yaml")'
    world.write("web.yaml", deployment("web").replace("image: web", "image: web, env: [{name: A, value: 'tool:1'}]"))
    assert [one.image_map for one in kubernetes_spec(world.good(text), "web").images] == ["tool"]


def test_an_unused_image_is_warned_of_with_suggestions(world: World) -> None:
    world.write("web.yaml", deployment("web", "shop/web"))
    text = 'docker_build("shop/wbe", ".", dockerfile_contents = "FROM a")\nk8s_yaml("web.yaml")\n'
    (warning,) = world.good(text).warnings
    assert warning == (
        "Image not used in any Kubernetes config:\n    ✕ shop/wbe\nDid you mean…\n    - shop/web\n"
        "Skipping this image build\n"
        'If this is deliberate, suppress this warning with: update_settings(suppress_unused_image_warnings=["shop/wbe"])'
    )
    assert world.good(text + 'update_settings(suppress_unused_image_warnings = "shop/wbe")').warnings == ()
    assert world.good(text + 'update_settings(suppress_unused_image_warnings = ["*"])').warnings == ()


def test_images_without_anything_to_deploy_are_warned_of(world: World) -> None:
    found = world.good('docker_build("a", ".", dockerfile_contents = "FROM scratch")\nlocal_resource("x", "y")')
    assert found.warnings[0].startswith("We could not find any deployment instructions")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('docker_build("A", ".")', "Argument 1 (ref): can't parse \"A\": invalid reference format: repository name (library/A) must be lowercase"),
        ('docker_build("a b", ".")', 'Argument 1 (ref): can\'t parse "a b": invalid reference format'),
        ('docker_build(5, ".")', "docker_build: for parameter ref: got int, want string"),
        ('docker_build(ref = 5, context = ".")', 'docker_build: for parameter "ref": got int, want string'),
        ('docker_build("a")', "docker_build: missing argument for context"),
        ('docker_build("a", ".", dockerfil = "x")', 'docker_build: unexpected keyword argument "dockerfil" (did you mean dockerfile?)'),
        ('docker_build("a", ".")', "error reading dockerfile: open ROOT/Dockerfile: no such file or directory"),
        ('docker_build("a", ".", dockerfile = "x", dockerfile_contents = "y")', "Cannot specify both dockerfile and dockerfile_contents keyword arguments"),
        ('docker_build("a", ".", dockerfile_contents = 5)', 'docker_build: for parameter "dockerfile_contents": must be string or blob.'),
        ('docker_build("a", ".", only = ["*.c"])', "docker_build: for parameter \"only\": 'only' does not support '*' file globs. Must be a real path: *.c"),
        ('docker_build("a", ".", dockerfile_contents = "x", extra_tag = "B")', 'Argument extra_tag="B" not a valid image reference: invalid reference format: repository name (library/B) must be lowercase'),
        ('docker_build("a", ".", dockerfile_contents = "FROM x")\ndocker_build("docker.io/library/a", ".", dockerfile_contents = "FROM x")', 'Image for ref "a" has already been defined'),
        ('docker_build("a", ".", dockerfile_contents = "FROM a", live_update = [1])', "live_update: 'steps' must be a list of live update steps - got value '1' of type 'int'"),
        ('custom_build("a", "", [])', "Argument 2 (command) can't be empty"),
        ('custom_build("a", "x", [], tag = "t", outputs_image_ref_to = "f")', "Cannot specify both tag= and outputs_image_ref_to="),
        ('custom_build("a", "x", [], image_deps = ["b"])\nk8s_yaml(blob("{apiVersion: v1, kind: Secret, metadata: {name: a}}"))', 'image "a": image dep "b" not found'),
        ('custom_build("a", "x", [], image_deps = ["B"])', 'custom_build: for parameter "image_deps": must be a valid image reference: invalid reference format: repository name (library/B) must be lowercase'),
        ('{custom_build("a", "x", []): 1}', "unhashable type: custom_build"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_tilts_words(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message.replace("ROOT", str(world.root))


@pytest.mark.parametrize(
    ("text", "name", "familiar"),
    [
        ("nginx", "docker.io/library/nginx", "nginx"),
        ("a/b:c", "docker.io/a/b", "a/b:c"),
        ("localhost/x", "localhost/x", "localhost/x"),
        ("localhost:5000/x:1", "localhost:5000/x", "localhost:5000/x:1"),
        ("gcr.io/p/x@sha256:" + "a" * 64, "gcr.io/p/x", "gcr.io/p/x@sha256:" + "a" * 64),
        ("index.docker.io/library/x", "docker.io/library/x", "x"),
        ("Reg.io/x", "Reg.io/x", "Reg.io/x"),
    ],
)
def test_a_reference_has_its_defaults(text: str, name: str, familiar: str) -> None:
    found = parse_reference(text)
    assert (found.name, found.familiar) == (name, familiar)


@pytest.mark.parametrize("text", ["", "a:", "a@b", "-a", "a//b", "a:b:c", "a" * 0 + "/", "a/b:" + "x" * 129])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        parse_reference(text)
