"""What can go wrong, named for what happened, one class a reason of the Kubernetes API.

Every error crosses the wire as a ``Status`` and comes back as the same class:

    APIError
      BadRequest             400 BadRequest        the request cannot be understood
      Unauthorized           401 Unauthorized      no token, or a wrong one
      Forbidden              403 Forbidden         the token may not do this
      NotFound               404 NotFound          no such object, or no such kind
      MethodNotAllowed       405 MethodNotAllowed  the kind has not this verb
      NotAcceptable          406 NotAcceptable     no answer in a form the client takes
      Conflict               409 Conflict          somebody else wrote first
      AlreadyExists          409 AlreadyExists     create over what is there
      Gone                   410 Gone              the past that was asked for is forgotten
      Expired                410 Expired           the list's continue token is too old
      RequestTimeout         408 RequestTimeout    it did not come whole in time
      RequestEntityTooLarge  413 RequestEntityTooLarge
      URITooLong             414 RequestURITooLong
      HeadersTooLarge        431 RequestHeaderFieldsTooLarge
      UnsupportedMediaType   415 UnsupportedMediaType
      Invalid                422 Invalid           the object's fields are wrong, with their paths
      TooManyRequests        429 TooManyRequests
      InternalError          500 InternalError     our own fault
      ServiceUnavailable     503 ServiceUnavailable
      Timeout                504 Timeout           not in time, for example a future resourceVersion

This module needs nothing but the standard library: the command line imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Cause(Struct, frozen=True):
    """One field that is wrong: its path (``spec.args[0]``), what is wrong, and the machine-readable kind of it."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def to_wire(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


class APIError(Exception):
    """An answer of the API that is not success.

    ``details`` holds the Status' details (name, group, kind, uid, retryAfterSeconds) without its causes, and for an
    expired list ``continue``, which the Status has in its metadata.
    """

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(self, message: str, *, causes: Sequence[Cause] = (), details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.causes = tuple(causes)
        self.details = dict(details or {})

    def to_status(self) -> dict[str, Any]:
        """Return the ``Status`` object, as Kubernetes writes it."""
        details = dict(self.details)
        fresh = details.pop("continue", None)
        if self.causes:
            details["causes"] = [cause.to_wire() for cause in self.causes]
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": fresh} if fresh else {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if details:
            status["details"] = details
        return status


class BadRequest(APIError):
    """The request cannot be understood."""

    code = 400
    reason = "BadRequest"


class Unauthorized(APIError):
    """No token, or a wrong one."""

    code = 401
    reason = "Unauthorized"


class Forbidden(APIError):
    """The token may not do this."""

    code = 403
    reason = "Forbidden"


class NotFound(APIError):
    """No such object, or no such kind."""

    code = 404
    reason = "NotFound"


class MethodNotAllowed(APIError):
    """The kind does not have this verb."""

    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(APIError):
    """There is no answer in a form the client takes."""

    code = 406
    reason = "NotAcceptable"


class Conflict(APIError):
    """Somebody else wrote first: read again, and try again."""

    code = 409
    reason = "Conflict"


class AlreadyExists(APIError):
    """An object of that name is there already."""

    code = 409
    reason = "AlreadyExists"


class Gone(APIError):
    """The past that was asked for is forgotten: list again."""

    code = 410
    reason = "Gone"


class Expired(APIError):
    """The list's continue token is too old: list again from the start."""

    code = 410
    reason = "Expired"


class RequestEntityTooLarge(APIError):
    """The body is larger than the server takes."""

    code = 413
    reason = "RequestEntityTooLarge"


class RequestTimeout(APIError):
    """The request did not come whole in the time it was given."""

    code = 408
    reason = "RequestTimeout"


class URITooLong(APIError):
    """The URL is longer than the server takes."""

    code = 414
    reason = "RequestURITooLong"


class HeadersTooLarge(APIError):
    """The headers are larger than the server takes."""

    code = 431
    reason = "RequestHeaderFieldsTooLarge"


class UnsupportedMediaType(APIError):
    """The body's content type is not one the server reads."""

    code = 415
    reason = "UnsupportedMediaType"


class Invalid(APIError):
    """The object's fields are wrong; ``causes`` has their paths."""

    code = 422
    reason = "Invalid"


class TooManyRequests(APIError):
    """Try again later; ``details['retryAfterSeconds']`` says when."""

    code = 429
    reason = "TooManyRequests"


class InternalError(APIError):
    """Our own fault."""


class ServiceUnavailable(APIError):
    """The server cannot answer now."""

    code = 503
    reason = "ServiceUnavailable"


class Timeout(APIError):
    """Not in time."""

    code = 504
    reason = "Timeout"


def _tree(root: type[APIError]) -> dict[str, type[APIError]]:
    found = {root.reason: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


_BY_REASON: dict[str, type[APIError]] = _tree(APIError) | {"InternalError": InternalError}
_BY_CODE: dict[int, type[APIError]] = {
    known.code: known for known in _BY_REASON.values() if known.reason not in {"AlreadyExists", "Expired"}
}


def from_status(status: Mapping[str, Any]) -> APIError:
    """Return the error that ``to_status`` wrote; an unknown reason falls back on the code, then on InternalError."""
    details = dict(status.get("details") or {})
    causes = tuple(
        Cause(str(c.get("field", "")), str(c.get("message", "")), str(c.get("reason", "")))
        for c in details.pop("causes", None) or ()
    )
    if fresh := (status.get("metadata") or {}).get("continue"):
        details["continue"] = fresh
    by_code = _BY_CODE.get(int(status.get("code") or 0), InternalError)
    error = _BY_REASON.get(str(status.get("reason", "")), by_code)
    return error(str(status.get("message", "")), causes=causes, details=details)


def not_found(group: str, plural: str, name: str) -> NotFound:
    """Return Kubernetes' words for an object that is not there."""
    return NotFound(f'{qualified(group, plural)} "{name}" not found', details=named(group, plural, name))


def already_exists(group: str, plural: str, name: str) -> AlreadyExists:
    """Return Kubernetes' words for a create over what is there."""
    return AlreadyExists(f'{qualified(group, plural)} "{name}" already exists', details=named(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str = "") -> Conflict:
    """Return Kubernetes' words for a lost race."""
    why = why or ("the object has been modified; please apply your changes to the latest version and try again")
    message = f'Operation cannot be fulfilled on {qualified(group, plural)} "{name}": {why}'
    return Conflict(message, details=named(group, plural, name))


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> Invalid:
    """Return Kubernetes' words for wrong fields."""
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    inner = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    return Invalid(
        f'{qualified(group, kind)} "{name}" is invalid: {inner}', causes=causes, details=named(group, kind, name)
    )


def qualified(group: str, word: str) -> str:
    """Return ``sessions.tilt.dev``, or ``pods`` for the core group."""
    return f"{word}.{group}" if group else word


def named(group: str, kind: str, name: str) -> dict[str, str]:
    """Return the details that name an object, without empty parts."""
    return {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}
