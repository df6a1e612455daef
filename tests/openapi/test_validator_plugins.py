"""A process without pydantic's plugins."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import sys
from upright.openapi import validator_plugins
validator_plugins.forgo()
from pydantic import BaseModel

class Port(BaseModel):
    number: int

assert Port.model_validate({"number": "1"}).number == 1
assert "importlib.metadata" not in sys.modules
"""
TOO_LATE = """
from pydantic import BaseModel
from pydantic.plugin import _loader
from upright.openapi import validator_plugins

class Before(BaseModel):
    number: int

found = _loader.get_plugins
validator_plugins.forgo()
from pydantic.plugin import _loader as after
assert after.get_plugins is found
"""


def test_without_plugins_nobody_looks_at_what_is_installed() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_plugins_that_were_looked_for_before_stay() -> None:
    subprocess.run([sys.executable, "-c", TOO_LATE], check=True)
