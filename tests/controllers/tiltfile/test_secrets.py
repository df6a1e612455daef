"""Secrets are scrubbed from a Tiltfile's log from the moment their YAML is read, not only when all is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controllers.rooms import now
from upright.client.log_folder import Selection
from upright.controllers.tiltfile.execution import Execution
from upright.controllers.tiltfile.project import Facts
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.controllers.world.secrets import Secrets
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileSpec

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: swordfish}}"
SAYS = "k8s_yaml('secret.yaml')\nprint(read_file('secret.yaml'))\nlocal('echo swordfish')\n"


@pytest.mark.parametrize("settings", ["", "secret_settings(disable_scrub=True)\n"])
async def test_what_is_printed_after_a_secret_was_read_is_scrubbed_unless_that_is_off(
    settings: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(SECRET)
    (tmp_path / "Tiltfile").write_text(settings + SAYS)
    said = await logged(tmp_path)
    assert ("swordfish" in said) == bool(settings)
    assert ("[redacted secret s:password]" in said) != bool(settings)


async def logged(tmp_path: Path) -> str:
    """Execute the folder's Tiltfile; return all it logs, and what is wrong with it as a reader sees that."""
    secrets = Secrets()
    tiltfile = Tiltfile(metadata=ObjectMeta(name="(Tiltfile)"), spec=TiltfileSpec(path=str(tmp_path / "Tiltfile")))
    facts = Facts(environ={"PATH": "/usr/bin:/bin"})
    async with LocalProcesses() as processes, Logs(tmp_path / "logs", now, secrets.scrub) as logs:
        evaluation = await Execution(lambda: facts, processes, logs, secrets)(tiltfile)
        said = "\n".join(line.text for line in logs.read(Selection(span="tiltfile:(Tiltfile):1")))
    return said + secrets.scrub(str(evaluation.error or ""))


PLAIN, ENCODED = "swordfish", "c3dvcmRmaXNo"
KUBECTL = f"apiVersion: v1\ndata:\n  password: {ENCODED}\nkind: Secret\nmetadata:\n  name: s\n"
JSON = f'{{\n "apiVersion": "v1",\n "kind": "Secret",\n "metadata": {{"name": "s"}},\n "data": {{"password": "{ENCODED}"}}\n}}\n'


@pytest.mark.parametrize(
    "says",
    [
        "k8s_yaml(local('cat secret'))",
        "local('cat secret; echo on the way >&2; echo ---; cat other; exit 1')",
        "local('cat secret; exit 1', quiet = True)",
        "local('echo some words; cat secret')",
        "print(read_file('secret'))",
        "warn(str(read_file('secret')))",
        "fail(str(read_file('secret')))",
        "k8s_yaml(local('cat secret', quiet = True))\nlocal('echo swordfish')\nlocal('exit 1 # c3dvcmRmaXNo')",
        "k8s_yaml('secret')\nx = {'swordfish': 1}['c3dvcmRmaXNo']",
        "k8s_yaml('secret')\nfail('c3dvcmRmaXNo is swordfish')",
    ],
)
@pytest.mark.parametrize("secret", [KUBECTL, JSON], ids=["yaml", "json"])
async def test_no_form_of_a_secret_is_seen_before_its_yaml_was_read_nor_after(
    says: str, secret: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(secret)
    (tmp_path / "other").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    (tmp_path / "Tiltfile").write_text(f"{says}\nlocal_resource('a', 'true')\n")
    said = await logged(tmp_path)
    assert PLAIN not in said
    assert ENCODED not in said
    assert "[redacted secret s:password]" in said


async def test_what_a_command_prints_is_logged_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(KUBECTL)
    (tmp_path / "Tiltfile").write_text("local('echo first; cat secret; echo last')\nlocal_resource('a', 'true')\n")
    said = (await logged(tmp_path)).splitlines()
    shown = KUBECTL.replace(ENCODED, "[redacted secret s:password]").splitlines()
    assert said[-len(shown) - 2 :] == [f" → {line}" for line in ("first", *shown, "last")]
