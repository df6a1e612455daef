"""Hears of changes of files, through Linux's inotify: folders with all below them, and files that may not be there yet."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUIET_SECONDS = 0.2
MOST_SECONDS = 10.0
"""Changes are told together: after so much quiet, or when the first of them is so old."""

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _ISDIR = 0x4000, 0x40000000
_WANTED = _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 1 << 16


class WatchFailed(OSError):
    """Watching is not possible, or something was missed; the message says what to do."""


class _Inotify:
    """One inotify instance: folders by their number, and their events as paths."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._libc, "inotify_init1"):
            raise WatchFailed("files are watched on Linux only")
        self.number = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.number < 0:
            raise _failure(ctypes.get_errno())
        self._folders: dict[int, str] = {}

    def close(self) -> None:
        os.close(self.number)

    def add(self, folder: str) -> bool:
        """Hear of the folder's entries; False if it is none (any more)."""
        number = self._libc.inotify_add_watch(self.number, os.fsencode(folder), _WANTED)
        if number < 0:
            failed = ctypes.get_errno()
            if failed in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
                return False
            raise _failure(failed)
        self._folders[number] = folder
        return True

    def read(self) -> Iterator[tuple[str, bool]]:
        """Yield the paths that changed, and whether each is a folder that has come."""
        try:
            data = os.read(self.number, _BUFFER_BYTES)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            if mask & _OVERFLOW:
                raise WatchFailed("inotify overflow: too much changed at once; raise fs.inotify.max_queued_events")
            name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
            if name and number in self._folders:
                came = bool(mask & _ISDIR and mask & (_CREATE | _MOVED_TO))
                if not mask & _ISDIR or not mask & (_ATTRIB | _MODIFY):
                    yield f"{self._folders[number]}/{name}", came


def _failure(number: int) -> WatchFailed:
    if number == errno.ENOSPC:
        return WatchFailed(number, "too many folders are watched: raise fs.inotify.max_user_watches, or ignore some")
    if number == errno.EMFILE:
        return WatchFailed(number, "too many watchers: raise fs.inotify.max_user_instances")
    return WatchFailed(number, os.strerror(number))


class _Tree:
    """The folders to hear of, so that every change of the paths is heard, also of those that are not there yet."""

    def __init__(self, notify: _Inotify, paths: tuple[str, ...], ignored: Callable[[str], bool]) -> None:
        self._notify = notify
        self._paths = [os.path.normpath(path) for path in paths]
        self._ignored = ignored
        for path in self._paths:
            self._follow(path)

    def _follow(self, path: str) -> None:
        """Watch the folder and all below, or else the nearest folder in which the path may come to be."""
        if Path(path).is_dir():
            for folder in self._below(path):
                self._notify.add(folder)
        parent = os.path.dirname(path)  # noqa: PTH120  reason: text in, text out, for each event
        while not self._notify.add(parent) and parent != "/":
            parent = os.path.dirname(parent)  # noqa: PTH120  reason: as above

    def _below(self, root: str) -> Iterator[str]:
        for folder, folders, _ in os.walk(root):
            yield folder
            folders[:] = [name for name in folders if not self._ignored(f"{folder}/{name}/")]

    def heard(self) -> Iterator[str]:
        """Yield the files that changed; what is in a folder that came has changed with it."""
        for path, came in self._notify.read():
            for wanted in self._paths:
                if wanted.startswith(f"{path}/"):
                    self._follow(wanted)
                    yield from self._files(wanted)
            if not any(path == wanted or path.startswith(f"{wanted}/") for wanted in self._paths):
                continue
            if came:
                self._follow(path)
                yield from self._files(path)
            elif not self._ignored(path):
                yield path

    def _files(self, root: str) -> Iterator[str]:
        if Path(root).is_file() and not self._ignored(root):
            yield root
        for folder in self._below(root):
            with os.scandir(folder) as entries:
                found = [entry.path for entry in entries if not entry.is_dir(follow_symlinks=False)]
            yield from (path for path in found if not self._ignored(path))


async def hear(
    paths: tuple[str, ...],
    ignored: Callable[[str], bool],
    begun: Callable[[], None],
    heard: Callable[[tuple[str, ...]], None],
) -> None:
    """Call ``heard`` with the files of each burst of changes, until cancelled; raises WatchFailed.

    ``ignored`` is asked about paths; one that ends in a slash is a folder, and no means nothing below it is left out
    as a whole. ``begun`` is called when nothing will be missed any more.
    """
    notify = _Inotify()
    try:
        tree = _Tree(notify, paths, ignored)
        begun()
        while True:
            await anyio.wait_readable(notify.number)
            seen = set(tree.heard())
            until = anyio.current_time() + MOST_SECONDS
            while anyio.current_time() < until:
                with anyio.move_on_after(QUIET_SECONDS) as quiet:
                    await anyio.wait_readable(notify.number)
                if quiet.cancelled_caught:
                    break
                seen.update(tree.heard())
            if seen:
                heard(tuple(sorted(seen)))
    finally:
        notify.close()
