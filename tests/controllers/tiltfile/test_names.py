"""Every name that a Tiltfile may use in Tilt is there, and docs/tiltfile.md names them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from upright.controllers.tiltfile.builtins.v1alpha1_module import OBJECTS, PARTS
from upright.controllers.tiltfile.vocabulary import BUILTINS

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

NAMES = [
    "TRIGGER_MODE_AUTO",
    "TRIGGER_MODE_MANUAL",
    "allow_k8s_contexts",
    "analytics_settings",
    "blob",
    "ci_settings",
    "config",
    "custom_build",
    "dc_resource",
    "decode_json",
    "decode_yaml",
    "decode_yaml_stream",
    "default_registry",
    "disable_feature",
    "disable_snapshots",
    "docker_build",
    "docker_compose",
    "docker_prune_settings",
    "enable_feature",
    "encode_json",
    "encode_yaml",
    "encode_yaml_stream",
    "exec_action",
    "exit",
    "experimental_analytics_report",
    "experimental_metrics_settings",
    "experimental_telemetry_cmd",
    "fail",
    "fall_back_on",
    "filter_yaml",
    "helm",
    "http_get_action",
    "include",
    "initial_sync",
    "k8s_context",
    "k8s_custom_deploy",
    "k8s_image_json_path",
    "k8s_kind",
    "k8s_namespace",
    "k8s_resource",
    "k8s_yaml",
    "kustomize",
    "link",
    "listdir",
    "load_dynamic",
    "local",
    "local_git_repo",
    "local_resource",
    "module",
    "os",
    "port_forward",
    "print",
    "probe",
    "read_file",
    "read_json",
    "read_yaml",
    "read_yaml_stream",
    "restart_container",
    "run",
    "secret_settings",
    "set_team",
    "shlex",
    "struct",
    "sync",
    "sys",
    "tcp_socket_action",
    "test",
    "trigger_mode",
    "update_settings",
    "v1alpha1",
    "version_settings",
    "warn",
    "watch_file",
    "watch_settings",
    "workload_to_resource_function",
]
MEMBERS = [
    "config.clear_enabled_resources",
    "config.define_bool",
    "config.define_object",
    "config.define_string",
    "config.define_string_list",
    "config.main_dir",
    "config.main_path",
    "config.parse",
    "config.set_enabled_resources",
    "config.tilt_subcommand",
    "os.environ",
    "os.getcwd",
    "os.getenv",
    "os.name",
    "os.path.abspath",
    "os.path.basename",
    "os.path.dirname",
    "os.path.exists",
    "os.path.join",
    "os.path.realpath",
    "os.path.relpath",
    "os.putenv",
    "os.unsetenv",
    "shlex.quote",
    "sys.argv",
    "sys.executable",
]
CONSTRUCTORS = [
    "cmd",
    "config_map",
    "config_map_disable_source",
    "disable_source",
    "exec_action",
    "extension",
    "extension_repo",
    "file_watch",
    "forward",
    "handler",
    "http_get_action",
    "http_header",
    "ignore_def",
    "kubernetes_apply",
    "kubernetes_apply_cmd",
    "kubernetes_discovery",
    "kubernetes_discovery_template_spec",
    "kubernetes_image_locator",
    "kubernetes_image_object_descriptor",
    "kubernetes_watch_ref",
    "label_selector",
    "label_selector_requirement",
    "object_selector",
    "pod_log_stream_template_spec",
    "port_forward_template_spec",
    "probe",
    "restart_on_spec",
    "start_on_spec",
    "tcp_socket_action",
    "ui_bool_input_spec",
    "ui_button",
    "ui_choice_input_spec",
    "ui_component_location",
    "ui_hidden_input_spec",
    "ui_input_spec",
    "ui_text_input_spec",
]
PAGE = Path(__file__).parents[3] / "docs" / "tiltfile.md"


def test_nothing_is_missing_and_nothing_is_made_up() -> None:
    assert set(BUILTINS) == set(NAMES)
    assert {*OBJECTS, *PARTS} == set(CONSTRUCTORS)


@pytest.mark.parametrize("name", [*NAMES, *MEMBERS, *(f"v1alpha1.{name}" for name in CONSTRUCTORS)])
def test_every_name_means_something(world: World, name: str) -> None:
    world.good(f"x = {name}\nlocal_resource('done', 'true')")


def test_the_page_names_every_function_once() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Names\n")[2].partition("\n## ")[0]
    assert re.findall(r"`([\w.]+)`", section) == sorted(BUILTINS)
