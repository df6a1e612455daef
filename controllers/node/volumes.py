"""A pod's volumes: which files they hold, as an archive, and where containers mount them."""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.node.environment import Missing, config_map_data, secret_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from upright.controllers.node.environment import Lookup
    from upright.openapi.core_v1.pod_spec import PodSpec
    from upright.openapi.core_v1.volume import KeyToPath, Volume

FILE_MODE = 0o644
SHARED_MODE = 0o777
READ_ONLY_MODE = 0o755
GROUP_READS = 0o440
SET_GROUP_ID = 0o2000


class File(Struct, frozen=True):
    """A file of a volume."""

    content: bytes
    mode: int = FILE_MODE


class Content(Struct, frozen=True):
    """What a volume holds at first; ``shared``: containers may write to it; ``memory``: it is not kept on disk."""

    files: Mapping[str, File] = field(default_factory=dict)
    shared: bool = False
    memory: bool = False


def contents(spec: PodSpec, lookup: Lookup) -> dict[str, Content]:
    """Return what each of the pod's volumes holds; raises Missing in the words of a kubelet's FailedMount."""
    return {volume.name: _content(volume, lookup) for volume in spec.volumes}


def failed_mount(volume: str, why: str) -> str:
    """Return Kubernetes' words for a volume that cannot be made."""
    return f'MountVolume.SetUp failed for volume "{volume}" : {why}'


def _content(volume: Volume, lookup: Lookup) -> Content:
    try:
        if volume.config_map is not None:
            return Content(_config_map_files(volume, lookup))
        if volume.secret is not None:
            return Content(_secret_files(volume, lookup))
    except Missing as error:
        raise Missing(failed_mount(volume.name, str(error))) from error
    memory = volume.empty_dir is not None and volume.empty_dir.medium == "Memory"
    return Content(shared=True, memory=memory)


def _config_map_files(volume: Volume, lookup: Lookup) -> dict[str, File]:
    source = volume.config_map
    if source is None:
        return {}
    found = lookup.config_map(source.name)
    if found is None:
        if source.optional:
            return {}
        raise Missing(f'configmap "{source.name}" not found')
    mode = source.default_mode or FILE_MODE
    return dict(_files(config_map_data(found), source.items, mode, "configmap", optional=bool(source.optional)))


def _secret_files(volume: Volume, lookup: Lookup) -> dict[str, File]:
    source = volume.secret
    if source is None:
        return {}
    found = lookup.secret(source.secret_name)
    if found is None:
        if source.optional:
            return {}
        raise Missing(f'secret "{source.secret_name}" not found')
    mode = source.default_mode or FILE_MODE
    return dict(_files(secret_data(found), source.items, mode, "secret", optional=bool(source.optional)))


def _files(
    data: Mapping[str, bytes], items: Iterable[KeyToPath], mode: int, word: str, *, optional: bool
) -> Iterator[tuple[str, File]]:
    items = tuple(items)
    if not items:
        yield from ((key, File(value, mode)) for key, value in data.items())
    for item in items:
        if item.key in data:
            yield item.path, File(data[item.key], item.mode or mode)
        elif not optional:
            config = "config " if word == "configmap" else ""
            raise Missing(f"{word} references non-existent {config or 'secret '}key: {item.key}")


def archive(
    volumes: Mapping[str, Content], sub_paths: Iterable[tuple[str, str]], group: int | None, *, root: str = ""
) -> bytes:
    """Return a tar with a folder below ``root`` for each volume; ``sub_paths`` are (volume, folder) that mounts ask for.

    ``group`` (fsGroup) owns everything, and may read it.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for volume, content in sorted(volumes.items()):
            name = posixpath.join(root, volume)
            mode = SHARED_MODE if content.shared else READ_ONLY_MODE
            _folder(tar, name, mode | (SET_GROUP_ID if group and content.shared else 0), group)
            done: set[str] = set()
            for path, file in sorted(content.files.items()):
                _parents(tar, name, path, done, group)
                _file(tar, posixpath.join(name, path), file, group)
            for wanted, path in sorted(set(sub_paths)):
                if wanted == volume and content.shared:
                    _parents(tar, name, posixpath.join(path, "x"), done, group, mode=SHARED_MODE)
    return buffer.getvalue()


def _parents(
    tar: tarfile.TarFile, volume: str, path: str, done: set[str], group: int | None, *, mode: int = READ_ONLY_MODE
) -> None:
    here = ""
    for part in posixpath.dirname(path).split("/"):
        here = posixpath.join(here, part)
        if part and here not in done:
            done.add(here)
            _folder(tar, posixpath.join(volume, here), mode, group)


def _folder(tar: tarfile.TarFile, name: str, mode: int, group: int | None) -> None:
    info = tarfile.TarInfo(f"{name or '.'}/")
    info.type = tarfile.DIRTYPE
    info.mode, info.gid = mode, group or 0
    tar.addfile(info)


def _file(tar: tarfile.TarFile, name: str, file: File, group: int | None) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(file.content)
    info.mode, info.gid = file.mode | (GROUP_READS if group else 0), group or 0
    tar.addfile(info, io.BytesIO(file.content))
