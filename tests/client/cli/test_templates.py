"""Go's templates, as far as scripts use them on objects."""

from __future__ import annotations

import pytest

from upright.client.cli.output.templates import Template
from upright.client.cli.troubles import WrongUsage

VALUE = {
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "shop"}},
    "items": [{"n": 1}, {"n": 2}],
    "empty": [],
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{.metadata.name}}", "web"),
        ("{{ .metadata.nothing }}", "<no value>"),
        ("{{range .items}}{{.n}} of {{$.metadata.name}};{{end}}", "1 of web;2 of web;"),
        ("{{range .empty}}x{{else}}none{{end}}", "none"),
        ("{{if .items}}some{{else}}none{{end}}{{if .empty}}x{{end}}", "some"),
        ("{{with .metadata}}{{.name}}{{end}}", "web"),
        ('{{index .metadata.labels "app.kubernetes.io/name"}}', "shop"),
        ("{{len .items}}/{{len .empty}}", "2/0"),
        ("a {{- .metadata.name -}} b", "awebb"),
        ("{{range .items}}{{if .n}}{{.n}}{{end}},{{end}}", "1,2,"),
        ("{{/* nothing */}}x", "x"),
    ],
)
def test_a_template_prints_what_go_prints(template: str, expected: str) -> None:
    assert Template(template).text(VALUE) == expected


@pytest.mark.parametrize("template", ["{{range .items}}", "{{end}}", "{{template}}", "{{.a | printf}}"])
def test_what_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(WrongUsage):
        Template(template).text(VALUE)
