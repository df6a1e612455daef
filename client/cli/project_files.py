"""What a folder has that a Tiltfile can bring up: Dockerfiles, Kubernetes YAML, kustomizations, charts, Compose files."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 20_000
_IGNORED = frozenset({"node_modules", "vendor", "venv", "dist", "build", "target", "__pycache__", "testdata"})
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_KUSTOMIZATION = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART = "Chart.yaml"
_VALUES = "values.yaml"
_DOCKERFILE = re.compile(r"(?:(?:Dockerfile|Containerfile)(?:\.(?P<after>[\w-]+))?|(?P<before>[\w-]+)\.[Dd]ockerfile)")
_OBJECT = re.compile(rb"^apiVersion:", re.MULTILINE)
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
_COPY = re.compile(r"^\s*(?:COPY|ADD)\s+(.*)$", re.IGNORECASE | re.MULTILINE)


class Dockerfile(NamedTuple):
    """A Dockerfile: its path, what it seems to build (``web``), its context, and the images that it builds on."""

    path: str
    name: str
    context: str
    bases: tuple[str, ...] = ()


class Found(NamedTuple):
    """All that was found, as paths below the folder, sorted; ``images`` are those that the YAML and charts name."""

    dockerfiles: tuple[Dockerfile, ...] = ()
    manifests: tuple[str, ...] = ()
    kustomizations: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    compose: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(self)


def look(folder: Path) -> Found:
    """Look through the folder, hidden folders and those of dependencies aside. Reads files, and changes none."""
    files = sorted(_files(folder))
    names = {Path(path).name: path for path in files}
    charts = _folders(files, (_CHART,))
    kustomized = _folders(files, _KUSTOMIZATION)
    compose = tuple(path for path in files if Path(path).name in _COMPOSE)
    loose = [path for path in files if path.endswith((".yaml", ".yml")) and not _inside(path, (*charts, *kustomized))]
    manifests = tuple(path for path in loose if path not in compose and _is_object(folder / path))
    told = [path for path in files if path.endswith((".yaml", ".yml")) and path not in compose] if names else []
    images = sorted({image for path in told for image in _images(folder / path)})
    dockerfiles = tuple(
        _dockerfile(folder, path, match) for path in files if (match := _DOCKERFILE.fullmatch(Path(path).name))
    )
    roots = tuple(chart for chart in charts if not _inside(chart, [other for other in charts if other != chart]))
    return Found(dockerfiles, manifests, _topmost(folder, kustomized), roots, compose, tuple(images))


def _files(folder: Path) -> Iterator[str]:
    left = MOST_FILES
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _IGNORED and not name.startswith("."))
        for name in files:
            if left == 0:
                return
            left -= 1
            yield (Path(place) / name).relative_to(folder).as_posix()


def _folders(files: list[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(Path(path).parent.as_posix() for path in files if Path(path).name in names)


def _inside(path: str, folders: tuple[str, ...] | list[str]) -> bool:
    return any(folder == "." or path.startswith(f"{folder}/") for folder in folders)


def _is_object(path: Path) -> bool:
    try:
        return bool(_OBJECT.search(path.read_bytes()))
    except OSError:
        return False


def _topmost(folder: Path, kustomized: tuple[str, ...]) -> tuple[str, ...]:
    """Return those that no other one builds on."""
    used: set[Path] = set()
    for one in kustomized:
        for name in _KUSTOMIZATION:
            if (folder / one / name).is_file():
                used |= {(folder / one / str(entry)).resolve() for entry in _resources(folder / one / name)}
    return tuple(one for one in kustomized if (folder / one).resolve() not in used)


def _resources(path: Path) -> list[object]:
    for document in _documents(path):
        if isinstance(document, dict):
            return [*(document.get("resources") or ()), *(document.get("bases") or ())]
    return []


def _documents(path: Path) -> list[object]:
    """Return the YAML documents of a file; none of one that is no YAML, such as a chart's template."""
    import yaml  # noqa: PLC0415  reason: takes 30 ms, and only this command needs it here

    try:
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError):
        return []


def _images(path: Path) -> Iterator[str]:
    """Yield the images that a file names, without tags: ``image: shop/web:1``, or a chart's ``repository: shop/web``."""
    words = ("image", "repository") if path.name == _VALUES else ("image",)
    for document in _documents(path):
        yield from (_without_tag(image) for image in _named(document, words))


def _named(value: object, words: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in words and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from _named(inner, words)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, words)


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _dockerfile(folder: Path, path: str, match: re.Match[str]) -> Dockerfile:
    place = Path(path).parent
    named = match["after"] or match["before"] or (place.name or folder.resolve().name)
    try:
        text = (folder / path).read_text(encoding="utf-8").replace("\\\n", " ")
    except (OSError, ValueError):
        text = ""
    stages = {stage.lower() for _, stage in _FROM.findall(text) if stage}
    bases = tuple(_without_tag(base) for base, _ in _FROM.findall(text) if base.lower() not in stages)
    return Dockerfile(path, named.lower(), _context(folder, place.as_posix(), text), bases)


def _context(folder: Path, place: str, text: str) -> str:
    """Return the folder that the Dockerfile is built in: its own, unless more of what it copies is found from the top."""
    copied = [source for line in _COPY.findall(text) for source in _sources(line)]
    here, above = (sum(_is_there(base, source) for source in copied) for base in (folder / place, folder))
    return "." if above > here else place


def _sources(line: str) -> list[str]:
    """Return what a COPY copies from the context; nothing for one from another stage."""
    try:
        words = shlex.split(line.strip().strip("[]").replace('",', '" '))
    except ValueError:
        return []
    if any(word.startswith("--from") for word in words):
        return []
    return [word for word in words if not word.startswith("--")][:-1]


def _is_there(folder: Path, source: str) -> bool:
    if "$" in source or "://" in source:
        return True
    relative = source.lstrip("/") or "."
    return any(folder.glob(relative)) if any(mark in relative for mark in "*?[") else (folder / relative).exists()
