"""k8s_resource(): how a Kubernetes workload, or a group of objects, is to be treated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from upright.controllers.tiltfile.builtins.link import links
from upright.controllers.tiltfile.builtins.port_forward import forwards_unread, port_forwards
from upright.controllers.tiltfile.builtins.trigger_mode import trigger_mode_value
from upright.controllers.tiltfile.language.arguments import boolean, optional
from upright.controllers.tiltfile.language.errors import Failure, WrongValue
from upright.controllers.tiltfile.language.text import quote, to_repr
from upright.controllers.tiltfile.language.values import Dict, List, Value, type_name
from upright.controllers.tiltfile.limit_arguments import LimitArguments, limits
from upright.controllers.tiltfile.readers import labels, resource_name, string_sequence, text_of
from upright.controllers.tiltfile.resource_options import KubernetesOptions
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project, TriggerMode
    from upright.controllers.tiltfile.resource_options import PodReadiness
    from upright.openapi.v1alpha1.port_forward import Forward
    from upright.openapi.v1alpha1.resource import Link

Strategy = Literal["", "default", "selectors-only"]


def _pod_selectors(value: Value, _directory: str) -> tuple[dict[str, str], ...]:
    if value is None:
        return ()
    if isinstance(value, Dict):
        return (_label_set(value),) if value else ()
    if not isinstance(value, List | tuple):
        raise WrongValue(f"pod labels must be a dict or a list; got {type_name(value)}")
    for item in value:
        if not isinstance(item, Dict):
            raise WrongValue(f"pod labels elements must be dicts; got {type_name(item)}")
    return tuple(_label_set(item) for item in value if item)


def _label_set(value: Dict) -> dict[str, str]:
    for key, text in value.items():
        for what, part in (("keys", key), ("values", text)):
            if type(part) is not str:
                raise WrongValue(f"pod label {what} must be strings; got '{to_repr(part)}' of type {type_name(part)}")
    return dict(value)


def pod_readiness(value: Value, _directory: str) -> PodReadiness:
    """Read how pods become ready."""
    text = text_of(value)
    if text is None:
        raise WrongValue(f"Must be a string. Got: {type_name(value)}")
    for mode in ("", "wait", "ignore", "succeeded"):
        if text == mode:
            return mode
    raise WrongValue('Invalid value. Allowed: {"ignore", "wait", "succeeded"}. Got: ' + quote(text))


def _strategy(value: Value, _directory: str) -> Strategy:
    text = text_of(value)
    if text is None:
        raise WrongValue(f"Must be a string. Got: {type_name(value)}")
    for mode in ("", "default", "selectors-only"):
        if text == mode:
            return mode
    raise WrongValue('Invalid. Must be one of: "default", "selectors-only"')


class KubernetesArguments(LimitArguments):
    """Tilt's arguments in Tilt's order, and the limits."""

    workload: str = optional(resource_name, "")
    new_name: str = optional(resource_name, "")
    port_forwards: Value = optional(forwards_unread, ())
    extra_pod_selectors: tuple[dict[str, str], ...] = optional(_pod_selectors, ())
    trigger_mode: TriggerMode | None = optional(trigger_mode_value, None)
    resource_deps: tuple[str, ...] = optional(string_sequence, ())
    objects: tuple[str, ...] = optional(string_sequence, ())
    auto_init: bool | None = optional(boolean, None, none_is_unset=True)
    pod_readiness: PodReadiness = optional(pod_readiness, "")
    links: tuple[Link, ...] = optional(links, ())
    labels: tuple[str, ...] = optional(labels, ())
    discovery_strategy: Strategy = optional(_strategy, "")


def k8s_resource(project: Project, given: KubernetesArguments) -> None:
    """Note the options; assembly applies them when all YAML is known."""
    name = given.workload or given.new_name
    if not name:
        raise Failure(
            "Resource name missing. Must give a name for an existing resource or a new_name to create a new resource."
        )
    if not given.workload and not given.objects:
        raise Failure(
            "k8s_resource doesn't specify a workload or any objects. "
            "All non-workload resources must specify 1 or more objects"
        )
    options = KubernetesOptions(
        place=project.interpreter.where(),
        workload=name,
        new_name=given.new_name,
        grouped=not given.workload,
        objects=given.objects,
        port_forwards=_forwards(name, given.port_forwards),
        extra_pod_selectors=given.extra_pod_selectors,
        pod_readiness=given.pod_readiness,
        discovery_strategy=given.discovery_strategy,
        trigger_mode=given.trigger_mode,
        auto_init=given.auto_init,
        resource_deps=given.resource_deps,
        links=given.links,
        labels=given.labels,
        limits=limits(given),
    )
    project.kubernetes_options.append(options)


def _forwards(name: str, value: Value) -> tuple[Forward, ...]:
    try:
        return port_forwards(value)
    except Failure as failure:
        raise Failure(f"k8s_resource {quote(name)}: {failure}") from None


VALUES = {"k8s_resource": function("k8s_resource", KubernetesArguments, k8s_resource)}
