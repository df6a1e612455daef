"""Leader election by a Lease: of several processes with the same controllers one works, and the others wait for its end."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
from msgspec import Struct

from upright.openapi.coordination_v1.lease import Lease, LeaseSpec
from upright.openapi.errors import AlreadyExists, APIError, Conflict, NotFound
from upright.openapi.meta import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from upright.client.client import Client

NAMESPACE = "default"
_RELEASE_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Pace(Struct, frozen=True):
    """How long a lease is good for after its last renewal, how often it is renewed, and how often others look.

    A leader that could not renew for ``give_up`` seconds stops: well before others may take the lease.
    """

    duration: float = 15.0
    give_up: float = 10.0
    renew: float = 5.0
    look: float = 2.0


class Leadership:
    """One candidate. Clocks of different machines are not compared: a lease is over when nobody renewed it while one looked."""

    def __init__(
        self, client: Client, name: str, identity: str, clock: Callable[[], datetime], pace: Pace | None = None
    ) -> None:
        self._client = client
        self._name = name
        self._identity = identity
        self._clock = clock
        self._pace = pace or Pace()
        self._seen: tuple[str, float] = ("", 0.0)
        self._renewed = 0.0

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lead, then work, again and again until cancelled; work is cancelled as soon as the lead is lost."""
        while True:
            while not await self._taken():  # noqa: ASYNC110  reason: others' leases end by time
                await anyio.sleep(self._pace.look)
            _log.info("%s leads %s", self._identity, self._name)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._keep, group.cancel_scope)
                    await work()
                    group.cancel_scope.cancel()
            finally:
                await self._release()

    async def _taken(self) -> bool:
        """Take the lease if it is free, ours, or no more renewed; return whether it is ours now."""
        try:
            there = await self._client.get(Lease, self._name, namespace=NAMESPACE)
        except NotFound:
            return await self._written(None)
        except APIError as error:
            _log.warning("asking who leads: %s", error)
            return False
        version, now = there.metadata.resource_version, anyio.current_time()
        if version != self._seen[0]:
            self._seen = version, now
        free = not there.spec.holder_identity or there.spec.holder_identity == self._identity
        held = there.spec.lease_duration_seconds or self._pace.duration
        if free or now - self._seen[1] > held:
            return await self._written(there)
        return False

    async def _written(self, there: Lease | None) -> bool:
        """Write that it is ours; whoever was quicker has won."""
        now, before = self._clock(), anyio.current_time()
        old = there.spec if there else LeaseSpec()
        mine = old.holder_identity == self._identity
        spec = LeaseSpec(
            holder_identity=self._identity,
            lease_duration_seconds=max(round(self._pace.duration), 1),
            acquire_time=old.acquire_time if mine else now,
            renew_time=now,
            lease_transitions=(old.lease_transitions or 0) + (0 if mine or not there else 1),
        )
        meta = there.metadata if there else ObjectMeta(name=self._name, namespace=NAMESPACE)
        wanted = Lease(metadata=meta, spec=spec)
        try:
            await (self._client.update(wanted) if there else self._client.create(wanted))
        except (Conflict, AlreadyExists, NotFound):
            return False
        except APIError as error:
            _log.warning("taking the lead: %s", error)
            return False
        self._renewed = before
        return True

    async def _keep(self, work: anyio.CancelScope) -> None:
        """Renew the lease; cancel the work when that failed for too long, or somebody else has it."""
        while True:
            await anyio.sleep(self._pace.renew)
            with anyio.move_on_at(self._renewed + self._pace.give_up):
                if await self._taken():
                    continue
            if anyio.current_time() >= self._renewed + self._pace.give_up or await self._somebody_else():
                _log.warning("%s has lost the lead of %s", self._identity, self._name)
                work.cancel()
                return

    async def _somebody_else(self) -> bool:
        with suppress(APIError):
            there = await self._client.get(Lease, self._name, namespace=NAMESPACE)
            return there.spec.holder_identity not in {self._identity, "", None}
        return False

    async def _release(self) -> None:
        """Let the next one begin at once."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(_RELEASE_SECONDS), suppress(APIError, OSError):
            there = await self._client.get(Lease, self._name, namespace=NAMESPACE)
            if there.spec.holder_identity == self._identity:
                spec = there.spec.model_copy(update={"holder_identity": "", "renew_time": self._clock()})
                await self._client.update(there.model_copy(update={"spec": spec}))
