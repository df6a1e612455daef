from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from upright.openapi.v1alpha1.cluster import RegistryHosting
from upright.openapi.v1alpha1.tiltfile import TiltfileSettings

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

DONE = '\nlocal_resource("done", "true")\n'


def test_without_a_word_the_settings_are_the_defaults(world: World) -> None:
    assert world.good(DONE).settings == TiltfileSettings()


def test_ci_settings_are_read_and_later_ones_win(world: World) -> None:
    text = 'ci_settings(k8s_grace_period = "10s", timeout = "1h30m", stable_for = "3s", crash_budget = 4)\n'
    found = world.good(text + 'ci_settings(readiness_timeout = "2m", stable_for = "1s", pods_timeout = "9s")' + DONE)
    ci = found.settings.ci
    assert ci.k8s_grace_period == timedelta(seconds=10)
    assert ci.timeout == timedelta(minutes=90)
    assert ci.readiness_timeout == timedelta(minutes=2)
    assert ci.limits.to_wire() == {"crashBudget": 4, "stableFor": "1s", "podsTimeout": "9s"}


@pytest.mark.parametrize(
    "name",
    ["missing_ref", "unschedulable", "pods", "sight", "build", "push", "apply", "schedule", "pull", "start", "ready"],
)
def test_every_limit_is_an_argument(world: World, name: str) -> None:
    found = world.good(f'ci_settings({name}_timeout = "7s")' + DONE)
    assert getattr(found.settings.ci.limits, f"{name}_timeout") == timedelta(seconds=7)


def test_limits_of_a_label_are_those_of_its_resources_and_their_own_outweigh_them(world: World) -> None:
    text = """
ci_settings(labels = ["slow", "db"], ready_timeout = "10m", crash_budget = 9)
ci_settings(labels = "slow", ready_timeout = "20m")
local_resource("plain", "true")
local_resource("slow", "true", labels = ["slow"])
local_resource("both", "true", labels = ["db", "slow"], crash_budget = 2)
"""
    found = world.good(text)
    limits = {one.metadata.name: one.spec.limits.to_wire() for one in found.resources}
    assert limits == {
        "plain": {},
        "slow": {"readyTimeout": "20m0s", "crashBudget": 9},
        "both": {"readyTimeout": "10m0s", "crashBudget": 2},
    }
    assert found.settings.ci.limits.to_wire() == {}


