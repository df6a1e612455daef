"""The report as JUnit, as a page, and as GitHub and GitLab have it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from tests.client.report.reports import FAILURE, RESOURCES, at, report, session
from upright.client.logs import LogLine
from upright.client.report.github import SUMMARY_BYTES, group, step_summary, workflow_commands
from upright.client.report.gitlab import section
from upright.client.report.junit import junit_xml
from upright.client.report.page import html_page
from upright.client.report.snapshot import snapshot
from upright.openapi.v1alpha1.failure import Failure


def cases(state: str = "failed", failures: tuple[Failure, ...] = (FAILURE,)) -> dict[str, str]:
    """Return what JUnit says of each target: ``ok``, or the element in its case."""
    tree = ET.fromstring(junit_xml(report(session(state, failures=failures))))
    suite = tree[0]
    assert suite.attrib["tests"] == str(len(suite))
    return {case.attrib["name"]: case[0].tag if len(case) else "ok" for case in suite}


def test_junit_has_a_case_a_target() -> None:
    assert cases() == {
        "tiltfile:update": "ok",
        "db:update": "ok",
        "web:update": "failure",
        "api:update": "skipped",
        "slow:serve": "skipped",
    }


@pytest.mark.parametrize("state", ["timeout", "unknown", "interrupted"])
def test_what_a_run_did_not_get_to_the_end_is_an_error(state: str) -> None:
    assert cases(state)["slow:serve"] == "error"
    assert cases(state)["api:update"] == "skipped"


def test_junit_is_red_whenever_the_run_is() -> None:
    made = report(session("unknown", "cannot tell: the cluster is lost", ())).model_copy(update={"resources": ()})
    tree = ET.fromstring(junit_xml(made))
    assert tree.attrib["errors"] == "1"
    assert tree[0][0].attrib["name"] == "verdict"
    assert tree[0][0][0].attrib["message"] == "cannot tell: the cluster is lost"


def test_junit_shows_the_card_whatever_is_in_it() -> None:
    tree = ET.fromstring(junit_xml(report()))
    (failure,) = tree.iter("failure")
    assert failure.attrib == {"message": FAILURE.message, "type": "command-failed"}
    assert "    ]]> red \ufffd ```` ::error::x" in (failure.text or "").splitlines()


class _Parts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_needs_nothing_else_and_shows_everything() -> None:
    parts = _Parts()
    parts.feed(html_page(report(), {"": ["started"], "web": ["<script>alert(1)</script>", "two"]}))
    assert not {"script", "link", "img", "iframe"} & set(parts.tags)
    assert not {"src", "href"} & set(parts.attributes)
    shown = "".join(parts.text)
    for word in (
        "failed",
        FAILURE.message,
        "<script>alert(1)</script>",
        "held back",
        "Critical path: db 2.0s",
        "started",
    ):
        assert word in shown


def test_a_workflow_command_a_failure() -> None:
    wrong = Failure(resource="(Tiltfile)", target="tiltfile:update", rule="tiltfile", message="Tiltfile:3:5: 100%\nno")
    assert workflow_commands(report(session(failures=(FAILURE, wrong)))).splitlines() == [
        '::error title=web%3A command-failed::Cmd/web:update: Command "make <web> & more" failed: exit status 2',
        "::error title=(Tiltfile)%3A tiltfile,file=Tiltfile,line=3,col=5::Tiltfile:3:5: 100%25%0Ano",
    ]


def test_a_run_without_a_card_is_annotated_too() -> None:
    assert workflow_commands(report(session("timeout", "Timeout after 1s", ()))) == (
        "::error title=upright ci::Timeout after 1s\n"
    )
    assert workflow_commands(report(session("healthy", "", (), 0))) == ""


def test_the_summary_of_a_step_is_markdown_that_logs_cannot_break() -> None:
    text = step_summary(report())
    assert text.startswith("## ❌ upright ci: failed\n")
    assert "| web | ❌ failed | 1.0s | 1.0s | command-failed |" in text
    assert "\n`````\n✗ web:" in text


def test_the_summary_of_a_step_is_never_longer_than_github_takes() -> None:
    long = FAILURE.model_copy(update={"logs": ("é" * 1000,) * 1000})
    assert len(step_summary(report(session(failures=(long,)))).encode()) <= SUMMARY_BYTES


def test_groups_and_sections_frame_a_text() -> None:
    assert group("db\n1s", "one\n") == "::group::db%0A1s\none\n::endgroup::\n"
    assert section("db 1s", "one\n", at(0), at(1)) == (
        "section_start:1795413600:upright_db_1s[collapsed=true]\r\x1b[0Kdb 1s\none\n"
        "section_end:1795413601:upright_db_1s\r\x1b[0K\n"
    )


def test_a_snapshot_has_what_tilts_viewer_reads() -> None:
    line = LogLine(at(1), "db", "cmd:db:update", "ERROR", "no", {"buildEvent": "0"}, anchor=True)
    resources = [one.to_wire() for one in RESOURCES]
    made = snapshot(resources=resources, others={}, lines=[line], session=session().to_wire(), version="1.2.3")
    found = json.loads(made)
    assert set(found) == {"view", "createdAt"}
    view = found["view"]
    assert view["isComplete"] is True
    assert [one["metadata"]["name"] for one in view["uiResources"]] == ["(Tiltfile)", "db", "web", "api", "slow"]
    assert view["uiResources"][1]["spec"] == {}
    assert "steps" not in view["uiResources"][1]["status"]
    assert view["logList"]["spans"] == {"cmd:db:update": {"manifestName": "db"}}
    assert view["logList"]["segments"] == [
        {
            "spanId": "cmd:db:update",
            "time": "2026-11-23T06:00:01.000000Z",
            "text": "no\n",
            "level": "ERROR",
            "anchor": True,
            "fields": {"buildEvent": "0"},
        }
    ]
