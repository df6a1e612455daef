"""Whole processes of the command line: what each imports, and what it says of itself."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, metadata
from typing import TYPE_CHECKING

import pytest

from upright import __version__
from upright.client.cli.__main__ import COMMANDS
from upright.client.cli.flags import Command

if TYPE_CHECKING:
    from tests.client.cli.conftest import CommandLine, Served

HEAVY = {"aiodocker", "anyio", "argparse", "asyncio", "cryptography", "fastapi", "pydantic", "sqlalchemy", "uvicorn"}


def imported(*words: str) -> set[str]:
    """Return the modules that a command line has imported when it ends."""
    program = (
        "import sys\n"
        "from upright.client.cli.__main__ import main\n"
        f"code = main({list(words)!r})\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
        "sys.exit(code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ended.stderr.splitlines())


def test_version_imports_next_to_nothing() -> None:
    ours = {name for name in imported("version") if name.startswith("upright")}
    assert ours == {
        "upright",
        "upright.client",
        "upright.client.cli",
        "upright.client.cli.__main__",
        "upright.client.cli.version",
    }
    assert imported("version").isdisjoint(HEAVY | {"json", "typing", "http"})


@pytest.mark.parametrize(
    "words", [["get", "session"], ["get", "res", "-o", "json"], ["get", "res", "web", "-o", "name"]]
)
def test_get_of_what_is_free_needs_no_more_than_http_and_json(served: Served, words: list[str]) -> None:
    found = imported(*words, f"--port={served.port}")
    assert found.isdisjoint(HEAVY | {"yaml", "dataclasses", "difflib"})
    assert not any(name.startswith(("upright.openapi", "upright.apiserver", "upright.controllers")) for name in found)


def test_describe_needs_no_pydantic(served: Served) -> None:
    found = imported("describe", "session", f"--port={served.port}")
    assert found.isdisjoint(HEAVY | {"yaml"})


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_has_an_example_and_imports_nothing_heavy(name: str, upright: CommandLine) -> None:
    code, out, _ = upright(name, "-h")
    assert code == 0
    assert f"Examples:\n  upright {name}" in out
    assert f"Usage:\n  upright {name}" in out
    assert imported(name, "--help").isdisjoint(HEAVY)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_listed_is_a_module(name: str) -> None:
    made = import_module(f"upright.client.cli.{name}").command()
    assert isinstance(made, Command)
    assert made.name == name


def test_the_version_is_that_of_the_distribution(upright: CommandLine) -> None:
    assert metadata.version("upright") == __version__
    assert upright("version") == (0, f"v{__version__}\n", "")
    assert upright("--version") == (0, f"v{__version__}\n", "")


def test_without_a_command_the_commands_are_listed(upright: CommandLine) -> None:
    for words in ([], ["-h"], ["help"]):
        code, out, _ = upright(*words)
        assert code == 0
        assert all(f"  {name} " in out for name in COMMANDS)
    assert upright("help", "get")[1] == upright("get", "-h")[1]


def test_global_flags_may_stand_before_the_command(upright: CommandLine) -> None:
    assert upright("-d", "--color", "never", "version", "-v")[0] == 0
    code, _, err = upright("-x")
    assert code == 2
    assert "-x" in err


def test_a_reader_that_goes_away_is_no_error(served: Served) -> None:
    program = f"exec {sys.executable} -m upright.client.cli get res -o json --port={served.port} | true"
    ended = subprocess.run(["/bin/bash", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
