"""The image of the container that holds a pod's network: a program of a few bytes that sleeps, and nothing else."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from upright.controllers.world.engine.errors import EngineError, ImageNotFound
from upright.controllers.world.engine.protocol import BuildRequest

if TYPE_CHECKING:
    from upright.controllers.world.engine.protocol import Engine

PROGRAM = "/pause"
_ADDRESS = 0x400000
_HEADERS_BYTES = 64 + 56
_CODE = {
    # again: mov eax, 34 (pause); syscall; jmp again
    "amd64": (0x3E, bytes.fromhex("b8220000000f05ebf7")),
    # again: mov x0..x3, 0; mov x8, 73 (ppoll); svc 0; b again
    "arm64": (
        0xB7,
        struct.pack("<7I", 0xD2800000, 0xD2800001, 0xD2800002, 0xD2800003, 0xD2800928, 0xD4000001, 0x17FFFFFA),
    ),
}


def program(arch: str) -> bytes:
    """Return a static Linux program that waits for ever; ``arch`` is amd64 or arm64. Raises EngineError for others."""
    if arch not in _CODE:
        raise EngineError(
            f"pods with several containers or volumes are not implemented on {arch}, only on amd64 and arm64"
        )
    machine, code = _CODE[arch]
    size = _HEADERS_BYTES + len(code)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _ADDRESS + _HEADERS_BYTES, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    return ident + header + segment + code


class PauseImage:
    """Makes the image once, when the first pod needs it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = anyio.Lock()
        self._reference = ""

    async def reference(self) -> str:
        """Return the image's name in the engine; raises EngineError."""
        async with self._lock:
            if not self._reference:
                self._reference = await self._make()
        return self._reference

    async def _make(self) -> str:
        arch = self._engine.info.arch
        content = program(arch)
        reference = f"upright/pause:{hashlib.sha256(content).hexdigest()[:12]}"
        try:
            await self._engine.image(reference)
        except ImageNotFound:
            async with anyio.TemporaryDirectory(prefix="upright-pause-") as folder:
                path = anyio.Path(folder, "pause")
                await path.write_bytes(content)
                await path.chmod(0o755)
                dockerfile = f'FROM scratch\nCOPY pause {PROGRAM}\nENTRYPOINT ["{PROGRAM}"]\n'
                request = BuildRequest(dockerfile=dockerfile, context=Path(folder), tags=(reference,))
                await self._engine.build(request, lambda _: None)
        return reference
