"""A failure card: one root cause, with the object, the rule and the evidence."""

from __future__ import annotations

from upright.openapi.meta import MicroTime, Model, omit


class Failure(Model):
    """What failed and why: ``path`` leads to it (``Deployment/web``, ``Pod/web-…``, ``container web``), ``logs`` are the last lines of log ``span``."""

    resource: str
    target: str
    path: tuple[str, ...] = omit(())
    rule: str
    message: str
    since: MicroTime | None = None
    exit_code: int | None = None
    span: str = omit("")
    logs: tuple[str, ...] = omit(())
    events: tuple[str, ...] = omit(())
    image: str = omit("")
    held_back: tuple[str, ...] = omit(())
    recoverable: bool = omit(default=False)
