"""A failure card: one root cause, with the object, the rule and the evidence."""

from __future__ import annotations

from upright.openapi.meta import MicroTime, Model, omit


class Failure(Model):
    """What failed and why: ``path`` leads to it (``Deployment/web``, ``Pod/web-…``, ``container web``), ``logs`` are the last lines of log ``span``."""

    resource: str
    """The resource that failed."""
    target: str
    """The target of it that the session waited for, as in web:runtime."""
    path: tuple[str, ...] = omit(())
    """From the applied object down to what failed."""
    rule: str
    """Which rule says that this is a failure; upright explain rule tells of each."""
    message: str
    """What happened, in a sentence."""
    since: MicroTime | None = None
    """Since when it is so."""
    exit_code: int | None = None
    """What the process exited with, if one did."""
    span: str = omit("")
    """The log that the lines are from."""
    logs: tuple[str, ...] = omit(())
    """The last lines of that log."""
    events: tuple[str, ...] = omit(())
    """What the cluster said of it."""
    image: str = omit("")
    """The image it is about."""
    held_back: tuple[str, ...] = omit(())
    """Resources that did not begin because of it."""
    recoverable: bool = omit(default=False)
    """It may mend itself, and counts only once its time is over."""
