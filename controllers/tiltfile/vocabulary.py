"""Every name a Tiltfile may use: the module of ours that gives it, imported only when a Tiltfile uses the name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from upright.controllers.tiltfile.language.arguments import Arguments, bind
from upright.controllers.tiltfile.language.values import Builtin, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from upright.controllers.tiltfile.project import Project

A = TypeVar("A", bound=Arguments)

_SAME_NAME = (
    "allow_k8s_contexts blob ci_settings custom_build default_registry docker_build docker_compose docker_prune_settings filter_yaml helm "
    "include k8s_custom_deploy k8s_kind k8s_resource k8s_yaml kustomize link listdir load_dynamic local local_git_repo "
    "local_resource port_forward print read_file secret_settings trigger_mode update_settings version_settings "
    "watch_file watch_settings workload_to_resource_function"
)
BUILTINS: Mapping[str, str] = {
    **{name: name for name in _SAME_NAME.split()},
    **dict.fromkeys(["fall_back_on", "initial_sync", "restart_container", "run", "sync"], "live_update"),
    "TRIGGER_MODE_AUTO": "trigger_mode",
    "TRIGGER_MODE_MANUAL": "trigger_mode",
    "config": "config_module",
    "analytics_settings": "telemetry",
    "dc_resource": "docker_compose",
    "decode_json": "json_codec",
    "decode_yaml": "yaml_codec",
    "decode_yaml_stream": "yaml_codec",
    "disable_feature": "features",
    "disable_snapshots": "features",
    "enable_feature": "features",
    "encode_json": "json_codec",
    "encode_yaml": "yaml_codec",
    "encode_yaml_stream": "yaml_codec",
    "exec_action": "probe",
    "experimental_analytics_report": "telemetry",
    "experimental_metrics_settings": "telemetry",
    "experimental_telemetry_cmd": "telemetry",
    "exit": "messages",
    "fail": "messages",
    "http_get_action": "probe",
    "k8s_context": "allow_k8s_contexts",
    "k8s_image_json_path": "k8s_kind",
    "k8s_namespace": "allow_k8s_contexts",
    "module": "records",
    "os": "os_module",
    "print": "messages",
    "probe": "probe",
    "read_json": "json_codec",
    "read_yaml": "yaml_codec",
    "read_yaml_stream": "yaml_codec",
    "set_team": "telemetry",
    "shlex": "shlex_module",
    "struct": "records",
    "sys": "sys_module",
    "tcp_socket_action": "probe",
    "test": "local_resource",
    "v1alpha1": "v1alpha1_module",
    "warn": "messages",
}
"""Name to the module in ``builtins/`` that has it in its VALUES."""

KNOWN = frozenset(BUILTINS)


class Signature(Struct, frozen=True):
    """What a function is called, which arguments it takes, and what it does."""

    name: str
    arguments: type[Arguments]
    act: Callable[[Project, Any], Value]


SIGNATURES: dict[str, Signature] = {}
"""The functions whose modules were imported, by the name that a Tiltfile calls them by."""


def value_of(name: str, project: Project) -> Value:
    """Return what a predeclared name stands for."""
    module = importlib.import_module(f"upright.controllers.tiltfile.builtins.{BUILTINS[name]}")
    make: Callable[[Project], Value] = module.VALUES[name]
    return make(project)


def function(name: str, want: type[A], act: Callable[[Project, A], Value]) -> Callable[[Project], Value]:
    """Return the maker of a builtin function: its arguments are bound as ``want`` says, and given to ``act``."""

    def make(project: Project) -> Builtin:
        def run(args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value:
            return act(project, bind(name, want, (args, kwargs), project.directory))

        def timed(args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value:
            with project.timings.of(name, args):
                return run(args, kwargs)

        return Builtin(name, timed if project.timings.wanted else run)

    SIGNATURES[name] = Signature(name, want, act)
    return make
