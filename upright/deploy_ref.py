"""Prints the name under which a run deploys an image that the engine has."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import anyio

from upright.controllers.images import built_reference, familiar
from upright.controllers.world.engine.errors import EngineError, NoEngine
from upright.controllers.world.engine.find import find_engine

EXIT_FAILED, EXIT_UNKNOWN = 1, 3


def deploy_ref(reference: str) -> int:
    """Print it and return the exit code."""
    try:
        sys.stdout.write(anyio.run(_found, reference))
    except NoEngine as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_UNKNOWN
    except EngineError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        return EXIT_FAILED
    return 0


async def _found(reference: str) -> str:
    with tempfile.TemporaryDirectory(prefix="upright-") as folder:
        async with find_engine("host", state_dir=Path(folder), run_id="dump", say=_nothing) as engine:
            return familiar(built_reference(reference, (await engine.image(reference)).id))


def _nothing(text: str) -> None:
    del text
