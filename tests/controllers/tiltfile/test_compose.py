from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import by_name, deployment

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World
    from upright.controllers.tiltfile.evaluate import Evaluation
    from upright.openapi.v1alpha1.resource import ComposeSpec

FILE = """
services:
  db: {image: "postgres:${VERSION:-16}"}
  web:
    image: shop/web
    depends_on: [db]
    command: ["a"]
  debug: {image: busybox, profiles: [debug]}
"""
MORE = "services: {web: {command: [b], depends_on: {cache: {condition: service_started}}}, cache: {image: redis}}\n"


def compose(found: Evaluation, name: str) -> ComposeSpec:
    spec = by_name(found)[name].spec.compose
    assert spec is not None
    return spec


def test_every_service_is_a_resource_that_depends_on_others(world: World) -> None:
    world.write("shop/compose.yml", FILE)
    found = world.good('docker_compose("shop/compose.yml")')
    assert [(one.name, one.spec.kind, one.spec.depends_on) for one in found.resources] == [
        ("db", "compose", ()),
        ("web", "compose", ("db",)),
    ]
    assert compose(found, "web").service.to_wire() == {
        "service": "web",
        "project": {
            "configPaths": [f"{world.root}/shop/compose.yml"],
            "projectPath": f"{world.root}/shop",
            "name": "shop",
        },
    }
    assert f"{world.root}/shop/compose.yml" in found.config_files


def test_files_are_merged_and_texts_kept(world: World) -> None:
    world.write("a.yml", FILE)
    found = world.good(f'docker_compose(["a.yml", blob("""{MORE}""")], project_name = "My Shop", wait = True)')
    assert by_name(found)["web"].spec.depends_on == ("db",) or "cache" in by_name(found)["web"].spec.depends_on
    project = compose(found, "cache").service.project
    assert (project.name, project.wait, project.config_paths) == ("myshop", True, ())
    assert "postgres:16" in project.yaml


def test_variables_come_from_the_environment_over_the_env_file(world: World) -> None:
    world.write("a.yml", FILE)
    world.write("vars", "VERSION='14'\n")
    found = world.good('docker_compose(["a.yml", blob("name: shop")], env_file = "vars")')
    assert "postgres:14" in compose(found, "db").service.project.yaml
    found = world.good('docker_compose(["a.yml", blob("name: shop")], env_file = "vars")', environ={"VERSION": "15"})
    assert "postgres:15" in compose(found, "db").service.project.yaml
    assert compose(found, "db").service.project.name == "shop"


def test_profiles_choose_services(world: World) -> None:
    world.write("a.yml", FILE)
    assert "debug" in by_name(world.good('docker_compose("a.yml", profiles = ["debug"])'))
    found = world.good('docker_compose("a.yml")', environ={"COMPOSE_PROFILES": "debug,x"})
    assert compose(found, "debug").service.project.profiles == ("debug", "x")
    assert "Compose project using profiles from environment: debug,x" in world.lines()


def test_options_images_and_other_resources_go_together(world: World) -> None:
    world.write("a.yml", FILE)
    world.write("api.yaml", deployment("api"))
    found = world.good(
        """
docker_build("mine", ".", dockerfile_contents = "FROM scratch", live_update = [sync(".", "/a"), restart_container()])
docker_compose("a.yml")
dc_resource("web", image = "mine", labels = ["x"], resource_deps = ["api"], links = "a.b", auto_init = False)
dc_resource("web", trigger_mode = TRIGGER_MODE_MANUAL, infer_links = False, new_name = "front")
k8s_yaml("api.yaml")
local_resource("tool", "x")
"""
    )
    assert [one.name for one in found.resources] == ["api", "db", "front", "tool"]
    spec = by_name(found)["front"].spec
    assert (spec.depends_on, spec.labels, spec.auto_init, spec.trigger_mode) == (("db", "api"), ("x",), False, "manual")
    part = compose(found, "front")
    assert [one.image_map for one in part.images] == ["mine"]
    assert part.service.image_maps == ("mine",)
    assert not part.infer_links
    assert part.live_updates[0].selector.to_wire() == {"dockerCompose": {"service": "front"}}
    assert found.warnings == ()


