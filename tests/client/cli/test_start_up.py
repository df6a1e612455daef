"""Whole processes of the command line: what each imports, and what it says of itself."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from upright import __version__
from upright.client.cli.command_files import find, listed
from upright.client.cli.flags import Command

if TYPE_CHECKING:
    from tests.client.cli.conftest import CommandLine, Served


def every_command() -> list[str]:
    """Return the names of all commands, those below others too."""
    names: list[str] = []
    left = list(listed())
    while left:
        name = left.pop()
        module, found, rest = find(name.split())
        assert module is not None, name
        assert (found, rest) == (name, [])
        if hasattr(module, "__path__"):
            left += [f"{name} {below}" for below in listed(name)]
        if hasattr(module, "run"):
            names.append(name)
    return sorted(names)


COMMANDS = every_command()
HEAVY = {"aiodocker", "anyio", "argparse", "asyncio", "cryptography", "fastapi", "pydantic", "sqlite3", "uvicorn"}


def imported(*words: str, check: bool = True) -> set[str]:
    """Return the modules that a command line has imported when it ends."""
    program = (
        "import sys\n"
        "from upright.client.cli.__main__ import main\n"
        f"code = main({list(words)!r})\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
        "sys.exit(code)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=check)
    return set(ended.stderr.splitlines())


def test_version_imports_next_to_nothing() -> None:
    ours = {name for name in imported("version") if name.startswith("upright")}
    assert ours == {
        "upright",
        "upright.client",
        "upright.client.cli",
        "upright.client.cli.__main__",
        "upright.client.cli.commands",
        "upright.client.cli.commands.version",
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


@pytest.mark.parametrize(
    "words",
    [
        ["api-resources"],
        ["explain", "session.status"],
        ["trigger", "web"],
        ["args", "--", "one"],
        ["logs", "--session=none"],
        ["enable", "nobody"],
        ["disable", "nobody"],
    ],
)
def test_verbs_that_talk_to_a_server_need_neither_pydantic_nor_asyncio(served: Served, words: list[str]) -> None:
    assert imported(*words, f"--port={served.port}", check=False).isdisjoint(HEAVY | {"yaml"})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_imports_nothing_heavy(name: str, upright: CommandLine) -> None:
    code, out, _ = upright(*name.split(), "-h")
    assert code == 0
    assert "Examples:\n  " in out
    assert f"upright {name}" in out.partition("Examples:\n")[2]
    assert f"Usage:\n  upright {name}" in out
    assert imported(*name.split(), "--help").isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["alpha", "snapshot", "tiltfile", "token"])
def test_help_of_a_group_has_an_example_of_each_command(name: str, upright: CommandLine) -> None:
    code, out, _ = upright(name, "-h")
    assert code == 0
    examples = out.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    below = [command for command in COMMANDS if command.startswith(f"{name} ")]
    assert below
    assert len(examples) == len(below)
    assert all(line.startswith(f"  upright {command}") for line, command in zip(examples, sorted(below), strict=True))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_module_is_a_command_of_its_name(name: str) -> None:
    module, _, _ = find(name.split())
    assert module is not None
    made = module.command()
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
        assert all(f"  {name} " in out for name in listed())
    assert upright("help", "get")[1] == upright("get", "-h")[1]


def test_what_each_command_does_is_said_in_a_line() -> None:
    for name, about in listed().items():
        assert about[0].isupper(), name
        assert 10 < len(about) <= 90, name


def test_global_flags_may_stand_before_the_command(upright: CommandLine) -> None:
    assert upright("-d", "--color", "never", "version", "-v")[0] == 0
    code, _, err = upright("-x")
    assert code == 2
    assert "-x" in err


def test_a_reader_that_goes_away_is_no_error(served: Served) -> None:
    program = f"exec {sys.executable} -m upright.client.cli get res -o json --port={served.port} | true"
    ended = subprocess.run(["/bin/bash", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
