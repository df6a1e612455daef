"""A registry of all kinds over a store on a file, and a client to it in this process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.openapi import apps_v1, core_v1, v1alpha1
from upright.openapi.scheme import Scheme, discover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def scheme() -> Scheme:
    return discover(v1alpha1, core_v1, apps_v1)


@pytest.fixture
async def registry(tmp_path: Path, scheme: Scheme) -> AsyncIterator[Registry]:
    async with Store.open(str(tmp_path / "state.db"), durable=False) as store:
        yield Registry(scheme, store, lambda: NOW)


@pytest.fixture
def client(registry: Registry) -> Client:
    return Client(InProcess(registry))
