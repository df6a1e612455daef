"""What kubectl's table says of a Job: how it stands, how many completions, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.openapi.core_v1.template_columns import TEMPLATE_COLUMNS
from upright.openapi.documents.ages import span
from upright.openapi.meta import parse_time
from upright.openapi.scheme import AGE, NAME, Column

if TYPE_CHECKING:
    from upright.openapi.meta import Json

_WORDS = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet", "Suspended")


def _status(body: Json) -> str:
    conditions = body.get("status", {}).get("conditions") or ()
    true = {one.get("type") for one in conditions if one.get("status") == "True"}
    word = next((word for word in _WORDS if word in true), None)
    if word is None:
        return "Terminating" if body.get("metadata", {}).get("deletionTimestamp") else "Running"
    return word


def _completions(body: Json) -> str:
    spec, succeeded = body.get("spec", {}), body.get("status", {}).get("succeeded", 0)
    if (wanted := spec.get("completions")) is not None:
        return f"{succeeded}/{wanted}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(body: Json) -> str | None:
    status = body.get("status", {})
    begun, ended = status.get("startTime"), status.get("completionTime")
    if not begun or not ended:
        return None
    return span((parse_time(ended) - parse_time(begun)).total_seconds())


JOB_COLUMNS = (
    NAME,
    Column("STATUS", _status, description="Running, Complete, Failed or Suspended"),
    Column("COMPLETIONS", _completions, description="Pods that succeeded, of those wanted"),
    Column("DURATION", _duration, description="From its start to its completion"),
    AGE,
    *TEMPLATE_COLUMNS,
)
