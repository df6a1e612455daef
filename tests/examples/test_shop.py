"""examples/shop: its Tiltfile is understood, and what it deploys is taken without a word of warning."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.controllers.tiltfile.worlds import World
from upright.apiserver.options import Target, WriteOptions
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.controllers.tiltfile.evaluate import evaluate
from upright.openapi import apps_v1, batch_v1, core_v1
from upright.openapi.scheme import discover

if TYPE_CHECKING:
    from upright.openapi.meta import Json

SHOP = Path(__file__).parents[2] / "examples" / "shop"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def documents() -> list[Json]:
    return [body for file in sorted((SHOP / "k8s").glob("*.yaml")) for body in yaml.safe_load_all(file.read_text())]


def test_its_resources_come_up_in_order() -> None:
    world = World(SHOP)
    found = evaluate(
        str(SHOP / "Tiltfile"),
        world.facts,
        log=lambda text, level: world.logged.append((level, text)),
        run_local=world.run_local,
    )
    assert found.error is None
    assert found.warnings == ()
    assert {one.name: set(one.spec.depends_on) for one in found.resources} == {
        "runtime": set(),
        "catalog": set(),
        "config": set(),
        "db": {"runtime", "catalog", "config"},
        "migrate": {"db"},
        "api": {"migrate"},
        "web": {"migrate"},
        "smoke": {"api", "web"},
    }
    images = {
        one.name: [image.image_map for image in one.spec.kubernetes.images]
        for one in found.resources
        if one.spec.kubernetes
    }
    assert images == {
        "config": [],
        "db": ["shop_base", "shop_backend"],
        "migrate": ["shop_base", "shop_backend"],
        "api": ["shop_base", "shop_backend"],
        "web": ["shop_base", "shop_web"],
    }
    assert world.ran == []


@pytest.mark.parametrize("body", documents(), ids=lambda body: f"{body['kind']}-{body['metadata']['name']}")
async def test_the_embedded_cluster_takes_its_objects_as_they_are(tmp_path: Path, body: Json) -> None:
    scheme = discover(core_v1, apps_v1, batch_v1)
    async with Store.open(str(tmp_path / "state.db"), durable=False) as store:
        registry = Registry(scheme, store, lambda: NOW)
        namespace = scheme.by_kind("v1", "Namespace")
        kind = scheme.by_kind(body["apiVersion"], body["kind"])
        assert namespace is not None
        assert kind is not None
        await registry.create(Target(namespace), {"metadata": {"name": "default"}}, WriteOptions())
        written = await registry.create(Target(kind, "default"), body, WriteOptions(field_validation="Strict"))
    assert written.warnings == ()


@pytest.mark.slow
def test_its_runtime_is_collected_once(tmp_path: Path) -> None:
    command = [sys.executable, str(SHOP / "runtime" / "collect.py"), str(tmp_path / "runtime")]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    assert " MB" in first.stdout
    assert (tmp_path / "runtime/usr/bin/python3").stat().st_mode & 0o111
    assert list((tmp_path / "runtime").rglob("_sqlite3*.so"))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout.endswith("is up to date\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["runtime", "runtime.mark.json"]


def test_its_catalogue_is_written_only_where_it_changed(tmp_path: Path) -> None:
    command = [sys.executable, str(SHOP / "catalog" / "render.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    subprocess.run(command, check=True, capture_output=True)
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before
    assert set(before) == {"catalog.json", "page.html"}
