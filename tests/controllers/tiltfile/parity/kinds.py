"""Every argument of every function with a value of every kind: what the real Tilt says of it, kept in data/kinds.json.

``python -m tests.controllers.tiltfile.parity.kinds`` has the Tilt of ``UPRIGHT_TEST_TILT`` say it anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
ANSWERS = DATA / "kinds.json"
FILES = {"Dockerfile": "FROM scratch\n", "x": '"text"\n', "sub/Tiltfile": "y = 1\n", "chart/Chart.yaml": "name: c\n"}
KINDS = {
    "None": "None",
    "int": "7",
    "string": '"x"',
    "bool": "True",
    "list": '["x"]',
    "list of int": "[7]",
    "dict": '{"a": "b"}',
    "dict of int": "{7: 7}",
    "blob": 'blob("x")',
}
GIVEN = {
    "apply_cmd": '"true"',
    "cmd": '"true"',
    "command": '"true"',
    "configPaths": '"compose.yml"',
    "contexts": '"x"',
    "context": '"."',
    "deps": "[]",
    "enable": "True",
    "delete_cmd": '"true"',
    "dir": '"."',
    "disable_scrub": "True",
    "func": "len",
    "host": '"example.com"',
    "key": '"k"',
    "kind": '"Thing"',
    "local_port": "80",
    "name": '"n"',
    "path": '"./sub/Tiltfile"',
    "port": "80",
    "ref": '"img"',
    "resources": "[]",
    "remote_path": '"/x"',
    "local_path": '"."',
    "tags": "{}",
    "trigger_mode": "TRIGGER_MODE_AUTO",
    "url": '"https://example.com"',
    "value": '"v"',
    "yaml": 'blob("{}")',
    "json": '"{}"',
}
"""What a parameter that must be given gets while another is tried."""

ALSO = {
    "local_resource": ('cmd = "true"', "cmd", "serve_cmd"),
    "test": ('cmd = "true"', "cmd", "serve_cmd"),
    "probe": ('exec = exec_action(["x"])', "exec", "http_get", "tcp_socket"),
    "k8s_resource": ('workload = "w"', "workload", "new_name", "objects"),
}
"""What else a function is given, unless one of the parameters named behind it is tried."""

SKIPPED = {
    "exit code",  # what it says is no error
    "local command",  # a word of its own shell
}


def table() -> list[list[str]]:
    """Return each function's name and its parameters, ``?`` behind those that need not be given."""
    return [line.split() for line in (DATA / "signatures.txt").read_text().splitlines()]


def programs() -> dict[str, str]:
    """Return a Tiltfile for each function, parameter and kind of value."""
    found: dict[str, str] = {}
    for name, *parameters in table():
        needed = [one for one in parameters if not one.endswith("?")]
        for parameter in (one.rstrip("?") for one in parameters):
            if f"{name} {parameter}" in SKIPPED:
                continue
            words = [f"{one} = " + GIVEN.get(one, '"x"') for one in needed if one != parameter]
            also, *unless = ALSO.get(name, ("", parameter))
            if parameter not in unless:
                words.append(also)
            for kind, value in KINDS.items():
                call = f"{name}({', '.join([*words, f'{parameter} = {value}'])})"
                found[f"{name} {parameter} {kind}"] = f'{call}\nlocal_resource("z", "true")\n'
    return found


def prepare(root: Path) -> None:
    """Write the files that the programs read."""
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def plain(message: str, root: Path) -> str:
    """Return the message without what differs by place and time."""
    return re.sub(r" \(did you mean [^)]*\)", "", message.replace(str(root), "$ROOT")).strip()


def theirs(program: str, home: Path) -> str:
    """Return what the real Tilt has against the program; nothing, if nothing."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        prepare(root)
        (root / "Tiltfile").write_text(program)
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "KUBECONFIG": str(home / "none")}
        done = subprocess.run(
            [os.environ["UPRIGHT_TEST_TILT"], "alpha", "tiltfile-result", "-f", "Tiltfile"],
            cwd=root, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if not done.returncode:
            return ""
        _, _, message = done.stderr.rpartition("\nError")
        return plain(re.sub(r"^ in [\w.]+: |^: ", "", message), root)


def main() -> int:
    """Have the real Tilt say it all anew."""
    with tempfile.TemporaryDirectory() as home, ThreadPoolExecutor(2) as pool:
        wanted = programs()
        said = pool.map(lambda program: theirs(program, Path(home)), wanted.values())
        answers = {name: message for name, message in zip(wanted, said, strict=True) if message}
    ANSWERS.write_text(json.dumps(answers, indent=0, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
