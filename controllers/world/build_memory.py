"""What was built of what, kept from run to run: a small file for each image. A cache: lost, it costs a build."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from upright.controllers.world.build_inputs import Inputs  # noqa: TC001  reason: msgspec reads the annotation when it decodes

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 8
"""How many builds of an image are remembered, newest first."""
MOST_IMAGES = 500


class Known(Struct, frozen=True):
    """A build: its inputs' key, the image's id, and the digests under which registries have it, by name.

    The inputs themselves are kept of the newest build only.
    """

    key: str
    image: str
    pushed: dict[str, str] = field(default_factory=dict[str, str])
    inputs: Inputs | None = None


class BuildMemory:
    """Remembers builds in a folder; ``about`` names the image and the place it is built of. Blocks. Never fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, about: str) -> Sequence[Known]:
        """Return the builds of an image that are known, newest first."""
        try:
            return msgspec.json.decode(self._file(about).read_bytes(), type=list[Known])
        except (OSError, msgspec.DecodeError):
            return ()

    def keep(self, about: str, known: Known) -> None:
        """Remember a build as the newest."""
        earlier = [msgspec.structs.replace(one, inputs=None) for one in self.recall(about) if one.key != known.key]
        with suppress(OSError):  # no home, no room: nothing is remembered
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(self._file(about), msgspec.json.encode([known, *earlier[: KEPT - 1]]))
            self._prune()

    def _write(self, target: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".")
        with open(handle, "wb") as file:  # noqa: PTH123  reason: a descriptor, not a path
            file.write(content)
        Path(name).replace(target)

    def _prune(self) -> None:
        """Forget the images that were not built for longest."""
        files = [entry for entry in os.scandir(self._folder) if entry.is_file()]
        if len(files) <= MOST_IMAGES:
            return
        for entry in sorted(files, key=lambda one: one.stat().st_mtime_ns)[: len(files) - MOST_IMAGES]:
            Path(entry).unlink(missing_ok=True)

    def _file(self, about: str) -> Path:
        return self._folder / f"{about}.json"
