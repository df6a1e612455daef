from __future__ import annotations

import io
import tarfile

import pytest

from tests.controllers.node.pods import pod
from tests.controllers.node.test_environment import KNOWN
from upright.controllers.node.environment import Missing
from upright.controllers.node.volumes import Content, File, archive, contents


def of(**source: object) -> Content:
    return contents(pod(volumes=[{"name": "v", **source}]).spec, KNOWN)["v"]


def listed(data: bytes) -> dict[str, tuple[int, int, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            member.name: (member.mode, member.gid, file.read() if (file := tar.extractfile(member)) else b"")
            for member in tar
        }


def test_a_config_map_is_a_file_a_key() -> None:
    assert of(configMap={"name": "cfg"}) == Content({"color": File(b"red")})


def test_items_choose_keys_paths_and_modes() -> None:
    items = [{"key": "token", "path": "deep/t", "mode": 0o400}]
    assert of(secret={"secretName": "key", "items": items, "defaultMode": 0o600}).files == {
        "deep/t": File(b"s3cr3t", 0o400)
    }


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        (
            {"configMap": {"name": "cfg", "items": [{"key": "a", "path": "a"}]}},
            "configmap references non-existent config key: a",
        ),
        (
            {"secret": {"secretName": "key", "items": [{"key": "a", "path": "a"}]}},
            "secret references non-existent secret key: a",
        ),
    ],
)
def test_what_a_volume_lacks_is_said_in_kubernetes_words(source: dict[str, object], why: str) -> None:
    with pytest.raises(Missing) as caught:
        of(**source)
    assert str(caught.value) == f'MountVolume.SetUp failed for volume "v" : {why}'


def test_an_optional_volume_may_be_empty() -> None:
    assert of(configMap={"name": "no", "optional": True}) == Content()


def test_an_empty_dir_is_everybodys() -> None:
    assert listed(archive({"v": of(emptyDir={})}, [], None)) == {"v": (0o777, 0, b"")}


def test_folders_of_files_and_of_sub_paths_are_made() -> None:
    got = listed(archive({"c": Content({"a/b": File(b"x")}), "e": Content(shared=True)}, [("e", "p/q")], None))
    assert got == {
        "c": (0o755, 0, b""),
        "c/a": (0o755, 0, b""),
        "c/a/b": (0o644, 0, b"x"),
        "e": (0o777, 0, b""),
        "e/p": (0o777, 0, b""),
        "e/p/q": (0o777, 0, b""),
    }


def test_the_fs_group_owns_and_reads_all() -> None:
    got = listed(archive({"c": Content({"a": File(b"x", 0o400)}), "e": Content(shared=True)}, [], 1000))
    assert got == {"c": (0o755, 1000, b""), "c/a": (0o440, 1000, b"x"), "e": (0o2777, 1000, b"")}
