"""Prints how fast the store and the registry are, in one process, with 4 KB objects: `python tests/bench/storage_bench.py`."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import uvloop

from upright.apiserver.inprocess import InProcess
from upright.apiserver.options import Target
from upright.apiserver.registry import Registry
from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.openapi import v1alpha1
from upright.openapi.meta import ObjectMeta
from upright.openapi.scheme import discover
from upright.openapi.v1alpha1.cmd import Cmd, CmdSpec, CmdStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from upright.openapi.meta import Json

ROUNDS = 5
WRITES = 2000
BODY: Json = {"metadata": {"name": ""}, "spec": {"args": ["x" * 40] * 90}}


def say(what: str, samples: list[float], unit: str, digits: int = 0) -> None:
    median = statistics.median(samples)
    sys.stdout.write(
        f"{what:<58} {median:>10,.{digits}f} {unit}  ({min(samples):,.{digits}f} to {max(samples):,.{digits}f})\n"
    )


async def together(count: int, at_once: int, work: Callable[[int], Awaitable[object]]) -> float:
    """Return how many a second are done by so many workers."""
    left = iter(range(count))

    async def worker() -> None:
        for number in left:
            await work(number)

    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(at_once):
            group.start_soon(worker)
    return count / (time.perf_counter() - began)


async def creates(folder: Path) -> None:
    for durable in (True, False):
        for at_once in (1, 16, 64):
            rates: list[float] = []
            for round_ in range(ROUNDS):
                path = folder / f"creates-{durable}-{at_once}-{round_}.db"
                async with Store.open(str(path), durable=durable) as store:

                    async def create(number: int, store: Store = store) -> object:
                        return await store.create(Address("", "cmds", "", f"n{number}"), BODY)

                    rates.append(await together(WRITES if at_once > 1 else WRITES // 4, at_once, create))
            say(f"store: creates, {'FULL' if durable else 'OFF'}, {at_once} at once", rates, "/s")


async def cpu(count: int, work: Callable[[int], Awaitable[object]]) -> float:
    """Return the CPU microseconds that one takes, of this process, with 16 at once."""
    began = time.process_time()
    await together(count, 16, work)
    return (time.process_time() - began) / count * 1e6


async def registry_cost(folder: Path) -> None:
    cost: dict[str, list[float]] = {}
    scheme = discover(v1alpha1)
    for round_ in range(ROUNDS):
        async with Store.open(str(folder / f"registry-{round_}.db")) as store:
            registry = Registry(scheme, store, lambda: datetime(2026, 1, 1, tzinfo=UTC))
            client = Client(InProcess(registry))
            made: list[Cmd] = []

            async def create(number: int, registry: Registry = registry) -> object:
                return await registry.create(Target(Cmd), {**BODY, "metadata": {"name": f"r{number}"}})

            async def typed(number: int, client: Client = client, made: list[Cmd] = made) -> object:
                spec = CmdSpec(args=("x" * 40,) * 90)
                made.append(await client.create(Cmd(metadata=ObjectMeta(name=f"t{number}"), spec=spec)))
                return None

            async def status(number: int, client: Client = client, made: list[Cmd] = made) -> object:
                changed = made[number].model_copy(update={"status": CmdStatus(ran=str(number))})
                return await client.update_status(changed)

            async def read(number: int, registry: Registry = registry) -> object:
                return registry.get(Target(Cmd, name=f"r{number}"))

            for what, work in (
                ("registry: create from JSON", create),
                ("client in process: typed create", typed),
                ("client in process: typed update of a status", status),
                ("registry: get", read),
            ):
                cost.setdefault(what, []).append(await cpu(WRITES, work))
    for what, samples in cost.items():
        say(what, samples, "µs CPU", 1)


async def fan_out(folder: Path) -> None:
    for watchers in (0, 100, 1000):
        costs: list[float] = []
        for round_ in range(ROUNDS):
            async with Store.open(str(folder / f"watch-{watchers}-{round_}.db")) as store:
                streams = [store.watch("other") for _ in range(watchers)]

                async def create(number: int, store: Store = store) -> object:
                    return await store.create(Address("", "cmds", "", f"n{number}"), BODY)

                costs.append(await cpu(WRITES, create))
                for stream in streams:
                    stream.close()
        say(f"store: create, {watchers} watchers that do not match", costs, "µs CPU", 1)


async def opening(folder: Path) -> None:
    path = str(folder / "many.db")
    async with Store.open(path, durable=False) as store:
        await together(20_000, 64, lambda number: store.create(Address("", "cmds", "", f"n{number}"), BODY))
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with Store.open(path):
            took.append((time.perf_counter() - began) * 1000)
    say("store: opening 20,000 objects", took, "ms")


async def main() -> None:
    sys.stdout.write(f"load {os.getloadavg()[0]:.2f}, median of {ROUNDS}\n")
    with tempfile.TemporaryDirectory() as folder:
        for part in (creates, registry_cost, fan_out, opening):
            await part(Path(folder))


if __name__ == "__main__":
    uvloop.run(main())
