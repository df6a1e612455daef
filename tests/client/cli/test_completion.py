"""What the Tab key offers: by the decision alone, by the command, and in a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from upright.client.cli.completing import Candidate, Known, candidates, joined
from upright.client.cli.completion_scripts import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAMES = {"session": ["Tiltfile"], "resource": ["web", "worker", "db"], "cmd": ["web:update"]}


def _kinds() -> Iterable[Candidate]:
    return [Candidate(name, name.title()) for name in NAMES]


def _names(kind: str) -> Iterable[Candidate]:
    return [Candidate(name) for name in NAMES.get(kind, [])]


KNOWN = Known(_kinds, _names)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("desc", ["describe"]),
        ("tiltfile ", ["api", "check"]),
        ("tiltfile c", ["check"]),
        ("--debug vers", ["version"]),
        ("nonsense ", []),
        ("get se", ["session"]),
        ("get session ", ["Tiltfile"]),
        ("get resource w", ["web", "worker"]),
        ("get resource web w", ["web", "worker"]),
        ("get cmd/", ["cmd/web:update"]),
        ("get cmd/w resource/d", ["resource/db"]),
        ("get -o json ses", ["session"]),
        ("get --output=json ses", ["session"]),
        ("describe cm", ["cmd"]),
        ("wait --for=condition=Ready res", ["resource"]),
        ("trigger d", ["db"]),
        ("trigger web d", ["db"]),
        ("logs wor", ["worker"]),
        ("explain ses", ["session"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("ci --log ", ["all", "failures", "github", "gitlab", "json", "plain"]),
        ("ci --log=fa", ["--log=failures"]),
        ("ci --lo", ["--log=", "--log-level=", "--log-source=", "--log-resource="]),
        ("--colo", ["--color="]),
        ("get session Tiltfile -- ", []),
        ("ci -f ", []),
    ],
)
def test_what_may_come_next(line: str, words: list[str]) -> None:
    offered = [offer.word for offer in candidates(line.split(" "), KNOWN)]
    assert offered == words


def test_commands_come_with_what_they_do() -> None:
    assert Candidate("version", "Print the version") in candidates(["ver"], KNOWN)


def test_what_bash_takes_apart_is_put_together() -> None:
    assert joined(["ci", "--log", "=", "fa"]) == ["ci", "--log=fa"]
    assert joined(["ci", "--log", "="]) == ["ci", "--log="]
    assert joined(["wait", "--for", "=", "condition", "=", "Re"]) == ["wait", "--for=condition=Re"]
    assert joined([]) == [""]


def upright(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "upright.client.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_misspelt_shell_is_told() -> None:
    ended = upright("completion", "bsh")
    assert ended.returncode == 2
    assert 'did you mean "bash"?' in ended.stderr


def test_without_a_server_commands_and_kinds_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ended = upright("completion", "--words", "--", "get", "se")
    assert (ended.returncode, ended.stdout.split()[0], ended.stderr) == (0, "session", "")
    assert upright("completion", "--words", "--", "get", "session", "").stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["upright", "vers"], ["version"]),
        (["upright", "ci", "--log", "=", "fail"], ["failures"]),
        (["upright", "ci", "--fa"], ["--fail-fast="]),
        (["upright", "tiltfile", ""], ["api", "check"]),
    ],
)
def test_bash_completes(typed: list[str], offered: list[str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    program = tmp_path / "upright"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m upright.client.cli "$@"\n')
    program.chmod(0o755)
    (tmp_path / "script").write_text(SCRIPTS["bash"])
    words = " ".join(f"'{word}'" for word in typed)
    lines = [
        f"source {tmp_path / 'script'}",
        "compopt() { :; }",  # it works while readline completes, and only then
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}",
        'complete -p upright >/dev/null && _upright && printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [bash, "--norc", "-c", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.stdout.split(), ended.stderr) == (offered, "")


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_shell_takes_its_script(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(SCRIPTS[shell])
    ended = subprocess.run([program, "-n", str(script)], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
