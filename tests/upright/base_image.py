"""A base image made of this machine's own Python, for where none can be pulled: it stands in under a real one's name.

It has the interpreter, busybox for a shell, and the packages of requirements-run.lock as they are installed here, so that
building on it needs no network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

BASE = "python:3.13-slim-bookworm"
DOCKERFILE = f"""
FROM scratch
COPY . /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV PATH=/usr/local/bin:/bin:{Path(sys.executable).resolve().parent} LANG=C.UTF-8
"""
_LEFT_OUT = (
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "EXTERNALLY-MANAGED",
)
_INSTALLER = "pip"


def make(folder: Path, lock: Path) -> Path:
    """Make the folder that is the image's root."""
    for name in ("bin", "tmp", "etc", "usr/local/bin"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    python = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib"))
    put(folder, python)
    shutil.copytree(stdlib, _inside(folder, stdlib), ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for package in (*_locked(lock), _INSTALLER):
        _install(folder, package, stdlib)
    for program in (python, *_inside(folder, stdlib).rglob("*.so*")):
        for library in libraries(program):
            put(folder, library)
    for name in ("python", "python3"):
        (folder / "usr/local/bin" / name).symlink_to(python)
    return folder


def _inside(folder: Path, path: Path) -> Path:
    return folder / path.relative_to("/")


def put(folder: Path, path: Path) -> None:
    """Copy a file of this machine to where it is, but inside the folder."""
    target = _inside(folder, path)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _locked(lock: Path) -> list[str]:
    """Return the names in a lock file that are for this platform: those that are installed."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)
    installed = {re.sub(r"[-_.]+", "-", found.name).lower() for found in metadata.distributions()}
    return [name for name in names if re.sub(r"[-_.]+", "-", name).lower() in installed]


def _install(folder: Path, package: str, stdlib: Path) -> None:
    """Copy a package from here to where the image's Python looks."""
    name = (
        "dist-packages"
        if "dist-packages" in " ".join(sys.path) and stdlib.is_relative_to("/usr/lib")
        else "site-packages"
    )
    home = Path("/usr/lib/python3/dist-packages") if name == "dist-packages" else stdlib / name
    beside = [*sys.path, sysconfig.get_path("purelib", vars={"base": sys.base_prefix})]
    found = next(iter(metadata.distributions(name=package, path=beside)))
    for file in found.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            target = _inside(folder, home) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(found.locate_file(file)), target)


def libraries(program: Path) -> list[Path]:
    """Return the shared libraries that a program is linked with."""
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in re.findall(r"(?:=> )?(/\S+) \(0x", told)]
