"""Where the projects are run: on the embedded cluster always, on a real Kubernetes where one is at hand."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from upright.openapi.meta import Json


class Place(NamedTuple):
    """Where the rows are run."""

    cluster: str
    environ: dict[str, str]


@pytest.fixture(scope="module", params=["embedded", "real"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "embedded":
        return Place("embedded", {})
    config = os.environ.get("UPRIGHT_TEST_KUBECONFIG")
    if not config:
        pytest.skip("no real Kubernetes is at hand: name its kubeconfig by UPRIGHT_TEST_KUBECONFIG")
    engine = os.environ.get("UPRIGHT_TEST_DOCKER_HOST")
    return Place("auto", {"KUBECONFIG": config} | ({"DOCKER_HOST": engine} if engine else {}))


def delete(objects: Iterable[Json], environ: Mapping[str, str]) -> None:
    """Have the real cluster as it was."""
    everything = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    command = ["kubectl", "delete", "--ignore-not-found", "--wait=false", "-f", "-"]
    subprocess.run(command, input=json.dumps(everything).encode(), env=environ, check=True, stdout=subprocess.DEVNULL)