def test_update_settings_are_read(world: World) -> None:
    text = 'update_settings(max_parallel_updates = 9, k8s_upsert_timeout_secs = 60, k8s_server_side_apply = "true")'
    settings = world.good(text + DONE).settings
    assert settings.max_parallel_updates == 9
    assert settings.k8s_upsert_timeout == timedelta(seconds=60)
    assert settings.server_side_apply


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("false", False), ("auto", None)])
def test_on_which_side_is_applied_is_read_and_left_to_us_unless_said(
    world: World, said: str, meant: bool | None
) -> None:
    assert world.good(DONE).settings.server_side_apply is None
    text = f'update_settings(k8s_server_side_apply = "{said}")'
    assert world.good(text + DONE).settings.server_side_apply is meant


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("update_settings(max_parallel_updates = 0)", "max number of parallel updates must be >= 1(got: 0)"),
        ("update_settings(k8s_upsert_timeout_secs = -1)", "minimum k8s upsert timeout is 1s; got -1s"),
        (
            'update_settings(k8s_server_side_apply = "maybe")',
            'update_settings: k8s_server_side_apply must be "true", "false", or "auto"; got "maybe"',
        ),
        ("ci_settings(timeout = 5)", 'ci_settings: for parameter "timeout": Expected string. Got: int'),
        ('ci_settings(timout = "5m")', 'ci_settings: unexpected keyword argument "timout" (did you mean timeout?)'),
        ("ci_settings(crash_budget = 0)", 'ci_settings: for parameter "crash_budget": must be at least 1, got 0'),
        (
            'ci_settings(labels = ["a"], timeout = "5m")',
            "ci_settings: timeout is for the whole run, and cannot be given with labels",
        ),
        (
            'ci_settings(labels = ["a"])',
            "ci_settings: with labels, give at least one limit, such as ready_timeout",
        ),
        ('ci_settings(stable_for = "-1s")', 'ci_settings: for parameter "stable_for": must not be negative, got "-1s"'),
        (
            'default_registry("localhost:5000")\ndefault_registry("localhost:5001")',
            "default registry already defined",
        ),
        ("allow_k8s_contexts(1)", "allow_k8s_contexts: for parameter contexts: allow_k8s_contexts contexts must be a string or a sequence of strings; found a int"),
        ("trigger_mode(1)", "trigger_mode: for parameter trigger_mode: got int, want TriggerMode"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message


def test_the_default_registry_is_kept(world: World) -> None:
    found = world.good(
        'default_registry("localhost:5000", host_from_cluster = "registry:5000", single_name = "one")' + DONE
    )
    assert found.default_registry == RegistryHosting(
        host="localhost:5000", host_from_container_runtime="registry:5000", single_name="one"
    )


def test_a_registry_that_is_no_host_is_refused(world: World) -> None:
    assert "registry host must have a dot or a port" in world.wrong('default_registry("registry")')


def test_the_trigger_mode_of_all_is_set_once(world: World) -> None:
    found = world.good(
        'trigger_mode(TRIGGER_MODE_MANUAL)\nlocal_resource("a", "x")\nlocal_resource("b", "x", trigger_mode = TRIGGER_MODE_AUTO)'
    )
    assert [one.spec.trigger_mode for one in found.resources] == ["manual", "auto"]
    message = world.wrong("trigger_mode(TRIGGER_MODE_AUTO)\ntrigger_mode(TRIGGER_MODE_AUTO)")
    assert message == f"trigger_mode can only be called once. It was already called at {world.root}/Tiltfile:1:1"


def test_the_cluster_is_known_to_the_tiltfile(world: World) -> None:
    world.good("print(k8s_context(), k8s_namespace())" + DONE, kube_context="kind-kind", kube_namespace="dev")
    assert world.lines() == ["kind-kind dev"]


FLAGS = """
config.define_string_list("names", args = True)
config.define_string("to", usage = "whom")
config.define_bool("loud")
config.define_object("more")
cfg = config.parse()
print(cfg)
"""


def test_flags_come_from_the_command_line_over_the_file(world: World) -> None:
    world.write("tilt_config.json", '{"to": "file", "more": {"a": [1]}}')
    found = world.good(FLAGS + DONE, args=("x", "--to", "you", "--loud", "y"))
    assert world.lines() == ['{"names": ["x", "y"], "to": "you", "loud": True, "more": {"a": [1]}}']
    assert f"{world.root}/tilt_config.json" in found.config_files
    assert found.enabled == ("done",)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--too", "x"), "invalid Tiltfile config args: unknown flag: --too (did you mean to?)\nUsage:\n      --loud\n      --more object\n      --to string     whom"),
        (("--to",), "invalid Tiltfile config args: flag needs an argument: --to"),
        (("--to=a", "--to=b"), "invalid Tiltfile config args: string settings can only be specified once. multiple values found (last value: b)"),
        (("--more", "{"), 'invalid Tiltfile config args: decoding JSON, got "{"'),
    ],
)  # fmt: skip
def test_wrong_flags_are_refused(world: World, args: tuple[str, ...], message: str) -> None:
    assert world.wrong(FLAGS, args=args).startswith(message)


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        ("config.parse()", ("x",), 'invalid Tiltfile config args: positional CLI args ("x") were specified, but none were expected.'),
        ('config.parse()\nconfig.define_bool("x")', (), "config.define_bool cannot be called after config.parse is called"),
        ('config.define_bool("x")\nconfig.define_string("x")', (), "x defined multiple times"),
        ('config.define_string("x", args = True)\nconfig.define_string("y", args = True)', (), "both y and x are defined as positional args"),
    ],
)  # fmt: skip
def test_wrong_definitions_are_refused(world: World, text: str, args: tuple[str, ...], message: str) -> None:
    assert world.wrong(text, args=args).startswith(message)


