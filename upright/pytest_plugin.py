"""The fixture ``upright`` for pytest: the Tiltfile is up while the tests run, and gone afterwards.

With pytest-xdist each worker has a run of its own, on its own port. The ini option ``upright_tiltfile`` names the Tiltfile
(default: ``Tiltfile`` beside the ini file), ``upright_cluster`` where to deploy, ``upright_flags`` further flags of
``upright ci``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.session import Session


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addini("upright_tiltfile", "the Tiltfile that the fixture upright brings up", default="Tiltfile")
    parser.addini("upright_cluster", "where it deploys: auto, embedded or a context", default="auto")
    parser.addini("upright_flags", "further flags of upright ci", type="args", default=[])


@pytest.fixture(scope="session")
def upright(pytestconfig: pytest.Config) -> Generator[Session]:
    """Bring the Tiltfile up; what did not become healthy fails the tests that need it, with the run's last lines."""
    from upright.session import RunFailed, ci  # noqa: PLC0415  reason: pytest loads this in every project

    run = ci(
        pytestconfig.rootpath / str(pytestconfig.getini("upright_tiltfile")),
        cluster=str(pytestconfig.getini("upright_cluster")),
        flags=[str(flag) for flag in pytestconfig.getini("upright_flags")],
    )
    try:
        session = run.__enter__()
    except RunFailed as failed:
        pytest.fail(f"upright: {failed}\n{failed.session.output[-4000:]}", pytrace=False)
    try:
        yield session
    finally:
        run.__exit__()
