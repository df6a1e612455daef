"""The files that a kustomization is made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.controllers.tiltfile.yaml_documents import InvalidYAML, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_PATHS = (
    "bases",
    "components",
    "configurations",
    "crds",
    "generators",
    "patchesStrategicMerge",
    "resources",
    "transformers",
    "validators",
)
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")


def sources(folder: Path) -> list[str]:
    """Return the absolute paths of all local files that the kustomization in the folder is made of."""
    found: dict[str, None] = {}
    _collect(folder, found, set())
    return list(found)


def _collect(folder: Path, found: dict[str, None], seen: set[str]) -> None:
    if str(folder) in seen:
        return
    seen.add(str(folder))
    file = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if file is None:
        return
    found[str(file)] = None
    try:
        read = list(documents(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, InvalidYAML):
        return
    for document in read:
        for one in _named(document.value) if isinstance(document.value, dict) else ():
            path = Path(os.path.normpath(folder / one))
            if path.is_dir():
                _collect(path, found, seen)
            elif path.exists():
                found[str(path)] = None


def _named(body: dict[str, Any]) -> Iterator[str]:
    """Yield what the kustomization names: paths, and what may be patches or addresses written in place."""
    for key in _PATHS:
        yield from (one for one in body.get(key) or () if isinstance(one, str) and "\n" not in one)
    for key in _WITH_PATH:
        yield from (str(one["path"]) for one in body.get(key) or () if isinstance(one, dict) and one.get("path"))
    for key in _GENERATORS:
        for one in body.get(key) or ():
            for text in [*(one.get("files") or ()), *(one.get("envs") or ()), one.get("env") or ""]:
                if text:
                    yield str(text).rpartition("=")[2]
    charts = (one for one in body.get("helmCharts") or () if isinstance(one, dict))
    yield from (str(chart["valuesFile"]) for chart in charts if chart.get("valuesFile"))
