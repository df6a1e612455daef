"""Every rule that a card can name is documented, and the page is what the rules say."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from upright.client.cli.__main__ import main
from upright.openapi.rules import RULES, page, rule
from upright.openapi.v1alpha1.limits import LIMIT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_RULE_NAMES = {"_RULES", "_NEVER", "READINESS_TIMEOUT", "rule"}
PHASES = ("build", "push", "apply", "schedule", "pull", "start")
DECIDING = (*ROOT.glob("controllers/verdict/*.py"), ROOT / "controllers/serving.py", ROOT / "client/report/gathered.py")


def _named() -> Iterator[str]:
    """Yield the rules that the code which makes findings and cards names."""
    for path in DECIDING:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from _of_call(node, node.func.id)
            elif isinstance(node, ast.Assign) and _target(node) in _RULE_NAMES:
                yield from _texts(node.value)


def _of_call(node: ast.Call, function: str) -> Iterator[str]:
    if function == "Finding":
        yield from _texts(node.args[0]) if node.args else ()
    if function == "_found" and len(node.args) > 2:
        yield from _texts(node.args[2])
    yield from (text for keyword in node.keywords if keyword.arg == "rule" for text in _texts(keyword.value))


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        yield from (text for value in node.values for text in _texts(value))
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _target(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def test_every_rule_that_a_card_can_name_is_documented() -> None:
    named = {*_named(), *(f"{phase}-timeout" for phase in PHASES)}
    assert {"crash-loop", "job-failed", "command-failed", "image-pull", "failed", "tiltfile"} <= named
    known = {one.name for one in RULES}
    assert named - known == set()
    assert known - named <= {"update-failed", "unschedulable", "missing-reference", "build-failed"}


def test_the_page_is_what_the_rules_say() -> None:
    """Write it anew: ``.venv/bin/python -m upright.openapi.rules > docs/rules.md``."""
    assert (ROOT / "docs/rules.md").read_text(encoding="utf-8") == page()


def test_rules_name_settings_that_there_are() -> None:
    assert {one.setting for one in RULES if one.setting} <= set(LIMIT_NAMES)
    assert len({one.name for one in RULES}) == len(RULES)


def test_a_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "rule", "crash-loop"]) == 0
    told = capsys.readouterr().out
    found = rule("crash-loop")
    assert found
    assert told.startswith(f"RULE  crash-loop\n\n{found.what}\n\nRED\n  After three crashes")
    assert "SETTING\n  crash_budget\n" in told
    assert max(map(len, told.splitlines())) <= 100


def test_all_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "rule"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [one.name for one in RULES]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["crashloop"], 'did you mean "crash-loop"?'), (["nothing-like-it"], "lists them"), (["a", "b"], "one at a time")],
)
def test_what_is_no_rule_is_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "rule", *words]) == 2
    assert said in capsys.readouterr().err
