from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from upright.client.cli.__main__ import main

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = Path(__file__).parents[2] / "docs/tiltfile-api.md"


def test_a_tiltfile_is_checked_without_a_cluster_or_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Tiltfile").write_text('local_resource("a", "make")\nlocal_resource("b", "x", resource_deps = ["a"])\n')
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The Tiltfile is right: 2 resources.")
    assert "after    a" in said
    assert "runs     sh -c make" in said


def test_a_wrong_tiltfile_ends_a_check_with_exit_code_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Tiltfile").write_text("local_resurce()\n")
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile")]) == 5
    assert "did you mean local_resource?" in capsys.readouterr().err


def test_the_result_is_one_json_object_whatever_the_tiltfile_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Tiltfile").write_text('print("hello")\nlocal_resource("a", str(local("echo make")))\n')
    assert main(["alpha", "tiltfile-result", "-f", str(tmp_path / "Tiltfile")]) == 0
    (manifest,) = json.loads(capsys.readouterr().out)["Manifests"]
    assert manifest["DeployTarget"]["UpdateCmdSpec"]["args"] == ["sh", "-c", "make"]


def test_the_stub_of_all_functions_is_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiltfile", "api", "--form", "stub"]) == 0
    names = {node.name for node in ast.parse(capsys.readouterr().out).body if isinstance(node, ast.FunctionDef)}
    assert {"docker_build", "k8s_yaml", "local_resource"} <= names


def test_the_page_of_all_functions_in_the_documents_is_the_one_that_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tiltfile", "api", "--form", "markdown"]) == 0
    assert capsys.readouterr().out == PAGE.read_text(), (
        "run: upright tiltfile api --form markdown > docs/tiltfile-api.md"
    )


def test_a_check_is_told_to_scripts_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "all.yaml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: a, image: web}]}}\n---\n"
        "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: 'sword\"fish'}}\n"
    )
    (tmp_path / "Tiltfile").write_text(
        'docker_build("web", ".")\nk8s_yaml("all.yaml")\nk8s_resource("web", objects=["s"], port_forwards=[8080])\n'
        'local_resource("a", ["login", "sword\\"fish"], resource_deps=["web"])\n'
        'config.set_enabled_resources(["web"])\n'
    )
    assert main(["tiltfile", "check", "--cluster=embedded", "-o", "json", "-f", str(tmp_path / "Tiltfile")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["right"], said["errors"], said["cluster"]["embedded"]) == (True, [], True)
    assert said["resources"] == [
        {
            "name": "web",
            "kind": "kubernetes",
            "enabled": True,
            "builds": [{"image": "web", "from": str(tmp_path)}],
            "deploys": ["s:secret", "web:pod"],
            "forwards": ["localhost:8080"],
        },
        {
            "name": "a",
            "kind": "local",
            "enabled": False,
            "after": ["web"],
            "runs": ["login", "[redacted secret s:password]"],
        },
    ]


def test_what_is_wrong_is_told_to_scripts_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Tiltfile").write_text("x = 1\nlocal_resource(nme='a')\n")
    assert main(["tiltfile", "check", "-o", "json", "-f", str(tmp_path / "Tiltfile")]) == 5
    said = json.loads(capsys.readouterr().out)
    assert said["right"] is False
    assert [(one["file"], one["line"]) for one in said["errors"]] == [(str(tmp_path / "Tiltfile"), 2)]


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*/Tiltfile")), ids=lambda path: path.parent.name)
def test_every_example_is_right(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tiltfile", "check", "--cluster=embedded", "-o", "json", "-f", str(example)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["resources"]
    assert not said["warnings"]


RIGHT = """
from tiltfile import *
docker_build("web", ".", build_args={"A": "b"}, live_update=[sync("src", "/app"), run("make", trigger=["a"])])
k8s_yaml(["a.yaml", helm("chart", values=["v.yaml"], set=["a=b"])])
k8s_yaml(filter_yaml(read_file("a.yaml"), kind="Deployment")[0])
k8s_resource("web", port_forwards=[8080, "9000:80", port_forward(1, 2)], links=[link("http://a")], labels="x")
k8s_resource("db", trigger_mode=TRIGGER_MODE_MANUAL, pod_readiness="ignore", extra_pod_selectors={"a": "b"})
local_resource("a", cmd=["make"], env={"A": "b"}, readiness_probe=probe(exec=exec_action(["true"])), ready_timeout="5m")
config.define_string_list("to-run", args=True)
config.set_enabled_resources(config.parse().get("to-run", []))
print(os.path.join(os.getcwd(), os.environ["HOME"]), os.getenv("A", "b"), shlex.quote(str(local("date"))), sys.argv)
print(struct(a=1).a, decode_json("{}")["a"], read_yaml("a.yaml", default={}), listdir(".")[0].upper())
where = v1alpha1.ui_component_location("nav", "Global")
text = v1alpha1.ui_text_input_spec(default_value="x")
v1alpha1.ui_button("go", text="Go", location=where, inputs=[v1alpha1.ui_input_spec(name="A", text=text)])
v1alpha1.cmd("c", args=["true"], start_on=v1alpha1.start_on_spec(ui_buttons=["go"]))
k8s_kind("Thing", image_json_path="{.spec.image}")
workload_to_resource_function(lambda id: id.name + id.namespace)
"""
WRONG = """
from tiltfile import *
docker_build(1, ".")
k8s_resource("web", port_forward=[1])
local_resource("a", env=["A=b"])
k8s_yaml(5)
v1alpha1.file_watch("w", watched_paths=1)
k8s_kind("Thing", "{.spec.image}")
link("http://a").port
probe().container_port
"""


@pytest.mark.slow
@pytest.mark.parametrize("checker", [["pyright"], ["mypy", "--strict", "--config-file=", "--cache-dir=/dev/null"]])
def test_editors_take_right_tiltfiles_by_the_stub_and_mark_each_mistake_in_wrong_ones(
    checker: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tiltfile", "api", "--form", "stub"]) == 0
    (tmp_path / "tiltfile.pyi").write_text(capsys.readouterr().out)
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    program = [sys.executable, "-m", *checker, "right.py", "wrong.py"]
    said = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    marked = {tuple(found) for found in re.findall(r"(\w+\.py):(\d+)(?::\d+)?(?: -|:) error", said)}
    assert marked == {("wrong.py", str(line)) for line in range(3, 11)}, said


@pytest.mark.slow
def test_an_interrupt_ends_a_check_that_waits_in_the_kernel(tmp_path: Path) -> None:
    """A read that nobody answers cannot be cancelled: a pipe that is nobody's stands for a file server that is away."""
    (tmp_path / "Tiltfile").write_text('print("reading")\nread_file("/dev/fd/0")\n')
    command = [sys.executable, "-m", "upright.client.cli", "tiltfile", "check", "--verbose"]
    reading, writing = os.pipe()
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as check:
        try:
            assert check.stdout is not None
            next(line for line in check.stdout if "reading" in line)
            check.send_signal(signal.SIGINT)
            assert check.wait(20) == 130
        finally:
            check.kill()
            os.close(reading)
            os.close(writing)
