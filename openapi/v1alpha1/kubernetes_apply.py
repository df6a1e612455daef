"""KubernetesApply: objects to have in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from upright.openapi.errors import Cause
from upright.openapi.meta import Duration, MicroTime, Model, Object, omit
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.pod_log_stream import PodLogStreamTemplateSpec
from upright.openapi.v1alpha1.port_forward import PortForwardTemplateSpec
from upright.openapi.v1alpha1.triggers import Condition, DisableSource, DisableStatus, RestartOnSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.openapi.meta import Json


class LabelSelectorRequirement(Model):
    """One set-based requirement on labels."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = omit(())


class LabelSelector(Model):
    """Labels that must all match."""

    match_labels: dict[str, str] = omit({})
    match_expressions: tuple[LabelSelectorRequirement, ...] = omit(())


class ObjectSelector(Model):
    """Regular expressions that an object must match, each searched for, without regard to case."""

    api_version_regexp: str = omit("")
    kind_regexp: str = omit("")
    name_regexp: str = omit("")
    namespace_regexp: str = omit("")


class ImageObject(Model):
    """An image written as an object with a repository and a tag field."""

    repo_field: str
    tag_field: str


class ImageLocator(Model):
    """Where in an object an image stands: a JSONPath, and the fields if it is an object."""

    object_selector: ObjectSelector
    path: str
    object: ImageObject | None = None


class ApplyCmd(Model):
    """A command that applies (and prints the applied YAML) or deletes."""

    args: tuple[str, ...] = ()
    dir: str = omit("")
    env: tuple[str, ...] = omit(())


class DiscoveryTemplateSpec(Model):
    """Which pods belong to the objects beside those they own."""

    extra_selectors: tuple[LabelSelector, ...] = omit(())


class KubernetesApplySpec(Model):
    """The YAML (or the command that applies), the images to put into it, and what to open for its pods."""

    yaml: str = omit("")
    apply_cmd: ApplyCmd | None = None
    delete_cmd: ApplyCmd | None = None
    image_maps: tuple[str, ...] = omit(())
    image_locators: tuple[ImageLocator, ...] = omit(())
    timeout: Duration | None = None
    kubernetes_discovery_template_spec: DiscoveryTemplateSpec | None = None
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    discovery_strategy: Literal["", "default", "selectors-only"] = omit("")
    disable_source: DisableSource | None = None
    restart_on: RestartOnSpec | None = None
    cluster: str = omit("")
    server_side_apply: bool | None = None


class AppliedObject(Model):
    """An object as the cluster answered our apply: the generation that the verdict is about."""

    api_version: str
    kind: str
    name: str
    namespace: str = omit("")
    uid: str = omit("")
    generation: int = omit(0)
    resource_version: str = omit("")


class KubernetesApplyStatus(Model):
    """What the last apply came to."""

    result_yaml: str = omit("", alias="resultYAML")
    error: str = omit("")
    last_apply_time: MicroTime | None = None
    last_apply_start_time: MicroTime | None = None
    applied_input_hash: str = omit("")
    disable_status: DisableStatus | None = None
    conditions: tuple[Condition, ...] = omit(())
    objects: tuple[AppliedObject, ...] = omit(())


def _state(body: Json) -> str:
    status = body.get("status", {})
    if status.get("error"):
        return "failed"
    return "applied" if status.get("lastApplyTime") else "waiting"


class KubernetesApply(Object):
    """Objects to have in the cluster."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "KubernetesApply",
        "kubernetesapplys",
        short_names=("ka", "kapp"),
        columns=(
            NAME,
            Column("STATE", _state, description="waiting, applied or failed"),
            Column("APPLIED", at("status", "lastApplyTime"), "date", "Time since the last apply"),
            Column("ERROR", at("status", "error"), description="What went wrong"),
            AGE,
        ),
    )

    spec: KubernetesApplySpec = KubernetesApplySpec()
    status: KubernetesApplyStatus = KubernetesApplyStatus()

    def problems(self, old: Object | None) -> Iterator[Cause]:
        del old
        if bool(self.spec.yaml) == (self.spec.apply_cmd is not None):
            yield Cause("spec.yaml", "Invalid value: must specify exactly one of yaml or applyCmd")
        if self.spec.apply_cmd and not self.spec.apply_cmd.args:
            yield Cause("spec.applyCmd.args", "Required value: cannot be empty", "FieldValueRequired")
