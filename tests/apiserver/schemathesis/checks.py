"""What schemathesis asks of every answer, beside its own checks; loaded by its process (SCHEMATHESIS_HOOKS)."""

from __future__ import annotations

from typing import Any

import schemathesis

YET_TO_COME = "ResourceVersionTooLarge"


@schemathesis.check
def is_no_fault_of_ours(context: Any, response: Any, case: Any) -> None:  # noqa: ANN401  reason: its types are many
    """Raise for a 5xx (but a revision that is yet to come: 504, as Kubernetes has it), and for a failure that is no Status."""
    if response.status_code < 400:
        return
    status = response.json()
    assert response.status_code < 500 or YET_TO_COME in response.text, status
    assert (status["kind"], status["code"]) == ("Status", response.status_code)
    assert status["reason"], status
    assert status["message"], status
