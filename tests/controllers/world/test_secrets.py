from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote_plus

import pytest

from upright.controllers.world.secrets import Secrets

PASSWORD = 'p@ss "w/o" rd?'
SHOWN = "[redacted secret db:password]"


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.urlsafe_b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(PASSWORD.encode()).decode().rstrip("="),
        quote_plus(PASSWORD),
        json.dumps(PASSWORD)[1:-1],
    ],
)
def test_a_secret_is_taken_out_in_each_of_its_forms(form: str) -> None:
    secrets = Secrets()
    secrets.add("db", "password", PASSWORD.encode())
    assert secrets.scrub(f"url={form}&more") == f"url={SHOWN}&more"


def test_short_values_and_ordinary_text_stay() -> None:
    secrets = Secrets()
    secrets.add("db", "user", b"root")
    secrets.add("db", "password", b"tiger")
    assert secrets.scrub("root has a tige r") == "root has a tige r"


def test_the_longer_secret_wins_and_names_are_not_scrubbed_again() -> None:
    secrets = Secrets()
    secrets.add("a", "k", b"hunter")
    secrets.add("b", "k", b"hunter-redacted")
    assert secrets.scrub("hunter-redacted hunter") == "[redacted secret b:k] [redacted secret a:k]"


def test_a_value_of_several_lines_is_found_line_by_line() -> None:
    secrets = Secrets()
    secrets.add("tls", "key", b"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nab\n-----END KEY-----\n")
    assert secrets.scrub("  MIIEvQIBADANBgkqhkiG9w0") == "  [redacted secret tls:key]"


def test_binary_values_are_known_by_their_base64() -> None:
    secrets = Secrets()
    secrets.add("x", "y", bytes(range(200, 220)))
    assert secrets.scrub(base64.b64encode(bytes(range(200, 220))).decode()) == "[redacted secret x:y]"


def test_two_hundred_secrets_cost_little() -> None:
    secrets = Secrets()
    for number in range(200):
        secrets.add("db", str(number), f"secret value {number}".encode())
    before = time.process_time()
    for _ in range(1000):
        secrets.scrub("an ordinary line of some hundred characters, as programs print them when they are started up")
    assert time.process_time() - before < 0.5
