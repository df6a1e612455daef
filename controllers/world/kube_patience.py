"""What to do when a cluster does not take an object: try again and when, make it anew, or say so; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from upright.openapi.errors import (
    APIError,
    BadRequest,
    Conflict,
    Forbidden,
    InternalError,
    Invalid,
    NotFound,
    ServiceUnavailable,
    Timeout,
    TooManyRequests,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Step = Literal["again", "anew", "say"]

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
_IMMUTABLE = re.compile(
    r"immutable|updates to .* (?:is|are) forbidden|Forbidden: updates to|may not (?:be )?change|cannot change roleRef",
    re.IGNORECASE,
)
_PASSING_REFUSALS = re.compile(
    r"because it is being terminated"  # a namespace on its way out: what is put into it then may be told that it is gone
    r"|error looking up service account"  # a namespace so new that its accounts are not made yet
    r"|status unknown for quota"  # a quota so new that nobody has counted yet
    r"|not yet ready to handle request",  # admission that still reads what it decides by
    re.IGNORECASE,
)
_BUSY = (ServiceUnavailable, Timeout, TooManyRequests)
_MISSING = re.compile(r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?')


def next_step(error: APIError) -> Step:
    """Return what to do after this answer.

    What may pass is tried again: somebody else wrote, the server or a webhook is away, a namespace is coming or going.
    A field that cannot be changed means to make the object anew. All else is the cluster's last word.
    """
    if isinstance(error, (Conflict, InternalError, *_BUSY)):
        return "again"
    if isinstance(error, Forbidden) and _PASSING_REFUSALS.search(error.message):
        return "again"
    if isinstance(error, (Invalid, Forbidden, BadRequest)) and _IMMUTABLE.search(error.message):
        return "anew"
    if isinstance(error, NotFound) and "could not find the requested resource" in error.message:
        return "again"  # one of several servers has not heard of the kind yet
    return "say"


def is_too_much(error: APIError) -> bool:
    """Whether the server says that it is given more than it can take."""
    return isinstance(error, _BUSY)


def pause_seconds(error: APIError, attempt: int) -> float:
    """Return how long to wait after the attempt (0 is the first): as long as the server asks for, else ever longer."""
    asked = error.details.get("retryAfterSeconds")
    if isinstance(asked, (int, float)) and asked > 0:
        return float(asked)
    return min(FIRST_PAUSE_SECONDS * 2.0**attempt, LONGEST_PAUSE_SECONDS)


def retry_after(headers: Mapping[str, str]) -> int:
    """Return the seconds of a Retry-After header; 0 without one, or for a date."""
    value = headers.get("Retry-After", "").strip()
    return int(value) if value.isdecimal() else 0


def worn_out(error: APIError, tries: int, seconds: float) -> APIError:
    """Return the last refusal, with how often it was tried."""
    told = f"{error.message} (tried {tries} times in {seconds:.0f} s)" if tries > 1 else error.message
    return type(error)(told, causes=error.causes, details=error.details)


def with_what_is_missing(error: Forbidden, context: str = "") -> Forbidden:
    """Return the refusal with what to do about it: which permission is missing, and how to see that it is there."""
    found = _MISSING.search(error.message)
    if found is None:
        return error
    verb, plural, group, namespace = found.groups()
    what = f"{plural}.{group}" if group else plural
    place = f" -n {namespace}" if namespace else ""
    kubectl = f"kubectl --context={context}" if context else "kubectl"
    told = f"{error.message}. Grant it the verb {verb} on {what}; `{kubectl} auth can-i {verb} {what}{place}` tells"
    return Forbidden(told, causes=error.causes, details=error.details)
