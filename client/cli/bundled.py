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
        name = f"v3/{path.removeprefix(_V3).replace('/', '__')}" if path.startswith(_V3) else "discovery"
        try:
            return _document(name)
        except FileNotFoundError as error:
            raise NotThere(f"there is no document for {path}") from error

    def openapi(self) -> Json:
        """Return OpenAPI v2 of the whole API."""
        return _document("v2")


def _document(name: str) -> Json:
    folder = Path(next(iter(import_module(_PACKAGE).__path__))) / "spec" / "upright"
    found: Json = json.loads((folder / f"{name}.json").read_bytes())
    return found
