"""schemathesis, which nobody here wrote, against a real server of all kinds, by its own OpenAPI: no 5xx, no hang, no lie.

The seed is fixed. UPRIGHT_SCHEMATHESIS_SECONDS is how long it takes for each document (12).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from upright.apiserver.clock import utc_now
from upright.apiserver.registry import Registry
from upright.apiserver.server import Server, Settings
from upright.apiserver.sockets import listen_on_loopback
from upright.apiserver.storage.store import Store
from upright.apiserver.tokens import TokenBook
from upright.openapi import apps_v1, batch_v1, coordination_v1, core_v1, discovery_v1, v1alpha1
from upright.openapi.documents.openapi_v3 import documents
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECONDS = int(os.environ.get("UPRIGHT_SCHEMATHESIS_SECONDS", "12"))
SCHEME = discover(v1alpha1, core_v1, apps_v1, batch_v1, coordination_v1, discovery_v1)
CHECKS = "is_no_fault_of_ours,response_schema_conformance,content_type_conformance"
CONFIG = """
[parameters]
"query.watch" = "false"
"query.follow" = "false"
"path.namespace" = "default"
"""
"""What never ends is not asked for here (tests/apiserver/app/test_fuzz.py does), and most is where there is something."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with Store.open(str(tmp_path / "state.db"), durable=False) as store, anyio.create_task_group() as group:
        sockets = listen_on_loopback("localhost", 0)
        settings = Settings(tmp_path, secure_port=None)
        made = Server(Registry(SCHEME, store, utc_now), sockets, settings, now=utc_now, book=TokenBook(store, utc_now))
        await group.start(made.serve)
        yield made
        group.cancel_scope.cancel()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("place", sorted(documents(SCHEME)))
async def test_what_the_documents_say_is_so_and_nothing_is_our_own_fault(
    server: Server, place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
        "run", f"{server.url}/openapi/v3/{place}", f"--url={server.url}", "--seed=1", f"--max-time={SECONDS}",
        f"--header=Authorization: Bearer {server.tokens.admin}", f"--checks={CHECKS}", "--request-timeout=10",
        "--generation-database=none", "--no-shrink", "--warnings=off", "--suppress-health-check=all",
    ]  # fmt: skip
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "checks",
        "PYTHONPATH": str(Path(__file__).parent),
        "NO_COLOR": "1",
    }
    done = await anyio.run_process(command, env=environment, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode()[-20_000:]
    assert caplog.text == ""
