"""UIResource: a Resource as Tilt's clients know it; a view, read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from upright.openapi.meta import Model, Object
from upright.openapi.scheme import AGE, NAME, Column, Kind, at
from upright.openapi.v1alpha1.resource import ResourceStatus, waiting_on

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_OURS = frozenset({"steps", "targets", "failures", "triggered", "everReady", "serveRun", "toleratedCrashes"})


class UIResourceSpec(Model):
    """Empty, as Tilt's."""


def _project(body: Json) -> Json:
    status = {name: value for name, value in (body.get("status") or {}).items() if name not in _OURS}
    return {**body, "apiVersion": "tilt.dev/v1alpha1", "kind": "UIResource", "spec": {}, "status": status}


class UIResource(Object):
    """A Resource as Tilt's clients know it; a view, read only."""

    definition: ClassVar[Kind] = Kind(
        "tilt.dev",
        "v1alpha1",
        "UIResource",
        "uiresources",
        columns=(
            NAME,
            Column("UPDATE", at("status", "updateStatus"), description="Its newest update"),
            Column("RUNTIME", at("status", "runtimeStatus"), description="What runs since"),
            Column("WAITING ON", waiting_on, description="What holds it back"),
            Column("POD", at("status", "k8sResourceInfo", "podName"), description="Its newest pod"),
            AGE,
        ),
        view_of="tilt.dev/resources",
        project=_project,
    )

    spec: UIResourceSpec = UIResourceSpec()
    status: ResourceStatus = ResourceStatus()
