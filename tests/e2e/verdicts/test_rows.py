"""What becomes of each kind of trouble: the same on the embedded cluster and on a real Kubernetes.

The real one is the kubeconfig that ``UPRIGHT_TEST_KUBECONFIG`` names (with ``UPRIGHT_TEST_DOCKER_HOST`` for the engine that
builds): its nodes must be able to pull what is built, from a local registry that it announces.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.project import Project, new_project
from tests.e2e.verdicts.conftest import delete
from tests.e2e.verdicts.local_rows import LOCAL_ROWS
from tests.e2e.verdicts.real_rows import REAL_ROWS, REAL_WELL
from tests.e2e.verdicts.row import Row
from tests.e2e.verdicts.rows import ROWS, WELL

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.e2e.project import Outcome
    from tests.e2e.verdicts.conftest import Place

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(400)]
ALL_SECONDS = 150.0
ROWS_AT_ONCE = 8


@pytest.fixture(scope="module")
def run(place: Place, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Generator[dict[str, Outcome]]:
    """How the runs end, a run a row and one of what is well; several run at once: most of their time is waiting."""
    rows = [*ROWS, *LOCAL_ROWS, *(REAL_ROWS if place.environ else ()), Row("well", WELL, "", "")]
    if place.environ:
        rows.append(Row("really-well", REAL_WELL, "", ""))
    projects: dict[str, Project] = {}
    for row in rows:
        made = new_project(tmp_path_factory.mktemp(row.name), cache)
        projects[row.name] = Project(made.folder, made.home, made.cache, place.environ)
        row.write(projects[row.name])

    def ended(row: Row) -> Outcome:
        return projects[row.name].start(f"--cluster={place.cluster}", *row.flags).ended(ALL_SECONDS)

    try:
        with ThreadPoolExecutor(ROWS_AT_ONCE) as threads:
            yield dict(zip(projects, threads.map(ended, rows), strict=True))
    finally:
        if place.environ:
            delete([one for row in rows for one in row.objects], projects["well"].environment)


@pytest.mark.parametrize("row", [*ROWS, *LOCAL_ROWS], ids=lambda row: row.name)
def test_trouble_is_told_with_its_rule_object_and_words(run: dict[str, Outcome], row: Row) -> None:
    check(run[row.name], row)


@pytest.mark.parametrize("row", REAL_ROWS, ids=lambda row: row.name)
def test_trouble_that_only_a_real_cluster_has_is_told_too(run: dict[str, Outcome], row: Row, place: Place) -> None:
    if not place.environ:
        pytest.skip("the embedded cluster has no such objects")
    check(run[row.name], row)


def check(outcome: Outcome, row: Row) -> None:
    assert outcome.code == 1, outcome
    assert [card["rule"] for card in outcome.cards] == [row.rule] * row.cards, outcome
    card = outcome.card
    assert row.words in card["message"], outcome
    assert card.get("exitCode") == row.exit_code
    assert card["path"][-1].startswith(row.place)
    assert row.log in card.get("logs", []) or not row.log, card
    assert row.words in outcome.last


def test_what_is_well_is_a_success(run: dict[str, Outcome], place: Place) -> None:
    assert run["well"].code == 0, run["well"]
    assert not place.environ or run["really-well"].code == 0, run["really-well"]
