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
    """The label's name."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How its value is compared with the values."""
    values: tuple[str, ...] = omit(())
    """Values for In and NotIn; none for the other two."""


class LabelSelector(Model):
    """Labels that must all match."""

    match_labels: dict[str, str] = omit({})
    """Labels with the very value they must have."""
    match_expressions: tuple[LabelSelectorRequirement, ...] = omit(())


class ObjectSelector(Model):
    """Regular expressions that an object must match, each searched for, without regard to case."""

    api_version_regexp: str = omit("")
    """For its apiVersion."""
    kind_regexp: str = omit("")
    """For its kind."""
    name_regexp: str = omit("")
    """For its name."""
    namespace_regexp: str = omit("")
    """For its namespace."""


class ImageObject(Model):
    """An image written as an object with a repository and a tag field."""

    repo_field: str
    """The field with the repository."""
    tag_field: str
    """The field with the tag."""


class ImageLocator(Model):
    """Where in an object an image stands: a JSONPath, and the fields if it is an object."""

    object_selector: ObjectSelector
    path: str
    """The JSONPath that leads to the image."""
    object: ImageObject | None = None
    """How the image is written there, if not as one string."""


class ApplyCmd(Model):
    """A command that applies (and prints the applied YAML) or deletes."""

    args: tuple[str, ...] = ()
    """The program and its arguments."""
    dir: str = omit("")
    """The working directory."""
    env: tuple[str, ...] = omit(())
    """Variables beside those of the server, each as NAME=VALUE."""


class DiscoveryTemplateSpec(Model):
    """Which pods belong to the objects beside those they own."""

    extra_selectors: tuple[LabelSelector, ...] = omit(())


class KubernetesApplySpec(Model):
    """The YAML (or the command that applies), the images to put into it, and what to open for its pods."""

    yaml: str = omit("")
    """The objects, as documents of YAML."""
    apply_cmd: ApplyCmd | None = None
    """The command that applies, instead of YAML."""
    delete_cmd: ApplyCmd | None = None
    """The command that deletes what the other has applied."""
    image_maps: tuple[str, ...] = omit(())
    """ImageMaps of the images to put in."""
    image_locators: tuple[ImageLocator, ...] = omit(())
    timeout: Duration | None = None
    """How long an apply may take."""
    kubernetes_discovery_template_spec: DiscoveryTemplateSpec | None = None
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    discovery_strategy: Literal["", "default", "selectors-only"] = omit("")
    """Whether pods of the objects are looked for by owner and selector, or by selector only."""
    disable_source: DisableSource | None = None
    restart_on: RestartOnSpec | None = None
    cluster: str = omit("")
    """The Cluster to apply to."""
    server_side_apply: bool | None = None
    """By server-side apply; null: where the cluster can."""


class AppliedObject(Model):
    """An object as the cluster answered our apply: the generation that the verdict is about."""

    api_version: str
    """Its apiVersion."""
    kind: str
    """Its kind."""
    name: str
    """Its name."""
    namespace: str = omit("")
    """Its namespace; empty for what has none."""
    uid: str = omit("")
    """Its uid, which another object of that name would not have."""
    generation: int = omit(0)
    """The revision of its spec that was applied."""
    resource_version: str = omit("")
    """Its version after the apply."""
    template_hashes: tuple[str, ...] = omit(())
    """What its pods have as label ``tilt.dev/pod-template-hash``: a pod with another one is of an older template."""


class KubernetesApplyStatus(Model):
    """What the last apply came to."""

    result_yaml: str = omit("", alias="resultYAML")
    """The objects as the cluster has them after the apply."""
    error: str = omit("")
    """Why the apply failed; empty if it did not."""
    last_apply_time: MicroTime | None = None
    """When the last apply ended."""
    last_apply_start_time: MicroTime | None = None
    """When the last apply began."""
    applied_input_hash: str = omit("")
    """Of what the last apply was made of."""
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
