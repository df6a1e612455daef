"""An embedded cluster that is resumed from its objects, on a network that is another one now."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from upright.apiserver.storage.records import Address
from upright.apiserver.storage.store import Store
from upright.embedded import forget_addresses

if TYPE_CHECKING:
    from pathlib import Path


async def test_services_lose_addresses_of_a_network_that_is_gone_and_keep_those_of_this_one(tmp_path: Path) -> None:
    async with Store.open(str(tmp_path / "cluster.db"), durable=False) as store:
        for name, address in (("old", "10.77.128.11"), ("same", "10.78.128.9"), ("headless", "None"), ("new", "")):
            spec = {"clusterIP": address, "clusterIPs": [address], "ports": [{"port": 80}]}
            await store.create(Address("", "services", "default", name), {"metadata": {"name": name}, "spec": spec})
        await forget_addresses(store, IPv4Network("10.78.128.0/17"))
        found = {one.address.name: one.body["spec"] for one in store.list("services")[0]}
    assert found["old"] == {"ports": [{"port": 80}]}
    assert {name: spec.get("clusterIP") for name, spec in found.items() if name != "old"} == {
        "same": "10.78.128.9",
        "headless": "None",
        "new": "",
    }
