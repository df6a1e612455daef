"""examples/shop, whole: from nothing to SUCCESS, and again; read by the other commands while it comes up."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

SHOP = Path(__file__).parents[2] / "examples" / "shop"
RESOURCES = {"(Tiltfile)", "runtime", "catalog", "config", "db", "migrate", "api", "web", "smoke"}


@pytest.fixture
def shop(project: Project) -> Project:
    shutil.copytree(SHOP, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".build"))
    return project


def test_the_shop_comes_up_and_is_sold_from_twice(shop: Project) -> None:
    for note in ("MB", "is up to date"):
        outcome = shop.ci()
        assert outcome.code == 0, str(outcome)
        assert outcome.out.endswith("SUCCESS. All workloads are healthy.\n")
        assert outcome.err == ""
        assert note in next(line for line in outcome.out.splitlines() if "runtime │ .build/runtime" in line)
        assert "7000 in stock before, 6999 after" in outcome.out
        assert {name for target in outcome.session["status"]["targets"] for name in target["resources"]} == RESOURCES
        assert outcome.cards == []


WAITS = re.compile(r"  api:update +\S+ +waits for migrate \(waiting-for-dep\)")


def test_other_commands_find_the_run_and_tell_what_it_waits_for(shop: Project) -> None:
    running = shop.start()
    running.until("Objects applied to cluster")
    page = shop.upright("describe", "session")
    for _ in range(100):  # images are built first, and are waited for like all else
        if page.returncode or WAITS.search(page.stdout):
            break
        page = shop.upright("describe", "session")
    listed = shop.upright("get", "resources", "-o", "yaml")
    applied = shop.upright("get", "kubernetesapplys")  # this one needs the run's token
    ended = running.ended()
    assert ended.code == 0, str(ended)
    assert page.stdout.startswith("Name:      Tiltfile\n"), page.stderr
    assert WAITS.search(page.stdout), page.stdout
    assert {item["metadata"]["name"] for item in yaml.safe_load(listed.stdout)["items"]} >= RESOURCES
    assert "config" in applied.stdout, applied.stderr
    gone = shop.upright("get", "session")
    assert gone.returncode == 3
    assert "no upright is running here" in gone.stderr
