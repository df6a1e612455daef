"""``upright explain rule NAME``: what a rule of a failure card means; without a name all of them, a line each."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from upright.client.cli.output.widths import line, widths
from upright.client.cli.troubles import WrongUsage, closest
from upright.openapi.rules import RULES, rule

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 100


def explained(words: Sequence[str]) -> str:
    """Return the text. Raises WrongUsage, with a suggestion, for a rule that there is not."""
    if not words:
        cells = [[one.name, one.what] for one in RULES]
        columns = widths(cells)
        return "".join(line(row, columns) for row in cells)
    if len(words) > 1:
        raise WrongUsage(f'one at a time: "{words[0]}" or "{words[1]}"')
    found = rule(words[0])
    if found is None:
        known = [one.name for one in RULES]
        raise WrongUsage(
            f'there is no rule "{words[0]}"{closest(words[0], known) or ": upright explain rule lists them"}'
        )
    parts = [("RED", found.red), ("SETTING", found.setting), ("LOOK AT", found.look)]
    told = "".join(f"\n{title}\n{_wrapped(text, '  ')}" for title, text in parts if text)
    return f"RULE  {found.name}\n\n{_wrapped(found.what)}{told}"


def _wrapped(text: str, indent: str = "") -> str:
    return fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) + "\n"