def test_calls_of_one_project_are_merged_and_others_kept_apart(world: World) -> None:
    world.write("a.yml", "services: {a: {image: x}}")
    world.write("b.yml", "services: {b: {image: x}}")
    found = world.good(
        'docker_compose("a.yml", project_name = "p")\ndocker_compose("b.yml", project_name = "p")\n'
        'docker_compose(blob("services: {c: {image: x}}"), project_name = "q")'
    )
    assert [one.name for one in found.resources] == ["a", "b", "c"]
    assert len(compose(found, "a").service.project.config_paths) == 2
    assert compose(found, "c").service.project.name == "q"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docker_compose([])", "Nothing to compose"),
        ('docker_compose(blob(""))', "Nothing to compose"),
        ("docker_compose(5)", "docker_compose: expected blob | path (string). Actual type: int"),
        ('docker_compose("no.yml")', "open ROOT/no.yml: no such file or directory"),
        ('docker_compose("a.yml", env_file = "no")', "docker_compose: env_file ROOT/no does not exist"),
        ('docker_compose("a.yml")\ndc_resource("wbe")', 'no Docker Compose service found with name "wbe" (did you mean web?). Found these instead:\n\tdb; web'),
        ('docker_compose("a.yml")\ndc_resource("")', "dc_resource: `name` must not be empty"),
        ('docker_compose("a.yml")\nlocal_resource("web", "x")', 'dc_resource named "web" already exists'),
        ('local_resource("web", "x")\ndocker_compose("a.yml")', 'local_resource named "web" already exists'),
        ('docker_compose("a.yml")\ndefault_registry("localhost:5000")', "default_registry is not supported with docker compose"),
        ('docker_compose("a.yml")\ndocker_build("shop/web", ".", dockerfile_contents = "FROM a", entrypoint = "x")', "docker_build/custom_build.entrypoint not supported for Docker Compose resources"),
        ('docker_compose(blob("services: {a: {extends: b}}"))', "Tiltfile blob() call: cannot extend service b: there is none of that name"),
        ('docker_compose(blob("services: {a: {extends: b}, b: {extends: a}}"))', "Tiltfile blob() call: goes in a circle: Tiltfile blob() call: b -> Tiltfile blob() call: a -> Tiltfile blob() call: b"),
        ('docker_compose(blob("include: [no.yml]"))', "open ROOT/no.yml: no such file or directory"),
        ('docker_compose(blob("include: [{}]"))', "Tiltfile blob() call: include needs a path"),
        ('docker_compose(blob("services: {a: {image: \'${X:?why}\'}}"))', "Tiltfile blob() call: required variable X is missing a value: why"),
    ],
)  # fmt: skip
def test_what_cannot_be_composed_is_refused(world: World, text: str, message: str) -> None:
    world.write("a.yml", FILE)
    assert world.wrong(text) == message.replace("ROOT", str(world.root))


def test_services_extend_others_of_this_file_and_of_another(world: World) -> None:
    world.write(
        "common/base.yml", "services: {base: {image: x, build: ./img, volumes: [./d:/d], environment: {A: '1'}}}"
    )
    world.write(
        "c.yml",
        "services:\n"
        "  web: {extends: {file: common/base.yml, service: base}, environment: {B: '2'}, depends_on: [db]}\n"
        "  api: {extends: web, image: x2}\n"
        "  db: {image: z}\n",
    )
    found = world.good('docker_compose("c.yml")')
    assert {one.name: one.spec.depends_on for one in found.resources} == {"db": (), "web": ("db",), "api": ("db",)}
    built = compose(found, "web").build
    assert built
    assert built.context == f"{world.root}/common/img"
    assert compose(found, "api").service_yaml.splitlines()[0] == "build: " + f"{world.root}/common/img"
    assert "A: '1'" in compose(found, "api").service_yaml
    assert f"{world.root}/common/base.yml" in found.config_files


def test_files_are_included_with_their_own_folder_and_variables(world: World) -> None:
    world.write("inc/a.yml", "services: {a: {image: 'a:${TAG:-none}', build: {context: .}}}")
    world.write("inc/.env", "TAG=7")
    world.write(
        "b/b.yml", "services: {b: {image: 'b:${TAG:-0}', depends_on: [a]}}\ninclude: [{path: [c.yml], env_file: v}]"
    )
    world.write("b/c.yml", "services: {c: {image: 'c:${TAG}'}}")
    world.write("b/v", "TAG=9")
    world.write("c.yml", "include: [inc/a.yml, {path: b/b.yml}]\nservices: {web: {image: x, depends_on: [b, c]}}")
    found = world.good('docker_compose("c.yml")')
    assert {one.name: one.spec.depends_on for one in found.resources} == {
        "a": (),
        "b": ("a",),
        "c": (),
        "web": ("b", "c"),
    }
    images = {name: compose(found, name).service_yaml.partition("image: ")[2].splitlines()[0] for name in "abc"}
    assert images == {"a": "a:7", "b": "b:0", "c": "c:9"}
    assert {f"{world.root}/{name}" for name in ("inc/a.yml", "inc/.env", "b/c.yml", "b/v")} <= set(found.config_files)


def test_a_file_takes_back_what_the_one_before_it_says(world: World) -> None:
    world.write("a.yml", "services: {web: {image: x, ports: ['1:1'], depends_on: [db]}, db: {image: x2}}")
    world.write("b.yml", "services: {web: {ports: !override ['2:2'], depends_on: !reset []}}")
    found = world.good('docker_compose(["a.yml", "b.yml"])')
    assert by_name(found)["web"].spec.depends_on == ()
    assert "1:1" not in compose(found, "web").service_yaml
    assert "2:2" in compose(found, "web").service_yaml


def test_what_compose_is_given_as_text_is_not_filled_in_twice(world: World) -> None:
    found = world.good("docker_compose(blob('services: {web: {image: x, command: \"echo $$HOME\"}}'))")
    assert "echo $$HOME" in compose(found, "web").service.project.yaml
    assert "echo $HOME" in compose(found, "web").service_yaml
