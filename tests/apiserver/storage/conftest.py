"""One store on a file for each test; ``database`` is where it lives, on SQLite and, where it is installed, PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from upright.apiserver.storage.connections import source_of
from upright.apiserver.storage.records import StorageError
from upright.apiserver.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state.db")
    url: str = request.getfixturevalue("postgresql")
    empty(url)
    return url


def empty(url: str, *, only_cut: bool = False) -> None:
    """Cut everybody else's connections, and drop the tables."""
    with closing(source_of(url, durable=False).connect()) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        if not only_cut:
            connection.execute("DROP TABLE IF EXISTS objects, events, facts")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server: the one that UPRIGHT_TEST_POSTGRESQL names, or a private one, gone with this process."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install upright[postgresql]")
    if url := os.environ.get("UPRIGHT_TEST_POSTGRESQL"):
        yield url
        return
    tools = _tools()
    as_user = _as_postgres()
    with tempfile.TemporaryDirectory(prefix="upright-pg-", ignore_cleanup_errors=True) as folder:
        if as_user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        subprocess.run(
            [*as_user, f"{tools}/initdb", "-D", data, "-A", "trust", "-U", "postgres"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        serve = [f"{tools}/postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        dies_with_us = ["setpriv", "--pdeathsig", "INT", *as_user[1:]]
        with subprocess.Popen([*dies_with_us, *serve], stderr=subprocess.DEVNULL) as server:
            try:
                url = f"postgresql:///postgres?host={folder}&user=postgres"
                _wait_for(Path(folder, ".s.PGSQL.5432"), url, server)
                yield url
            finally:
                server.send_signal(signal.SIGINT)  # fast: do not wait for clients


def _tools() -> str:
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *filter(None, [_beside(shutil.which("initdb"))])]
    if not found or not shutil.which("setpriv"):
        pytest.skip(
            "PostgreSQL is not installed: apt-get install postgresql, or name a server by UPRIGHT_TEST_POSTGRESQL"
        )
    return str(found[0])


def _beside(program: str | None) -> Path | None:
    return Path(program).resolve().parent if program else None


def _as_postgres() -> list[str]:
    """Return what to put before a command so that it does not run as root, which PostgreSQL refuses."""
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []


def _wait_for(socket: Path, url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        if socket.exists():
            try:
                source_of(url, durable=False).connect().close()
            except StorageError:
                continue
            return
    pytest.fail(f"PostgreSQL did not start: it ended with {server.returncode}")


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    async with Store.open(database, durable=False) as opened:
        yield opened
