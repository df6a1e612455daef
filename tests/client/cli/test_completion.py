"""What the Tab key offers: by the decision alone, by the command, and in a real bash."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
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


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return a PATH on which this upright is found first."""
    program = tmp_path / "bin" / "upright"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m upright.client.cli "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("upright vers", ["version"]),
        ("upright ci --log=fa", ["--log=failures"]),
        ("upright ci --log fa", ["failures"]),
        ("upright tiltfile ", ["api", "check"]),
        ("upright ci -f Ti", ["Tiltfile.ci"]),
    ],
)
def test_fish_completes(typed: str, offered: list[str], tmp_path: Path, path: str) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not installed")
    (tmp_path / "Tiltfile.ci").touch()
    ended = subprocess.run(
        [fish, "--no-config", "-c", f"upright completion fish | source; complete -C '{typed}'"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ([line.split("\t")[0] for line in ended.stdout.splitlines()], ended.stderr) == (offered, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("upright vers", "version"), ("upright tiltfile ch", "check"), ("upright ci -f Ti", "Tiltfile.ci")],
)
def test_zsh_completes(typed: str, completed: str, tmp_path: Path, path: str) -> None:
    """A key that is bound to complete the word and to write the line to a file stands for the Tab key and the eye."""
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("zsh is not installed")
    (tmp_path / "Tiltfile.ci").touch()
    (tmp_path / "rc").write_text(
        "autoload -Uz compinit; compinit -u -D; source <(upright completion zsh)\n"
        f"seen() {{ zle complete-word; print -r -- $BUFFER > {tmp_path}/unfinished; mv {tmp_path}/unfinished {tmp_path}/line }}\n"
        "zle -N seen; bindkey '^X' seen\n"
        f"touch {tmp_path}/ready\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(zsh, [zsh, "-f", "-i"], {"PATH": path, "HOME": str(tmp_path), "TERM": "xterm", "PWD": str(tmp_path)})
    try:
        os.write(terminal, b"source ./rc\n")
        _read_until(terminal, tmp_path / "ready")
        os.write(terminal, typed.encode() + b"\x18")
        _read_until(terminal, tmp_path / "line")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    assert (tmp_path / "line").read_text().split()[-1] == completed


def _read_until(terminal: int, made: Path) -> None:
    """Read what a terminal shows, so that its program can go on, until the file is made."""
    said = b""
    ends = time.monotonic() + 30
    while not made.exists():
        assert time.monotonic() < ends, said.decode(errors="replace")
        if select.select([terminal], [], [], 0.02)[0]:
            said += os.read(terminal, 65536)


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
def test_bash_completes(typed: list[str], offered: list[str], tmp_path: Path, path: str) -> None:
    bash = shutil.which("bash")
    assert bash
    (tmp_path / "script").write_text(SCRIPTS["bash"])
    words = " ".join(f"'{word}'" for word in typed)
    lines = [
        f"source {tmp_path / 'script'}",
        "compopt() { :; }",  # it works while readline completes, and only then
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}",
        'complete -p upright >/dev/null && _upright && printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    ended = subprocess.run(
        [bash, "--norc", "-c", "\n".join(lines)],
        env=os.environ | {"PATH": path},
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
