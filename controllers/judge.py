"""Who decides: hands what was seen to the pure functions. One that also keeps what was seen is in ``record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.resource_decision import decide
from upright.controllers.session_decision import interrupted, session_status

if TYPE_CHECKING:
    from datetime import datetime

    from upright.controllers.resource_decision import Decided, Seen, Tail
    from upright.controllers.session_decision import SessionSeen
    from upright.openapi.v1alpha1.session import Session, SessionStatus, Verdict


class Judge:
    """Decides from what was seen, and nothing else."""

    def resource(self, seen: Seen, tail: Tail) -> Decided:
        """Decide how a resource is doing; ``tail`` returns the last lines of a log span."""
        return decide(seen, tail)

    def session(self, seen: SessionSeen) -> tuple[SessionStatus, datetime | None]:
        """Decide what the run comes to, and when to look again though nothing happens."""
        return session_status(seen)

    def interrupted(self, session: Session, verdict: Verdict) -> SessionStatus:
        """Say how a run ends that was told to end."""
        return interrupted(session.status, verdict)

    async def run(self) -> None:
        """Do what is to be done beside deciding, until cancelled."""
