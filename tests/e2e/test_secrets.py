"""Where a secret must not be seen: each way in which a run tells something, with the secret in each form that programs print it in."""

from __future__ import annotations

import base64
import html
import http.client
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tests.e2e.conftest import nothing_left
from tests.e2e.leftovers import pause
from tests.e2e.project import Project, new_project
from upright.controllers.record.record_file import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.project import Running
    from upright.openapi.meta import Json

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

VALUE = 'pa&ss "w<o>rd"/100%'
OTHER = "ünder=the+mat\\tomorrow"
FORMS = tuple(
    form
    for value in (VALUE, OTHER)
    for form in (
        value,
        base64.b64encode(value.encode()).decode(),
        base64.urlsafe_b64encode(value.encode()).decode(),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
    )
)
"""What is told; one secret is given as it is, the other one encoded."""

OBJECTS: tuple[Json, ...] = (
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "plain"}, "stringData": {"password": VALUE}},
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "encoded"},
        "data": {"key": base64.b64encode(OTHER.encode()).decode()},
    },
)
TILTFILE = """
k8s_yaml('before/objects.yaml')
forms = decode_json(read_file('before/forms.json'))
for number in [0, 1, 3, 5]:
  local_resource('arg%d' % number, ['sh', '-c', 'exit 3', forms[number]], allow_parallel=True)
local_resource('prints', 'cat before/forms.txt; exit 1', allow_parallel=True)
local_resource('env', ['sh', '-c', 'echo "$TOLD"; exit 4'], env={'TOLD': forms[0]}, allow_parallel=True)
local_resource('server', serve_cmd=['sh', '-c', 'cat before/forms.txt; exit 5', forms[0]], allow_parallel=True)
local_resource('probed', serve_cmd='exec sleep 1000', allow_parallel=True,
  readiness_probe=probe(period_secs=1, exec=exec_action(['sh', '-c', 'cat before/forms.txt; exit 1'])))
warn('warned of %s' % forms[0])
for form in forms:
  print(form)
"""
MODES = ("all", "failures", "github", "gitlab", "json", "plain")
FILES = (
    "--report=report.json",
    "--report-html=page.html",
    "--junit=junit.xml",
    "--output-snapshot-on-exit=snapshot.json",
)
COMMANDS = (
    ("logs",),
    ("get", "session", "-o", "yaml"),
    ("describe", "session"),
    ("describe", "resource", "prints"),
    ("describe", "resource", "server"),
    ("get", "resource"),
    ("get", "uiresource"),
)
KINDS = ("sessions", "tiltfiles", "resources", "uiresources", "cmds", "kubernetesdiscoverys")
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def asked(running: Running, path: str, headers: dict[str, str] | None = None) -> bytes:
    connection = http.client.HTTPConnection("localhost", running.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().read()
    finally:
        connection.close()


def statuses(answer: bytes | str) -> str:
    """Return the statuses of a list: what was asked for is stored as it was written, and shown to who may read it."""
    return json.dumps([one.get("status") for one in json.loads(answer)["items"]], ensure_ascii=False)


def recorded(file: Path) -> str:
    """Return what a record holds, as text."""
    return json.dumps(list(read(file)), ensure_ascii=False)


def told(project: Project, mode: str) -> dict[str, str]:
    """Run to the end in one of the forms of the log; return all that the run printed and wrote."""
    summary = project.home.parent / "summary.md"
    given = replace(project, environ={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    stays = ("--stay",) if mode == "all" else ()
    running = given.start(
        *FILES, "--set=ready_timeout=2s", "--record=record", f"--log={mode}", "--fail-fast=never", *stays
    )
    texts: dict[str, str] = {}
    if stays:
        while not any(one["status"].get("done") for one in running.get("/apis/session")["items"]):
            pause()
        texts = asked_while_it_runs(given, running)
        running.signal(signal.SIGINT)
    outcome = running.ended()
    assert outcome.code == 1, outcome
    texts |= {"stdout": outcome.out, "stderr": outcome.err, "summary": summary.read_text() if summary.exists() else ""}
    logs = [path for path in (outcome.folder / "logs").iterdir() if path.is_file()]
    written = [*(path for path in project.folder.iterdir() if path.is_file() and path.name != "Tiltfile"), *logs]
    texts |= {path.name: path.read_text(errors="replace") for path in written}
    texts |= {f"record in {path.name}": recorded(path / "record") for path in (project.folder, outcome.folder)}
    texts["logs of a run that has ended"] = given.upright("logs").stdout
    return {f"{name} (--log={mode})": text for name, text in texts.items()}


def asked_while_it_runs(project: Project, running: Running) -> dict[str, str]:
    here = ("--port", str(running.port))
    texts = {" ".join(one): project.upright(*one, *here).stdout for one in COMMANDS}
    texts |= {f"status of {kind}": statuses(project.upright("get", kind, "-o", "json", *here).stdout) for kind in KINDS}
    texts |= {f"/apis/{kind}": statuses(asked(running, f"/apis/{kind}")) for kind in ("session", "resource")}
    texts |= {f"table of {kind}": asked(running, f"/apis/{kind}", TABLE).decode() for kind in ("session", "resource")}
    texts["dashboard"] = asked(running, "/").decode()
    texts |= {path.name: path.read_text() for path in (project.home / "runtime/upright").iterdir()}
    return texts


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, str]:
    """Return each text by what it is."""

    def ended(mode: str) -> dict[str, str]:
        project = new_project(tmp_path_factory.mktemp(mode), cache)
        project.write("before/objects.yaml", "\n---\n".join(json.dumps(one) for one in OBJECTS))
        project.write("before/forms.json", json.dumps(FORMS))
        project.write("before/forms.txt", "".join(f"it is {form}.\n" for form in FORMS))
        project.write("Tiltfile", TILTFILE)
        return told(project, mode)

    with nothing_left(), ThreadPoolExecutor(2) as threads:
        return {name: text for found in threads.map(ended, MODES) for name, text in found.items()}


def test_no_text_has_a_secret_in_any_form(run: dict[str, str]) -> None:
    seen = {
        (name, form)
        for name, text in run.items()
        for form in FORMS
        for shown in {form, html.escape(form), json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1]}
        if shown in text
    }
    assert not seen


def test_each_text_that_has_words_shows_that_something_was_taken_out(run: dict[str, str]) -> None:
    shown = {name for name, text in run.items() if "[redacted secret plain:password]" in text}
    for mode in MODES:
        for name in ("stdout", "report.json", "page.html", "junit.xml", "snapshot.json", "record in project"):
            assert f"{name} (--log={mode})" in shown
    for name in ("logs", "describe session", "describe resource prints", "get session -o yaml", "status of resources"):
        assert f"{name} (--log=all)" in shown
    assert "summary (--log=github)" in shown
