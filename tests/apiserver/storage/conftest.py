"""One store on a file for each test; ``database`` is where it lives, on SQLite and, where there is a server, PostgreSQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state.db")
    url = os.environ.get("UPRIGHT_TEST_POSTGRESQL", "")
    if not url:
        pytest.skip("no PostgreSQL server: UPRIGHT_TEST_POSTGRESQL=postgresql://… names one")
    pytest.importorskip("psycopg", reason="the postgresql extra is not installed")
    _empty(url)
    return url


def _empty(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS objects, events, facts"))
    engine.dispose()


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    async with Store.open(database, durable=False) as opened:
        yield opened
