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
    secrets = Secrets()
    tiltfile = Tiltfile(metadata=ObjectMeta(name="(Tiltfile)"), spec=TiltfileSpec(path=str(tmp_path / "Tiltfile")))
    facts = Facts(environ={"PATH": "/usr/bin:/bin"})
    async with LocalProcesses() as processes, Logs(tmp_path / "logs", now, secrets.scrub) as logs:
        evaluation = await Execution(lambda: facts, processes, logs, secrets)(tiltfile)
        assert evaluation.error is None
        said = "\n".join(line.text for line in logs.read(Selection(span="tiltfile:(Tiltfile):1")))
    assert ("swordfish" in said) == bool(settings)
    assert ("[redacted secret s:password]" in said) != bool(settings)
