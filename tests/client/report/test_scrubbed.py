"""Secrets reach no form of the report, as they are or encoded."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from tests.client.report.reports import FAILURE, RESOURCES, report, session
from upright.client.cli.cards import card_lines
from upright.client.logs import LogLine
from upright.client.report.github import step_summary, workflow_commands
from upright.client.report.junit import junit_xml
from upright.client.report.page import html_page
from upright.client.report.scrubbed import scrubbed, scrubbed_json
from upright.client.report.snapshot import snapshot
from upright.client.report.summary import summary_lines
from upright.controllers.world.secrets import Secrets

SECRET = 'pa§s "w<o>rd" & 100%/more'
FORMS = {
    "plain": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    "address": quote(SECRET, safe=""),
    "form": quote_plus(SECRET),
    "json": json.dumps(SECRET)[1:-1],
    "json, not ascii": json.dumps(SECRET, ensure_ascii=False)[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_form_of_a_secret_is_in_any_form_of_the_report(form: str) -> None:
    secrets = Secrets()
    secrets.add("s", "password", SECRET.encode())
    card = FAILURE.model_copy(
        update={
            "message": f"it said {form}.",
            "logs": (f"<{form}>",),
            "events": (form,),
            "path": (form,),
            "image": form,
        }
    )
    told = session(reason=f"web: {form}", failures=(card,))
    whole = report(told)
    safe = scrubbed(whole, secrets.scrub)
    lines = [LogLine(FAILURE.since or told.status.start_time, "web", "x", "INFO", form)]  # type: ignore[arg-type]  # has a date
    made = snapshot(
        resources=[one.to_wire() for one in RESOURCES], others={}, lines=lines, session=told.to_wire(), version="1"
    )
    written = {
        "report": json.dumps(safe.to_wire(), ensure_ascii=False),
        "junit": junit_xml(safe),
        "page": html_page(safe, {"web": [secrets.scrub(form)]}),
        "annotations": workflow_commands(safe),
        "summary of the step": step_summary(safe),
        "table": summary_lines(safe),
        "card": card_lines(safe.failures[0].to_wire()),
        "snapshot": json.dumps(scrubbed_json(json.loads(made), secrets.scrub)),
    }
    escaped = {
        form,
        html.escape(form),
        escape(form),
        json.dumps(form)[1:-1],
        json.dumps(form, ensure_ascii=False)[1:-1],
    }
    for name, text in written.items():
        assert not [one for one in escaped if one in text], name
    assert "[redacted secret s:password]" in written["junit"]
    assert [one for one in escaped if one in junit_xml(whole)], "the test can see secrets"
