"""``upright token``: tokens of a shared server are made, listed and revoked, and what was revoked opens nothing."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from upright.client import kubeconfig

if TYPE_CHECKING:
    from tests.client.cli.conftest import CommandLine, Served


def status(served: Served, token: str, method: str = "GET") -> int:
    access = kubeconfig.read(served.folder / "kubeconfig")
    address = urlsplit(access.server)
    trust = ssl.create_default_context(cadata=access.authority)
    connection = HTTPSConnection(address.hostname or "", address.port, context=trust, timeout=10)
    connection.request(method, "/apis/tilt.dev/v1alpha1/cmds", None, {"Authorization": f"Bearer {token}"})
    found = connection.getresponse().status
    connection.close()
    return found


def test_a_token_is_printed_once_and_opens_what_its_scope_allows(beside: CommandLine, served: Served) -> None:
    code, out, err = beside("token", "create", "viewer")
    token = out.strip()
    assert (code, err) == (0, "")
    assert status(served, token) == 200
    assert status(served, token, "DELETE") == 403
    assert token not in beside("token", "list")[1]
    code, out, _ = beside("token", "revoke", "viewer")
    assert (code, out) == (0, 'Revoked the token "viewer"\n')
    assert status(served, token) == 401


def test_tokens_are_listed_with_their_scopes(beside: CommandLine, served: Served) -> None:
    where = f"--kubeconfig={served.folder / 'kubeconfig'}"
    assert beside("token", "create", "ci", "--scope=admin", "--expires-after=1h", where)[0] == 0
    rows = [line.split() for line in beside("token", "list", where)[1].splitlines()]
    assert rows[0] == ["NAME", "SCOPE", "CREATED", "EXPIRES"]
    assert [row[1] for row in rows if row[0] == "ci"] == ["admin"]
    listed = json.loads(beside("token", "list", "-o", "json")[1])["items"]
    assert {"ci"} <= {one["name"] for one in listed}
    assert beside("token", "revoke", "ci")[0] == 0


def test_what_cannot_be_is_told(beside: CommandLine) -> None:
    code, _, err = beside("token", "revoke", "nobody")
    assert (code, 'there is no token named "nobody"' in err) == (1, True)
    code, _, err = beside("token", "create")
    assert (code, "say one name" in err) == (2, True)
    code, _, err = beside("token", "create", "a", "--scope=root")
    assert (code, "reader, admin" in err) == (2, True)
    code, _, err = beside("token", "create", "a", "--expires-after=soon")
    assert (code, "want a number and a unit" in err) == (2, True)
