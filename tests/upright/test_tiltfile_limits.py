"""Runaway Tiltfiles end with a clear message, in every way to evaluate one, and leave no process behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from upright.client.cli.__main__ import main
from upright.controllers.tiltfile.limits import Limits, WrongLimit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Judge = tuple[str, ...]
WAYS: tuple[Judge, ...] = (("tiltfile", "check"), ("alpha", "tiltfile-result"))


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Judge, str], str]:
    """Evaluate a Tiltfile that must be found wrong; return what is said of it."""

    def judge(way: Judge, text: str) -> str:
        (tmp_path / "Tiltfile").write_text(text)
        assert main([*way, "-f", str(tmp_path / "Tiltfile")]) == 5
        return capsys.readouterr().err

    return judge


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_a_loop_without_an_end_is_stopped_and_its_place_is_told(
    way: Judge, judged: Callable[[Judge, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRIGHT_TILTFILE_CPU", "300ms")
    said = judged(way, "def spin():\n  while True:\n    pass\nspin()\n")
    assert "Tiltfile:4:1: in <toplevel>" in said
    assert "in spin" in said
    assert "stopped: computing for 0.3 seconds without an end, UPRIGHT_TILTFILE_CPU sets this limit" in said


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    way: Judge, judged: Callable[[Judge, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRIGHT_LOCAL_TIMEOUT", "300ms")
    said = judged(way, 'local("sleep 4711 & sleep 4711")\n')
    assert "error: stopped: still running after 0.3 seconds, UPRIGHT_LOCAL_TIMEOUT sets this limit" in said
    assert "Tiltfile:1:1" in said
    assert not running("sleep", "4711")


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_a_command_that_prints_without_an_end_is_ended(
    way: Judge, judged: Callable[[Judge, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRIGHT_LOCAL_OUTPUT", "1Mi")
    said = judged(way, 'local("yes the-same-again", quiet = True)\n')
    assert "error: stopped: it printed more than 1 MiB, UPRIGHT_LOCAL_OUTPUT sets this limit" in said
    assert not running("yes", "the-same-again")


def test_a_tiltfile_that_collects_memory_is_stopped(
    judged: Callable[[Judge, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRIGHT_TILTFILE_MEMORY", "128Mi")
    monkeypatch.setenv("UPRIGHT_TILTFILE_CPU", "20s")
    said = judged(WAYS[0], 'kept = []\nwhile True:\n  kept.append("x" * 100000 + str(len(kept)))\n')
    assert "stopped: more than 128 MiB of memory taken, UPRIGHT_TILTFILE_MEMORY sets this limit" in said
    assert "kept.append" in said


def test_a_flood_of_prints_is_stopped(judged: Callable[[Judge, str], str]) -> None:
    said = judged(WAYS[0], 'while True:\n  print("x" * (1 << 20))\n')
    assert "Error in print: stopped: the Tiltfile has printed more than 64 MiB" in said


@pytest.mark.parametrize(
    "text", ["'a' * 10000000000", "[0] * 10000000000", "1 << 10000000", "range(1 << 62)[0:] and list(range(1 << 40))"]
)
def test_a_huge_value_is_refused_at_its_line(judged: Callable[[Judge, str], str], text: str) -> None:
    assert "Tiltfile:1:" in judged(WAYS[0], f"x = {text}\n")


def test_recursion_without_an_end_is_told(judged: Callable[[Judge, str], str]) -> None:
    assert "stack overflow" in judged(WAYS[0], "def f(): return f()\nf()\n")


def test_an_endless_file_is_refused(judged: Callable[[Judge, str], str]) -> None:
    assert "read /dev/zero: larger than" in judged(WAYS[0], 'read_file("/dev/zero")\n')


@pytest.mark.parametrize(
    ("name", "value"),
    [("UPRIGHT_TILTFILE_CPU", "soon"), ("UPRIGHT_LOCAL_OUTPUT", "much"), ("UPRIGHT_LOCAL_TIMEOUT", "1")],
)
def test_a_limit_that_cannot_be_read_is_told_by_name(name: str, value: str) -> None:
    with pytest.raises(WrongLimit, match=name):
        Limits.of({name: value})


def test_a_wrong_limit_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPRIGHT_TILTFILE_MEMORY", "all")
    (tmp_path / "Tiltfile").write_text("x = 1\n")
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile")]) == 2
    assert "UPRIGHT_TILTFILE_MEMORY" in capsys.readouterr().err


def running(*argv: str) -> list[int]:
    return [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == list(argv)]
