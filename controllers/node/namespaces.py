"""Namespaces: those that a cluster always has, and the end of one: first what is in it, then itself."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.core_v1.namespace import NAMESPACE_FINALIZER, Namespace
from upright.openapi.errors import AlreadyExists, NotFound
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.client.client import Client
    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object
    from upright.openapi.scheme import Scheme

ALWAYS = ("default", "kube-system", "kube-public", "kube-node-lease")


async def ensure_namespaces(client: Client) -> None:
    """Make the namespaces that a cluster always has."""
    for name in ALWAYS:
        with suppress(AlreadyExists):
            await client.create(Namespace(metadata=ObjectMeta(name=name)))


class NamespaceController(Controller[Namespace]):
    """Empties a Namespace that is to end; ``scheme`` says what may be in one."""

    kind = Namespace

    def __init__(self, scheme: Scheme) -> None:
        self._kinds = [kind for kind in scheme if kind.definition.namespaced]

    def watches(self) -> Iterable[Watch]:
        return [Watch(kind, self._room_of) for kind in self._kinds]

    def _room_of(self, obj: Object) -> Iterable[Key]:
        """Return the namespace of an object, if it is ending: only then does a change concern it."""
        key = Key("", obj.metadata.namespace)
        namespace = self.caches.of(Namespace).get(key)
        return (key,) if namespace is not None and namespace.metadata.deletion_timestamp is not None else ()

    async def reconcile(self, turn: Turn[Namespace]) -> Outcome:
        namespace = turn.obj
        if namespace.metadata.deletion_timestamp is None:
            return Outcome()
        left = [one for kind in self._kinds for one in turn.all(kind) if one.metadata.namespace == namespace.name]
        if not left:
            await self._let_go(turn)
            return Outcome()
        for obj in left:
            if obj.metadata.deletion_timestamp is None:
                meta = obj.metadata
                with suppress(NotFound):
                    await turn.client.delete(
                        type(obj), meta.name, namespace=meta.namespace, uid=meta.uid, propagation="Background"
                    )
        return Outcome(namespace.status.model_copy(update={"phase": "Terminating"}))

    @staticmethod
    async def _let_go(turn: Turn[Namespace]) -> None:
        rest = tuple(name for name in turn.obj.spec.finalizers if name != NAMESPACE_FINALIZER)
        if rest == turn.obj.spec.finalizers:
            return
        spec = turn.obj.spec.model_copy(update={"finalizers": rest})
        await turn.client.update(turn.obj.model_copy(update={"spec": spec}))
