"""The Pods of a workload: made, deleted, adopted and let go, so that none is made or deleted twice."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from upright.controllers.node.replicas import controlled_by, controller_of, pod_from
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.client.client import Client
    from upright.controllers.runtime.turn import Caches
    from upright.openapi.core_v1.label_selector import LabelSelector
    from upright.openapi.core_v1.pod_spec import PodTemplateSpec
    from upright.openapi.meta import Object


class PodsOf:
    """Keeps the mirror of Pods true to what was just written; a Pod that was deleted counts as going at once."""

    def __init__(self, client: Client, caches: Caches) -> None:
        self._client = client
        self._caches = caches
        self._mirror = caches.of(Pod)
        self._going: set[str] = set()

    def of(self, owner: Object) -> list[Pod]:
        """Return the Pods that the object controls, as far as they are not known to be going already."""
        mine = [pod for pod in self._mirror.owned_by(owner.metadata.uid) if _controls(owner, pod)]
        return [pod for pod in mine if pod.metadata.uid not in self._going or not pod.active]

    async def claim(self, owner: Object, selector: LabelSelector) -> list[Pod]:
        """Return the Pods of the object, after adopting those that match and let go of those that do not any more."""
        for pod in self._strays(owner, selector):
            await self._own(pod, (*pod.metadata.owner_references, controlled_by(owner)))
        for pod in self.of(owner):
            if pod.active and not selector.matches(pod.metadata.labels):
                await self._own(pod, tuple(r for r in pod.metadata.owner_references if r.uid != owner.metadata.uid))
        return self.of(owner)

    def _strays(self, owner: Object, selector: LabelSelector) -> list[Pod]:
        if owner.metadata.deletion_timestamp is not None:
            return []
        return [
            pod
            for pod in self._mirror.all()
            if pod.metadata.namespace == owner.metadata.namespace
            and pod.active
            and controller_of(pod) is None
            and selector.matches(pod.metadata.labels)
        ]

    async def _own(self, pod: Pod, owners: tuple[object, ...]) -> None:
        meta = pod.metadata.model_copy(update={"owner_references": owners})
        self._mirror.observe(await self._client.update(pod.model_copy(update={"metadata": meta})))

    async def create(self, template: PodTemplateSpec, owner: Object) -> Pod:
        """Make one Pod; raises Forbidden in Kubernetes' words if it names a ServiceAccount that is not there."""
        pod = pod_from(template, owner)
        account, namespace = template.spec.service_account_name or "default", owner.metadata.namespace
        if account != "default" and self._caches.get(ServiceAccount, account, namespace) is None:
            raise Forbidden(
                f'pods "{pod.name}" is forbidden: error looking up service account {namespace}/{account}: '
                f'serviceaccount "{account}" not found'
            )
        made = await self._client.create(pod)
        self._mirror.observe(made)
        return made

    async def delete(self, pods: Iterable[Pod]) -> None:
        """Delete the Pods; what is gone already is well."""
        for pod in pods:
            meta = pod.metadata
            with suppress(NotFound):
                await self._client.delete(Pod, meta.name, namespace=meta.namespace, uid=meta.uid)
            self._going.add(meta.uid)
        if len(self._going) > _REMEMBERED:
            self._going &= {pod.metadata.uid for pod in self._mirror.all()}


_REMEMBERED = 1000


def _controls(owner: Object, pod: Pod) -> bool:
    found = controller_of(pod)
    return found is not None and found.uid == owner.metadata.uid
