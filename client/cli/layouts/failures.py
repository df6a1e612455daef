"""Failure cards: what failed, by which rule, and what shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.layouts.page import since

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from upright.client.cli.layouts.page import Page
    from upright.openapi.meta import Json


def add_failures(page: Page, failures: Sequence[Json], now: datetime) -> None:
    """Add a section with a card each; nothing where nothing failed."""
    if not failures:
        return
    page.section("Failures")
    for number, failure in enumerate(failures):
        if number:
            page.line("")
        _card(page, failure, now)


def _card(page: Page, failure: Json, now: datetime) -> None:
    page.line(f"  {failure['target']}: {failure['message']}")
    page.known("Where", " → ".join(failure.get("path") or ()), 4)
    page.known("Rule", failure.get("rule"), 4)
    page.known("Since", since(failure.get("since"), now), 4)
    page.known("Exit code", failure.get("exitCode"), 4)
    page.known("Image", failure.get("image"), 4)
    page.known("Holds back", ", ".join(failure.get("heldBack") or ()), 4)
    if events := failure.get("events"):
        page.line("    Events:")
        page.lines(events, 6)
    if logs := failure.get("logs"):
        page.line("    Log:")
        page.lines((f"│ {line}" for line in logs), 6)
