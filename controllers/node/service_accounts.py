"""ServiceAccounts: one named ``default`` in each Namespace, as Pods expect."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from upright.controllers.runtime.controller import Controller, Outcome, Watch
from upright.controllers.runtime.queue import Key
from upright.openapi.core_v1.namespace import Namespace
from upright.openapi.core_v1.service_account import ServiceAccount
from upright.openapi.errors import AlreadyExists
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.controllers.runtime.turn import Turn
    from upright.openapi.meta import Object


class ServiceAccountController(Controller[Namespace]):
    """Sees to it that each Namespace has the ServiceAccount ``default``."""

    kind = Namespace

    def watches(self) -> Iterable[Watch]:
        return (Watch(ServiceAccount, _namespace_of),)

    async def reconcile(self, turn: Turn[Namespace]) -> Outcome:
        name = turn.obj.name
        if turn.obj.metadata.deletion_timestamp is None and turn.get(ServiceAccount, "default", name) is None:
            with suppress(AlreadyExists):
                await turn.client.create(ServiceAccount(metadata=ObjectMeta(name="default", namespace=name)))
        return Outcome()


def _namespace_of(obj: Object) -> Iterable[Key]:
    return (Key("", obj.metadata.namespace),) if obj.name == "default" else ()
