"""The server's certificate: a CA of its own for every folder, and a certificate for the loopback names signed by it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from upright.apiserver.auth import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

_MAKER = "upright.apiserver.cert_making"
VALID = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)


class Certificate(Struct, frozen=True):
    """Where the files are: the CA that clients trust, the server's chain, its key (0600), and what it is good for."""

    authority: Path
    chain: Path
    key: Path
    about: Path


def certificate(folder: Path, now: datetime, hosts: Iterable[str] = ()) -> Certificate:
    """Return the folder's certificate for the loopback names and ``hosts``, made anew if there is none that serves.

    Several processes may ask at once. The CA's key is forgotten at once: it signs this one certificate and no other.
    """
    names = sorted(LOOPBACK | set(hosts))
    found = files_in(folder)
    if serves(found, now, names):
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(folder):
        if not serves(found, now, names):
            found.about.unlink(missing_ok=True)
            _make(found, now, names)
            about = {"names": names, "until": (now + VALID).isoformat(), "digest": _digest(found)}
            put(found.about, json.dumps(about).encode(), 0o600)
    return found


def files_in(folder: Path) -> Certificate:
    """Return where a folder's certificate is."""
    return Certificate(folder / "ca.crt", folder / "tls.crt", folder / "tls.key", folder / "tls.json")


def serves(found: Certificate, now: datetime, names: list[str]) -> bool:
    """Return whether the files are there, whole, for these names, and good for a while yet."""
    try:
        about = json.loads(found.about.read_bytes())
        good = about["names"] == names and about["digest"] == _digest(found)
        return good and datetime.fromisoformat(about["until"]) - now > RENEW_BEFORE
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digest(found: Certificate) -> str:
    """Return what tells whether the three files are those that were made together."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in (found.authority, found.chain, found.key))).hexdigest()


def _make(found: Certificate, now: datetime, names: list[str]) -> None:
    """Have a process of its own make the files: it takes 100 ms and 10 MB, which ours need not give."""
    arguments = [sys.executable, "-m", _MAKER, str(found.authority.parent), now.isoformat(), *names]
    with suppress(OSError):
        process = os.posix_spawn(sys.executable, arguments, os.environ)
        if os.waitpid(process, 0)[1] == 0:
            return
    import_module(_MAKER).make(found, now, names)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Hold the folder's lock."""
    with (folder / ".lock").open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def put(path: Path, data: bytes, mode: int) -> None:
    """Put a file in place whole, never readable by more than ``mode`` allows."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(made).chmod(mode)
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
