"""Has a server found by Tilt's own clients: a context in the kubeconfig in which they look, while it runs.

Other servers' entries, and whatever else is in the file, stay as they are. Ours carry an extension that names the process,
so that those of a run which was killed can be told, and are cleared away by the next.
"""

from __future__ import annotations

import base64
import fcntl
import os
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from upright.client.kubeconfig import Access

Config = dict[str, Any]  # Any: a decoded YAML document

PATIENCE_SECONDS = 5.0
"""How long to wait for Tilt, or another run, to let the file go."""
_TICK_SECONDS = 0.05
_EXTENSION = "upright.dev/server"
_LISTS = ("clusters", "contexts", "users")


class NotAKubeconfig(ValueError):
    """The file is there, and is something else: it is left alone."""


def add(path: Path, name: str, access: Access, about: Config, alive: Callable[[Config], bool]) -> None:
    """Put a context of this name into the file, in place of one that is there; entries whose server is dead are removed.

    ``about`` says which process the server is, ``alive`` whether the process of such a note is still there.
    Raises OSError, NotAKubeconfig.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path):
        config = _without(_read(path), lambda entry: entry.get("name") == name or _is_dead(entry, alive))
        authority = base64.b64encode(access.authority.encode()).decode()
        config["clusters"].append(
            {
                "name": name,
                "cluster": {"server": access.server, "certificate-authority-data": authority, **_noted(about)},
            }
        )
        config["users"].append({"name": name, "user": {"token": access.token, **_noted(about)}})
        config["contexts"].append({"name": name, "context": {"cluster": name, "user": name, **_noted(about)}})
        _write(path, config)


def remove(path: Path, name: str, about: Config) -> None:
    """Take the context of this name out of the file, if it is the one that was added with ``about``."""
    if not path.exists():
        return
    with _locked(path):
        config = _read(path)
        mine = [list_ for list_ in _LISTS for entry in config[list_] if entry.get("name") == name]
        if mine:
            _write(path, _without(config, lambda entry: entry.get("name") == name and _note(entry) == about))


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the lock that Tilt holds while it reads or writes the file."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, path)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    """Take the lock; raises TimeoutError where somebody keeps it for long."""
    tick = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / _TICK_SECONDS)):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        tick.wait(_TICK_SECONDS)
    raise TimeoutError(f"{path}.lock is held by another process")


def _read(path: Path) -> Config:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        found = None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotAKubeconfig(f"{path} is not YAML: {error}") from error
    config: Any = (  # Any: a YAML document
        {"apiVersion": "v1", "kind": "Config", "current-context": "", "preferences": {}} if found is None else found
    )
    if not isinstance(config, dict):
        raise NotAKubeconfig(f"{path} is not a kubeconfig")
    for name in _LISTS:
        entries = config.get(name) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise NotAKubeconfig(f"{path} is not a kubeconfig: {name} is no list of entries")
        config[name] = entries
    return config


def _without(config: Config, unwanted: Callable[[Config], bool]) -> Config:
    return config | {name: [entry for entry in config[name] if not unwanted(entry)] for name in _LISTS}


def _noted(about: Config) -> Config:
    """Return the extension that says whose an entry is; a new one each time, or YAML would write references."""
    return {"extensions": [{"name": _EXTENSION, "extension": dict(about)}]}


def _note(entry: Config) -> Config | None:
    """Return what we noted in an entry; None for one that is not ours."""
    for word in ("cluster", "context", "user"):
        for one in (entry.get(word) or {}).get("extensions") or ():
            if one.get("name") == _EXTENSION:
                found: Config = one.get("extension") or {}
                return found
    return None


def _is_dead(entry: Config, alive: Callable[[Config], bool]) -> bool:
    note = _note(entry)
    return note is not None and not alive(note)


def _write(path: Path, config: Config) -> None:
    """Put the file in place whole, for its owner's eyes only; a link is written through."""
    target = path.resolve()
    handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.dump(config, file, Dumper=yaml.CSafeDumper, sort_keys=False)
        Path(made).replace(target)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
