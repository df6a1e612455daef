from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from upright.controllers.world.docker_credentials import HUB, registry_auth, server_of, stored_auth
from upright.controllers.world.engine.protocol import RegistryAuth
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("reference", "server"),
    [
        ("web:1", HUB),
        ("shop/web:1", HUB),
        ("docker.io/shop/web:1", HUB),
        ("localhost:5001/web:1", "localhost:5001"),
        ("gcr.io/shop/web:1", "gcr.io"),
    ],
)
def test_an_image_says_whose_credentials_it_needs(reference: str, server: str) -> None:
    assert server_of(reference) == server


def test_credentials_in_the_file_are_read() -> None:
    auths = {
        "https://index.docker.io/v1/": {"auth": "bWU6czpj"},
        "gcr.io": {"identitytoken": "T"},
        "broken.example": {"auth": "é"},
    }
    assert stored_auth({"auths": auths}, HUB) == RegistryAuth(username="me", password="s:c", server=HUB)
    assert stored_auth({"auths": auths}, "gcr.io") == RegistryAuth(identity_token="T", server="gcr.io")
    assert stored_auth({"auths": auths}, "quay.io") is None
    assert stored_auth({"auths": auths}, "broken.example") is None


async def test_a_helper_is_asked_for_its_registry(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-safe"
    helper.write_text('#!/bin/sh\nread -r server; echo "{\\"Username\\": \\"me\\", \\"Secret\\": \\"for $server\\"}"\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"gcr.io": "safe", "quay.io": "absent"}}))
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    async with LocalProcesses() as processes:
        found = await registry_auth("gcr.io/web:1", environ, processes)
        assert found == RegistryAuth(username="me", password="for gcr.io", server="gcr.io")
        assert await registry_auth("quay.io/web:1", environ, processes) is None
        assert await registry_auth("web:1", {"HOME": "/nowhere"}, processes) is None


async def test_a_helper_that_cannot_be_asked_is_told_of(tmp_path: Path) -> None:
    for name, script in {
        "none": "echo credentials not found in native keychain; exit 1",
        "locked": "echo no; exit 3",
    }.items():
        helper = tmp_path / f"docker-credential-{name}"
        helper.write_text(f"#!/bin/sh\n{script}\n")
        helper.chmod(0o755)
    helpers = {"a.io": "absent", "b.io": "none", "c.io": "locked"}
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": helpers}))
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    told: list[str] = []
    async with LocalProcesses() as processes:
        for host in helpers:
            assert await registry_auth(f"{host}/web:1", environ, processes, told.append) is None
        (tmp_path / "config.json").write_text("{")
        assert await registry_auth("a.io/web:1", environ, processes, told.append) is None
    absent, locked, broken = told
    assert 'docker-credential-absent was asked for the credentials of a.io, and cannot tell: exec: "docker-' in absent
    assert locked == "     docker-credential-locked was asked for the credentials of c.io, and failed: no"
    assert broken.startswith(f"     {tmp_path}/config.json cannot be read, so nobody is logged in: ")


async def test_the_store_is_asked_for_what_no_helper_is_named_for(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-all"
    helper.write_text(
        '#!/bin/sh\nread -r server; echo "{\\"Username\\": \\"<token>\\", \\"Secret\\": \\"$server!\\"}"\n'
    )
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "all"}))
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    async with LocalProcesses() as processes:
        found = await registry_auth("localhost:5000/web:1", environ, processes)
        assert found == RegistryAuth(identity_token="localhost:5000!", server="localhost:5000")
        hub = await registry_auth("shop/web:1", environ, processes)
        assert hub == RegistryAuth(identity_token=f"{HUB}!", server=HUB)