def test_a_file_with_an_unknown_setting_is_refused(world: World) -> None:
    where = world.write("tilt_config.json", '{"lod": true}')
    assert world.wrong(FLAGS) == f"{where} specified unknown setting name 'lod' (did you mean loud?)"


def test_the_main_file_is_known_to_all(world: World) -> None:
    world.write("sub/Tiltfile", "print(config.main_path, config.main_dir, config.tilt_subcommand)")
    world.good('include("sub/Tiltfile")' + DONE)
    assert world.lines() == [f"{world.root}/Tiltfile {world.root} ci"]


def test_files_that_are_not_watched_are_noted_with_their_folder(world: World) -> None:
    world.write("sub/Tiltfile", 'watch_settings("*.tmp")')
    found = world.good('watch_settings(ignore = ["a", "b"])\ninclude("sub/Tiltfile")' + DONE)
    assert [one.to_wire() for one in found.settings.watch_ignores] == [
        {"basePath": str(world.root), "patterns": ["a", "b"]},
        {"basePath": f"{world.root}/sub", "patterns": ["*.tmp"]},
    ]


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        (">=0.37.0", True),
        ("0.37.6", True),
        ("0.37.x", True),
        ("0.36.x", False),
        (">0.37.x", False),
        ("<0.37.6", False),
        ("<=0.37.6 >=0.30.0", True),
        (">=0.38.0 || <0.20.0 || !0.1.0", True),
        ("!=0.37.6", False),
    ],
)
def test_a_version_is_compared_with_the_tilt_that_is_understood(world: World, constraint: str, fits: bool) -> None:
    error = world.load(f'version_settings(check_updates = False, constraint = "{constraint}")' + DONE).error
    assert (error is None) == fits
    if error is not None:
        assert error.message == (
            "you are running Tilt version 0.37.6, which doesn't match the version constraint specified in your "
            f"Tiltfile: '{constraint}'"
        )


def test_what_tilt_reports_is_understood_and_not_done(world: World) -> None:
    found = world.good(
        """
analytics_settings(enable = True)
experimental_analytics_report({"a": "b"})
experimental_telemetry_cmd("touch here", period = "1m")
experimental_metrics_settings(enabled = True)
set_team("us")
enable_feature("snapshots")
disable_feature("facets")
disable_snapshots()
docker_prune_settings(disable = True, max_age_mins = 5, keep_recent = None)
"""
        + DONE
    )
    assert found.warnings == (
        "experimental_metrics_settings() is deprecated, and does nothing",
        "Obsolete feature flag: facets",
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('enable_feature("snapshot")', "Unknown feature flag: snapshot (did you mean snapshots?)"),
        ('set_team("")', "team_id cannot be empty"),
        ('set_team("a")\nset_team("b")', "team_id set multiple times (to 'a' and 'b')"),
        ('experimental_telemetry_cmd("")', "cmd cannot be empty"),
        ("docker_prune_settings(num_builds = 1, interval_hrs = 1)", "can't specify both 'prune every X builds' and 'prune every Y hours'; please pass only one of `num_builds` and `interval_hrs`"),
        ('version_settings(constraint = "new")', 'error parsing version constraint: Could not parse Range "new"'),
        ('version_settings(constraint = ">=1")', 'error parsing version constraint: Could not parse version ">=1": No Major.Minor.Patch'),
    ],
)  # fmt: skip
def test_a_setting_that_is_only_checked_is_checked(world: World, call: str, message: str) -> None:
    assert world.wrong(call) == message


def test_paths_of_a_git_repository_are_named(world: World) -> None:
    (world.root / "repo" / ".git").mkdir(parents=True)
    world.good('repo = local_git_repo("repo")\nprint(repo.paths("a/b"))' + DONE)
    assert world.lines() == [f"{world.root}/repo/a/b"]
    assert world.wrong('local_git_repo(".")') == (
        f"{world.root} isn't a valid git repo: it doesn't have a .git/ directory"
    )
