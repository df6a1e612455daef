"""The same result as the real Tilt: by goldens that it made, and by itself where it is at hand.

``UPRIGHT_TEST_TILT``: a real tilt. ``UPRIGHT_TEST_CORPUS``: a folder of checkouts named ``owner+repository``, of which
the goldens in ``goldens/`` tell; ``python -m tests.controllers.tiltfile.parity.record`` makes goldens anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.controllers.tiltfile.parity.summaries import Json, clean, summary
from tests.controllers.tiltfile.worlds import World
from upright.controllers.tiltfile.evaluate import evaluate
from upright.controllers.tiltfile.project import Facts
from upright.controllers.tiltfile.result import tiltfile_result

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
OWN = sorted(path.name for path in (HERE / "own").iterdir())
TILT = os.environ.get("UPRIGHT_TEST_TILT", "")
CORPUS = os.environ.get("UPRIGHT_TEST_CORPUS", "")
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "kind-parity",
    "clusters": [{"name": "kind-parity", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "kind-parity", "user": {"token": "none"}}],
    "contexts": [{"name": "kind-parity", "context": {"cluster": "kind-parity", "user": "kind-parity"}}],
}


def environ(home: Path) -> dict[str, str]:
    """Return what both run with: a home of their own, and a development cluster that nobody answers for."""
    (home / "kubeconfig").write_text(json.dumps(KUBECONFIG))
    return {
        **os.environ,
        "HOME": str(home),
        "KUBECONFIG": str(home / "kubeconfig"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def markers(root: Path, home: Path) -> dict[str, str]:
    return {
        f"{home}/data/tilt-dev": "$DATA",
        f"{home}/data/upright": "$DATA",
        str(root): "$ROOT",
    }


def ours(tiltfile: Path, root: Path, home: Path) -> Json:
    """Return our summary, or that there is an error."""
    facts = Facts(
        subcommand="tiltfile-result", environ=environ(home), kube_context="kind-parity", must_have_resources=False
    )
    world = World(root)
    found = evaluate(str(tiltfile), facts, log=lambda _text, _level: None, run_local=world.run_local)
    if found.error is not None:
        return {"error": True}
    return _by_wire(summary(tiltfile_result(found, str(tiltfile)), markers(root, home)))


def theirs(tiltfile: Path, root: Path, home: Path) -> Json:
    """Return the real Tilt's summary, or that there is an error."""
    done = subprocess.run(
        [TILT, "alpha", "tiltfile-result", "-f", str(tiltfile)],
        cwd=tiltfile.parent,
        env=environ(home),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        return {"error": True}
    return _by_wire(summary(json.loads(done.stdout), markers(root, home)))


def _by_wire(found: Json) -> Json:
    """Return it as JSON has it, the services of Compose in an order: Tilt's own is another each time."""
    again: Json = json.loads(json.dumps(found))
    resources: list[Any] = again.get("resources", [])
    services = sorted((one for one in resources if one["kind"] == "compose"), key=lambda one: str(one["name"]))
    if services:
        left = iter(services)
        again["resources"] = [next(left) if one["kind"] == "compose" else one for one in resources]
        again["enabled"] = sorted(again["enabled"])
    return again


def golden(name: str) -> Json:
    found: Json = json.loads((HERE / "goldens" / f"{name}.json").read_text())
    return clean(found, {})  # type: ignore[no-any-return]  # reason: an object stays one


@pytest.mark.parametrize("name", OWN)
def test_a_tiltfile_of_ours_comes_to_what_tilt_made_of_it(name: str, tmp_path: Path) -> None:
    root = HERE / "own" / name
    assert ours(root / "Tiltfile", root, tmp_path) == golden(f"own-{name}")


@pytest.mark.skipif(not TILT, reason="no real Tilt at hand: set UPRIGHT_TEST_TILT")
@pytest.mark.parametrize("name", OWN)
def test_tilt_still_makes_the_same_of_it(name: str, tmp_path: Path) -> None:
    root = HERE / "own" / name
    assert theirs(root / "Tiltfile", root, tmp_path) == golden(f"own-{name}")


def corpus() -> Iterator[tuple[str, str]]:
    """Yield the sources that are at hand, each with the path of a Tiltfile."""
    for path in sorted((HERE / "goldens").glob("*+*.json")):
        if CORPUS and (Path(CORPUS) / path.stem).is_dir():
            yield from ((path.stem, tiltfile) for tiltfile in json.loads(path.read_text()))


KNOWN_DIFFERENCES = {
    ("tilt-dev+tilt-extensions", "ngrok/Tiltfile"): "it makes a name by chance",
}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "path"), list(corpus()), ids=str)
def test_a_public_tiltfile_comes_to_what_tilt_made_of_it(source: str, path: str, tmp_path: Path) -> None:
    root = Path(CORPUS) / source
    known = (source, path) in KNOWN_DIFFERENCES
    assert (ours(root / path, root, tmp_path) == golden(source).get(path, {})) != known
