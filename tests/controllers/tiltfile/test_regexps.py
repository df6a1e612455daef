"""Users' regular expressions are Go's: what Go refuses is refused in its words, and none takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.controllers.tiltfile.language.errors import WrongValue
from upright.controllers.tiltfile.regexps import searcher

if TYPE_CHECKING:
    from tests.controllers.tiltfile.worlds import World

REFUSED = [
    (r"(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
    (r"(?<!a)", "invalid named capture: `(?<!a)`"),
    (r"(?P<>a)b", "invalid named capture: `(?P<>`"),
    (r"(?P<a", "invalid named capture: `(?P<a`"),
    (r"(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
    (r"(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
    (r"(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
    (r"(?(1)a|b)", "invalid or unsupported Perl syntax: `(?(`"),
    (r"(a)\1", r"invalid escape sequence: `\1`"),
    (r"\Z", r"invalid escape sequence: `\Z`"),
    (r"\C", r"invalid escape sequence: `\C`"),
    (r"\é", r"invalid escape sequence: `\é`"),
    (r"a{1001}", "invalid repeat count: `{1001}`"),
    (r"a{2,1}", "invalid repeat count: `{2,1}`"),
    (r"(((a{100}){100}){100})", "invalid repeat count: `{100}`"),
    (r"a**", "invalid nested repetition operator: `**`"),
    (r"a++", "invalid nested repetition operator: `++`"),
    (r"*a", "missing argument to repetition operator: `*`"),
    (r"(a", "missing closing ): `(?i)(a`"),
    (r"a)", "unexpected ): `(?i)a)`"),
    (r"[a", "missing closing ]: `[a`"),
    (r"[z-a]", "invalid character class range: `z-a`"),
    ("\\", "trailing backslash at end of expression: ``"),
]
"""A pattern, and what tilt 0.37 says of it after ``error parsing name regexp: error parsing regexp: ``."""

WIDGETS = 'blob("apiVersion: v1\\nkind: Widget\\nmetadata: {name: %s}\\n")'


@pytest.mark.parametrize(("pattern", "message"), REFUSED)
def test_a_pattern_that_go_refuses_is_refused_in_its_words(world: World, pattern: str, message: str) -> None:
    found = world.load(f'x = 1\nfilter_yaml({WIDGETS % "a"}, name = r"{pattern}")\n'.replace('r"\\"', '"\\\\"'))
    assert found.error is not None
    assert found.error.message == f"error parsing name regexp: error parsing regexp: {message}"
    assert "Tiltfile:2:1: " in str(found.error)


@pytest.mark.parametrize("word", ["name", "namespace", "kind", "api_version"])
def test_the_argument_with_the_wrong_pattern_is_named(world: World, word: str) -> None:
    said = {"api_version": "apiVersion"}.get(word, word)
    message = world.wrong(f'filter_yaml({WIDGETS % "a"}, {word} = "(")\n')
    assert message == f"error parsing {said} regexp: error parsing regexp: missing closing ): `(?i)(`"


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*b", r"(a*)*(a*)*(a*)*$", r"(?:a?){30}a{30}$"])
def test_no_pattern_holds_up_a_run(world: World, pattern: str) -> None:
    yaml = WIDGETS % ("a" * 250 + "1")
    world.good(
        f'found, rest = filter_yaml({yaml}, name = r"{pattern}")\n'
        f'k8s_kind("Widget", api_version = r"{pattern}")\n'
        f'k8s_image_json_path("{{.spec.image}}", name = r"{pattern}")\n'
        f"k8s_yaml({yaml})\n"
    )


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("", "Deployment", True),
        ("Job", "CronJob", True),
        ("job", "CronJob", False),
        ("(?i)job", "CronJob", True),
        ("^(?i:job)$", "CronJob", False),
        ("batch/v1", "batch/v1beta1", True),
        ("v1.$", "batch/v1", False),
        (r"\Qa.b\E", "a.b", True),
        (r"\Qa.b\E", "acb", False),
        (r"\pL+\z", "é", True),
        ("(?s)a.b", "a\nb", True),
        ("(?P<x>a)|(?<y>b)", "b", True),
        (r"\\Cat", r"\Cat", True),
        ("[[:alpha:]]", "1", False),
    ],
)
def test_a_pattern_is_found_as_go_finds_it(pattern: str, text: str, found: bool) -> None:
    assert searcher(pattern)(text) is found


def test_what_is_no_pattern_in_an_object_of_the_api_is_refused() -> None:
    with pytest.raises(WrongValue, match=r"error parsing regexp: missing closing \)"):
        searcher("(")
