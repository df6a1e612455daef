from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from upright.client.cli.discovery import Server, choose, folders, is_alive, remove, running, this_process, write
from upright.client.cli.troubles import CannotTell

HERE = Path("/project")


def server(port: int, cwd: str = "/elsewhere") -> Server:
    return Server(1, "x", "localhost", port, cwd=cwd, tiltfile=f"{cwd}/Tiltfile")


def test_a_server_is_found_until_it_takes_its_file_back(tmp_path: Path) -> None:
    mine = this_process("localhost", 10350, kubeconfig="/k")
    write(mine, tmp_path)
    assert running(tmp_path) == [mine]
    assert mine.url == "http://localhost:10350"
    assert mine.cwd == str(Path.cwd())
    write(mine._replace(kubeconfig="/other"), tmp_path)
    assert [found.kubeconfig for found in running(tmp_path)] == ["/other"]
    remove(tmp_path)
    assert running(tmp_path) == []
    remove(tmp_path)


def test_its_file_is_for_its_owner_only(tmp_path: Path) -> None:
    where = tmp_path / "upright"
    write(this_process("localhost", 1), where)
    assert [oct(found.stat().st_mode & 0o777) for found in (where, where / f"{os.getpid()}.json")] == ["0o700", "0o600"]


def test_a_file_of_a_process_that_is_gone_counts_for_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        found = this_process("localhost", 1)
        gone = found._replace(pid=other.pid, started=found.started)
        assert not is_alive(gone)  # the process is there, but another one
    assert not is_alive(gone)
    write(gone, tmp_path)
    (tmp_path / "1.json").write_text("{half")
    assert running(tmp_path) == []
    write(found, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [f"{os.getpid()}.json"]


def test_files_are_in_the_runtime_directory_else_in_the_state_folder() -> None:
    state = Path("/state/upright/running")
    assert folders({"XDG_RUNTIME_DIR": "/run/user/0", "XDG_STATE_HOME": "/state"}) == [
        Path("/run/user/0/upright"),
        state,
    ]
    assert folders({"XDG_STATE_HOME": "/state"}) == [state]
    assert folders({}) == [Path.home() / ".local/state/upright/running"]


def test_a_runtime_directory_that_is_not_there_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/proc/nowhere")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    mine = this_process("localhost", 10350)
    write(mine)
    assert running() == [mine]
    assert (tmp_path / "upright" / "running" / f"{os.getpid()}.json").exists()
    remove()
    assert running() == []


def test_a_host_is_taken_at_its_word() -> None:
    here = server(10350, str(HERE))
    assert choose([here], HERE, host="127.0.0.1", port=10350) is here
    assert choose([here], HERE, host="::1") is here
    assert choose([here], HERE, host="box", port=10350) == Server(0, "", "box", 10350)
    assert choose([here], HERE, host="box") == Server(0, "", "box", 10350)
    there = here._replace(host="box")
    assert choose([here, there], HERE, host="box") is there


def test_the_one_of_the_port_is_meant_else_of_this_directory_else_the_only_one() -> None:
    here, there = server(1, str(HERE)), server(2)
    assert choose([here, there], HERE, port=2) is there
    assert choose([here, there], HERE) is here
    assert choose([there], HERE) is there
    assert choose([here], HERE, host="127.0.0.1", port=9) == Server(0, "", "127.0.0.1", 9)


def test_several_are_listed_to_choose_from() -> None:
    with pytest.raises(CannotTell) as caught:
        choose([server(1), server(2)], HERE)
    assert str(caught.value) == (
        "several uprights are running: choose one with --port or UPRIGHT_PORT\n"
        "  --port 1  /elsewhere/Tiltfile\n"
        "  --port 2  /elsewhere/Tiltfile"
    )


def test_none_says_how_to_start_one() -> None:
    with pytest.raises(CannotTell, match='no upright is running here: start one with "upright ci"'):
        choose([], HERE)
