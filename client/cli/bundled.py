"""The documents of the API that came with this program, for questions that need no server."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from upright.client.cli.troubles import NotThere

if TYPE_CHECKING:
    from upright.client.cli.connection import Json

_PACKAGE = "upright.openapi"
_V3 = "/openapi/v3/"


class Bundled:
    """Answers as a server does, of discovery and OpenAPI v3 only."""

    def get(self, path: str, *, free: bool = False, accept: str = "") -> Json:
        """Return the document of a path. Raises NotThere."""
        del free, accept
        folder = Path(next(iter(import_module(_PACKAGE).__path__))) / "spec" / "upright"
        name = f"v3/{path.removeprefix(_V3).replace('/', '__')}" if path.startswith(_V3) else "discovery"
        try:
            found: Json = json.loads((folder / f"{name}.json").read_bytes())
        except FileNotFoundError as error:
            raise NotThere(f"there is no document for {path}") from error
        return found
