from __future__ import annotations

from time import thread_time
from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import by_name, local_spec

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World


CIRCLE = """
def r(n, *d): local_resource(n, "x", resource_deps = list(d))
r("a", "b", "c")
r("b", "d")
r("c", "d", "e")
r("d")
r("e", "f")
r("f", "d", "c")
"""


def test_a_string_goes_to_the_shell_and_a_list_is_run_as_it_is(world: World) -> None:
    found = world.good('local_resource("a", "echo $X")\nlocal_resource("b", ["echo", "$X"])')
    first, second = local_spec(found, "a").update, local_spec(found, "b").update
    assert first is not None
    assert second is not None
    assert first.args == ("sh", "-c", "echo $X")
    assert second.args == ("echo", "$X")
    assert first.dir == str(world.root)


def test_every_argument_reaches_the_resource(world: World) -> None:
    found = world.good(
        """
local_resource(
    "web", "make", ["src", "/abs"], TRIGGER_MODE_MANUAL, ["db"], ["*.o"], False, "serve",
    allow_parallel = True, links = ["localhost:1", link("https://a.b/c", "docs")], labels = "front",
    env = {"B": "2", "A": "1"}, serve_env = {"C": "3"}, dir = "sub", serve_dir = "run",
    readiness_probe = probe(initial_delay_secs = 2, exec = exec_action(["true"])),
    crash_budget = 7, ready_timeout = "90s",
)
local_resource("db", "true")
"""
    )
    wire = by_name(found)["web"].to_wire()["spec"]
    assert wire == {
        "kind": "local",
        "order": 1,
        "dependsOn": ["db"],
        "triggerMode": "manual",
        "autoInit": False,
        "allowParallel": True,
        "labels": ["front"],
        "links": [{"url": "http://localhost:1"}, {"url": "https://a.b/c", "name": "docs"}],
        "limits": {"crashBudget": 7, "readyTimeout": "1m30s"},
        "disableSource": {"configMap": {"name": "web-disable", "key": "isDisabled"}},
        "local": {
            "update": {"args": ["sh", "-c", "make"], "dir": f"{world.root}/sub", "env": ["A=1", "B=2"]},
            "serve": {
                "args": ["sh", "-c", "serve"],
                "dir": f"{world.root}/run",
                "env": ["C=3"],
                "readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 2},
            },
            "deps": [f"{world.root}/src", "/abs"],
            "ignores": [{"basePath": str(world.root), "patterns": ["*.o"]}],
        },
    }


