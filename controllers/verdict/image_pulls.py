"""Images that do not come: what a registry's answer means, in the words of the container runtimes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from upright.controllers.verdict.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from upright.controllers.verdict.pod_view import PodView
    from upright.openapi.v1alpha1.kubernetes_discovery import Container

PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})
PULL_REFUSALS = 2

Answer = Literal["never", "unreachable", "later", ""]

_NAMES = re.compile(r'"[^"]*"|https?://\S+')
_LATER = re.compile(
    r"\b(?:429|5\d\d)\s+[A-Z][a-z]|\bstatus(?: code)?:? *(?:429|5\d\d)\b|too ?many ?requests|timeout|timed out"
    r"|deadline exceeded",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"not found|manifest unknown|name unknown|unauthorized|denied|does not exist|403 forbidden", re.IGNORECASE
)
_UNREACHABLE = re.compile(r"connection refused|no such host", re.IGNORECASE)


def answer(text: str) -> Answer:
    """Return what the words mean: never, not reachable, perhaps later, or nothing that is known."""
    words = _NAMES.sub("", text)  # an image may be called what it likes
    if _LATER.search(words):
        return "later"
    if _NEVER.search(words):
        return "never"
    return "unreachable" if _UNREACHABLE.search(words) else ""


def pull_findings(view: PodView, container: Container, told: str, since: datetime | None) -> Iterator[Finding]:
    """Yield why the image will not come: a refusal at once, a registry that is not there at its second silence."""
    mine = [e for e in view.events if e.reason == "Failed" and f'"{container.image}"' in e.message]
    means = answer(told)
    if not means and mine:
        told, means = f"{told}: {mine[-1].message}", answer(mine[-1].message)
    if means == "unreachable":
        refusals = sum(max(e.count, 1) for e in mine if answer(e.message) == "unreachable")
        means = "never" if refusals >= PULL_REFUSALS else "later"
        recoverable = True
    else:
        recoverable = False
    if means == "never":
        yield Finding(
            "image-pull",
            view.path(container.name),
            told,
            since,
            image=container.image,
            events=view.warnings(),
            recoverable=recoverable,
        )
