"""Tilt's commands that have no place here say so, and those that scripts may go on calling succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.client.cli.command_files import find
from upright.client.cli.of_tilt import _DONE, _WHY

if TYPE_CHECKING:
    from tests.client.cli.conftest import CommandLine


@pytest.mark.parametrize("command", list(_WHY))
def test_a_command_of_tilts_that_makes_no_sense_here_says_what_does(upright: CommandLine, command: str) -> None:
    code, out, err = upright(*command.split(), "--some-flag")
    assert (code, out) == (2, "")
    assert f'there is no "{command}" as Tilt has it: ' in err


@pytest.mark.parametrize("line", ["analytics opt out", "analytics", "verify-install"])
def test_scripts_may_go_on_calling_what_does_nothing(upright: CommandLine, line: str) -> None:
    code, out, err = upright(*line.split())
    assert (code, out) == (0, "")
    assert "sent anywhere" in err


@pytest.mark.parametrize("command", [*_WHY, *_DONE])
def test_none_of_them_is_a_command_of_ours(command: str) -> None:
    _, _, rest = find(command.split())
    assert rest, "it is ours by now: take it out of the list"