def test_a_resource_without_an_update_is_always_parallel(world: World) -> None:
    assert by_name(world.good('local_resource("a", serve_cmd = "x")'))["a"].spec.allow_parallel


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("local_resource()", "local_resource: missing argument for name"),
        ('local_resource("a")', "local_resource must have a cmd and/or a serve_cmd, but both were empty"),
        ('local_resource("a", "")', "local_resource must have a cmd and/or a serve_cmd, but both were empty"),
        (
            "local_resource(1)",
            "local_resource: for parameter name: Value should be convertible to string, but is type int",
        ),
        (
            'local_resource("a/b", "x")',
            "local_resource: for parameter name: invalid value \"a/b\": may not contain '/'",
        ),
        (
            'local_resource("a", cmd = 1)',
            'local_resource: for parameter "cmd": a command must be a string or list of strings. found int',
        ),
        (
            'local_resource("a", ["x", 1])',
            (
                "local_resource: for parameter cmd: a command must be a string or a list of strings: '1' is a int, not a string"
            ),
        ),
        (
            'local_resource("a", "x", resource_dep = [])',
            'local_resource: unexpected keyword argument "resource_dep" (did you mean resource_deps?)',
        ),
        ('local_resource("a", "x", name = "b")', 'local_resource: got multiple values for keyword argument "name"'),
        (
            'local_resource("a", "x", labels = ["a/b"])',
            'local_resource: for parameter "labels": Invalid label "a/b": cannot contain /',
        ),
        (
            'local_resource("a", "x", trigger_mode = "auto")',
            'local_resource: for parameter "trigger_mode": got string, want TriggerMode',
        ),
        ('local_resource("a", "x", auto_init = 1)', 'local_resource: for parameter "auto_init": got int, want bool'),
        (
            'local_resource("a", "x", env = {"a": 1})',
            'local_resource: for parameter "env": value is not a string: int (1)',
        ),
        ('local_resource("a", "x", env = [])', 'local_resource: for parameter "env": expected dict, got list'),
        ('local_resource("a", dir = "d")', "local_resource: 'dir' specified but 'cmd' is empty"),
        (
            'local_resource("a", serve_cmd = "x", dir = "d")',
            "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?",
        ),
        ('local_resource("a", "x", serve_dir = "d")', "local_resource: 'serve_dir' specified but 'serve_cmd' is empty"),
        (
            'local_resource("a", "x")\nlocal_resource("a", "y")',
            'local_resource named "a" already exists',
        ),
        (
            'local_resource("a", "x", deps = 5)',
            'local_resource: for parameter "deps": value should be a string or List or Tuple of strings, but is of type int',
        ),
        (
            'local_resource("a", "x", ignore = "a\\nb")',
            'local_resource: for parameter "ignore": ignore cannot contain newlines; found ignore: "a\\nb"',
        ),
        ('local_resource("a", "x", links = "")', 'local_resource: for parameter "links": validating URL "": url empty'),
        (
            'local_resource("a", "x", stable_for = "soon")',
            (
                'local_resource: for parameter "stable_for": cannot read duration "soon": '
                'want a number and a unit, such as "30s", "5m" or "1h30m"'
            ),
        ),
        ('local_resource("a", "x", resource_deps = ["a"])', "resource a specified a dependency on itself"),
        (
            'local_resource("a", "x", resource_deps = ["b"])\nlocal_resource("b", "x", resource_deps = ["a"])',
            "cycle detected in resource dependency graph: a -> b -> a",
        ),
        (
            CIRCLE,
            "cycle detected in resource dependency graph: c -> e -> f -> c",
        ),
    ],
)
def test_what_is_wrong_is_said_in_tilts_words(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message


def test_a_circle_has_the_place_of_its_first_resource(world: World) -> None:
    text = '\nlocal_resource("a", "x", resource_deps = ["b"])\nlocal_resource("b", "x", resource_deps = ["a"])'
    assert str(getattr(world.load(text).error, "place", None)) == f"{world.root}/Tiltfile:2:1"


def test_a_wrong_argument_has_its_place_and_the_line(world: World) -> None:
    world.write("lib", "def make(name):\n    local_resource(name, cmd = 5)\n")
    error = world.load('load("lib", "make")\nmake("a")\n').error
    assert str(error) == (
        "Traceback (most recent call last):\n"
        f"  {world.root}/Tiltfile:2:1: in <toplevel>\n"
        f"  {world.root}/lib:2:5: in make\n"
        "    local_resource(name, cmd = 5)\n"
        "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        'Error in local_resource: local_resource: for parameter "cmd": '
        "a command must be a string or list of strings. found int"
    )


def test_a_probe_without_a_server_is_ignored_with_a_warning(world: World) -> None:
    found = world.good('local_resource("a", "x", readiness_probe = probe(tcp_socket = tcp_socket_action(80)))')
    assert found.warnings == ('Ignoring readiness probe for local resource "a" (no serve_cmd was defined)',)
    assert world.lines("WARN") == list(found.warnings)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("probe()", "exactly one of exec, http_get, or tcp_socket must be specified"),
        ('probe(exec = "x")', 'probe: for parameter "exec": got string, want ExecAction'),
        ("probe(exec = tcp_socket_action(1))", 'probe: for parameter "exec": got struct, want ExecAction'),
        (
            "tcp_socket_action(70000)",
            "tcp_socket_action: for parameter port: port 70000 is not in the valid range [1-65535]",
        ),
        (
            "probe(period_secs = 1 << 40)",
            'probe: for parameter "period_secs": value out of range for int32: 1099511627776',
        ),
    ],
)
def test_a_wrong_probe_is_refused(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message


def test_a_probe_shows_what_it_is(world: World) -> None:
    world.good('p = http_get_action(80, path = "/ok")\nprint(p.path, p.port, p)\nlocal_resource("a", "x")')
    assert world.lines() == ['/ok 80 HTTPGetAction(host = "", path = "/ok", port = 80, scheme = "")']


def test_an_unknown_dependency_is_dropped_with_a_hint(world: World) -> None:
    found = world.good('local_resource("web", "x", resource_deps = ["databse"])\nlocal_resource("database", "x")')
    assert by_name(found)["web"].spec.depends_on == ()
    assert found.warnings == (
        "resource web specified a dependency on unknown resource databse (did you mean database?) - dependency ignored",
    )


def test_test_is_an_old_name_that_runs_in_parallel(world: World) -> None:
    found = world.good('test("a", "x")\ntest("b", "x", allow_parallel = False)')
    assert [resource.spec.allow_parallel for resource in found.resources] == [True, False]
    assert "deprecated" in found.warnings[0]


def test_changes_of_the_environment_reach_the_commands(world: World) -> None:
    found = world.good('os.environ["A"] = "1"\nos.putenv("B", "2")\nlocal_resource("a", "x", env = {"B": "3"})')
    update = local_spec(found, "a").update
    assert update is not None
    assert update.env == ("A=1", "B=3")
    assert found.environ == {"A": "1", "B": "2"}


def test_a_thousand_resources_take_well_under_a_second(world: World) -> None:
    text = 'for i in range(1000):\n  local_resource("r%d" % i, "true", labels = ["a"], resource_deps = ["r%d" % max(0, i - 1)] if i else [])\n'
    world.good('local_resource("warm", "up")')
    start = thread_time()
    assert len(world.good(text).resources) == 1000
    assert thread_time() - start < 0.8


def test_a_long_chain_of_dependencies_is_no_trouble(world: World) -> None:
    text = 'for i in range(3000):\n  local_resource("r%d" % i, "x", resource_deps = ["r%d" % (i + 1)] if i < 2999 else [])\n'
    assert world.good(text, args=("r0",)).enabled[-1] == "r2999"
