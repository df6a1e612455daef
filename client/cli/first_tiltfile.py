"""A first Tiltfile for what was found in a folder: the images that the YAML names, built by the Dockerfiles that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upright.client.cli.project_files import Dockerfile, Found

_HEAD = """\
# A first Tiltfile, made of what was found here.
#   upright tiltfile check    says what it would build and deploy, and where
#   upright ci                brings everything up, and says whether it is healthy
"""
_PREFERRED = ("dev", "local", "development", "test", "ci")
_WIDTH = 100


def tiltfile(found: Found) -> str:
    """Return the Tiltfile's text."""
    parts = [_HEAD, _images(found), _objects(found), _compose(found)]
    return "\n".join(part for part in parts if part)


def matches(found: Found) -> dict[str, str]:
    """Return the image that each Dockerfile builds, by the Dockerfile's path; those that no image is named like are left out."""
    named = list(dict.fromkeys([*found.images, *(base for one in found.dockerfiles for base in one.bases)]))
    matched: dict[str, str] = {}
    for exact in (True, False):
        for one in found.dockerfiles:
            free = [image for image in named if image not in matched.values()]
            if one.path not in matched and (image := _alike(one.name, free, exact=exact)):
                matched[one.path] = image
    left = [image for image in named if image not in matched.values() and "/" in image]
    rest = [one for one in found.dockerfiles if one.path not in matched]
    if len(left) == len(rest) == 1:
        matched[rest[0].path] = left[0]
    return matched


def _alike(name: str, images: Sequence[str], *, exact: bool) -> str:
    """Return the image whose last part is the name, or ends or begins with it (``shop-web`` for ``web``)."""
    for image in images:
        last = image.rpartition("/")[2].lower()
        if last == name or (not exact and (last.endswith((f"-{name}", f"_{name}")) or last.startswith(f"{name}-"))):
            return image
    return ""


def _images(found: Found) -> str:
    if found.compose and not (found.manifests or found.kustomizations or found.charts):
        return ""  # Compose says itself what it builds
    matched = matches(found)
    lines = [_build(one, matched[one.path]) for one in found.dockerfiles if one.path in matched]
    for one in found.dockerfiles:
        if one.path not in matched:
            lines.append(f"# {one.path}: nothing that is deployed has an image of such a name. If it should:")
            lines.append(f"# {_build(one, f'IMAGE-{one.name}')}")
    return _block(lines)


def _build(one: Dockerfile, image: str) -> str:
    usual = one.path.rpartition("/")[2] == "Dockerfile" and one.path.rpartition("/")[0] == one.context.removeprefix(".")
    where = "" if usual else f", dockerfile={one.path!r}"
    return f"docker_build({image!r}, {one.context!r}{where})"


def _objects(found: Found) -> str:
    lines: list[str] = []
    if found.manifests:
        flat = f"k8s_yaml([{', '.join(map(repr, found.manifests))}])"
        tall = "".join(f"    {path!r},\n" for path in found.manifests)
        lines.append(flat if len(flat) <= _WIDTH else f"k8s_yaml([\n{tall}])")
    if found.kustomizations:
        lines += _chosen("kustomize", found.kustomizations)
    lines += [f"k8s_yaml(helm({chart!r}))" for chart in found.charts]
    return _block(lines)


def _chosen(builtin: str, folders: Sequence[str]) -> list[str]:
    """Return the one to deploy, and the others as comments: they are the same, for other places."""
    first = next((one for word in _PREFERRED for one in folders if one.rpartition("/")[2] == word), folders[0])
    others = [f"# k8s_yaml({builtin}({one!r}))" for one in folders if one != first]
    return [f"k8s_yaml({builtin}({first!r}))", *others]


def _compose(found: Found) -> str:
    first, *others = found.compose or ("",)
    lines = [f"docker_compose({first!r})"] if first else []
    return _block([*lines, *(f"# docker_compose({one!r})" for one in others)])


def _block(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
