"""What is wrong is said as Tilt says it, with the place in the Tiltfile also where nothing runs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import World, deployment

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.errors import TiltfileError


def failed(world: World, text: str) -> TiltfileError:
    world.write("web.yaml", deployment("web"))
    world.write("db.yaml", deployment("db"))
    world.write("Dockerfile", "FROM scratch\n")
    error = world.load(text).error
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1 +\n", "got newline, want primary expression"),
        ("x = 1 + # why\n", "got newline, want primary expression"),
        ("x = = 2\n", "got '=', want primary expression"),
        ("foo bar\n", "unexpected 'bar'"),
        ("def f(:\n  pass\n", "unexpected ':'"),
        ("x = [1 2]\n", "invalid syntax. Perhaps you forgot a comma?"),
        ('x = "abc\n', "unexpected newline in string"),
        ('x = """abc\n', "unexpected EOF in string"),
    ],
)
def test_what_is_no_syntax_is_named(world: World, text: str, message: str) -> None:
    assert failed(world, text).message == message


LIVE = 'docker_build("web", ".", live_update = %s)\n'
NAMED = 'workload_to_resource_function(name)\nk8s_yaml(["web.yaml", "db.yaml"])\n'
LATE = [
    (
        'local_resource("web", "x")\nconfig.set_enabled_resources(["wbe"])\n',
        2,
        'You specified some resources that could not be found: "wbe" (did you mean web?)\nIs this a typo?',
    ),
    ('local_resource("web", "x")\nsync(".", "/b")\n', 2, "found 1 live_update steps that were created but not used"),
    ("def name(id):\n  return 1\n" + NAMED, 1, "invalid return value. wanted: string. got: int"),
    ("\ndef name(id):\n  return ''\n" + NAMED, 2, "name: it returned no name"),
    ("def name(id):\n  return 'a'\n" + NAMED, 1, "mapped to resource name 'a'"),
    (
        'local_resource("web", "x")\nk8s_yaml("web.yaml")\n',
        2,
        'error making resource for workload web:deployment:default:apps: local_resource named "web" already exists',
    ),
    (
        'k8s_yaml("web.yaml")\n' + LIVE % '[sync(".", "/a"), restart_container()]',
        2,
        "Found `restart_container()` LiveUpdate step in resource(s): [web]",
    ),
    ('\nlocal_resource("", "x")\n', 2, "a resource must have a name"),
    ('k8s_custom_deploy("", "x", "x", [])\n', 1, "a resource must have a name"),
    (
        'docker_compose("compose.yml")\nk8s_yaml("web.yaml")\nk8s_resource("web", new_name = "db")\n',
        3,
        'k8s_resource specified to rename "web" to "db": dc_resource named "db" already exists',
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), LATE)
def test_what_is_found_behind_the_last_line_has_its_place(world: World, text: str, line: int, message: str) -> None:
    world.write("compose.yml", "services: {db: {image: postgres}}\n")
    error = failed(world, text)
    assert message in error.message
    assert error.place is not None
    assert error.place.line == line
    assert "^" in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            LIVE % '["a"]',
            "live_update: 'steps' must be a list of live update steps - got value '\"a\"' of type 'string'",
        ),
        (LIVE % '[run("x"), sync(".", "/b")]', "live_update: all sync steps must precede all run steps"),
        (
            'k8s_resource("web", port_forwards = "abc")\n',
            'k8s_resource "web": portForward port value "abc" is not in the valid range [0-65535]',
        ),
        (
            'local_resource("a", "x", labels = "a b")\n',
            (
                'local_resource: for parameter "labels": Invalid label "a b": name part must consist of alphanumeric '
                "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
                "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ),
        ),
    ],
)
def test_who_complains_is_named_first(world: World, text: str, message: str) -> None:
    assert failed(world, text).message == message


def test_a_file_that_cannot_be_loaded_is_named_as_it_was_asked_for(world: World) -> None:
    missing = world.root / "none.star"
    reason = f"error reading file {missing}: open {missing}: no such file or directory"
    assert failed(world, 'load("none.star", "x")\n').message == f"cannot load none.star: {reason}"
    assert failed(world, 'include("none.star")\n').message == reason
    world.write("a.star", 'load("Tiltfile", "y")\n')
    circle = f"cannot load Tiltfile: Circular load: {world.root / 'Tiltfile'}"
    assert failed(world, 'load("a.star", "x")\n').message == circle


def test_an_empty_file_of_yaml_is_no_mistake_but_empty_text_is(world: World) -> None:
    world.write("empty.yaml", "# nothing yet\n")
    world.good('k8s_yaml("empty.yaml")\nlocal_resource("a", "x")\n')
    for empty in ("None", "[]", 'blob("")', 'local("true")'):
        assert failed(world, f"k8s_yaml({empty})\n").message == "Empty YAML passed to k8s_yaml"


def test_an_unused_image_beside_compose_services_is_said_to_be_in_no_compose_file(world: World) -> None:
    world.write("compose.yml", "services: {db: {image: postgres}}\n")
    world.write("Dockerfile", "FROM scratch\n")
    world.good('docker_compose("compose.yml")\ndocker_build("web", ".")\n')
    assert any("Image not used in any Docker Compose config:\n    ✕ web" in line for line in world.lines("WARN"))
