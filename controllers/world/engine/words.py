"""Which error an engine's words mean: dockerd and podman tell most things by message only."""

from __future__ import annotations

import json
import re

from upright.controllers.world.engine.errors import (
    Conflict,
    EngineError,
    ExecutableForbidden,
    ExecutableForeign,
    ExecutableNotFound,
    ImageNotFound,
    NotFound,
    PullDenied,
    PullFailed,
    PullLimited,
    PullNotFound,
    PullUnavailable,
    PushDenied,
    PushFailed,
    PushUnavailable,
    PushUntrusted,
    StartFailed,
)

NO_NAMESPACES = (
    "This container forbids namespaces (Docker's default seccomp profile), so no container engine can start here. "
    "Give the job a Docker service (DOCKER_HOST=...), or mount the host's Docker socket."
)

_NO_IMAGE = re.compile(r"no such image|image not known|unable to find image|image .* not found", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"no such host|connection refused|i/o timeout|timeout exceeded|deadline exceeded|network is unreachable|"
    r"no route to host|tls: |x509: |server gave HTTP response|connection reset|Temporary failure in name resolution|"
    r"lookup .* on |EOF$",
    re.IGNORECASE,
)
_UNTRUSTED = re.compile(r"x509: |tls: |server gave HTTP response|http: server gave", re.IGNORECASE)
_FALTERING = re.compile(
    r"HTTP status(?: code)?:? (?:5\d\d|429)|status.{0,8}(?:5\d\d|429)|toomanyrequests|too many requests|"
    r"(?:HTTP |error parsing HTTP )5\d\d|blob upload (?:unknown|invalid)|broken pipe|unexpected EOF|"
    r"Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|unknown: unknown error",
    re.IGNORECASE,
)
_IN_THE_WAY = re.compile(
    r"already in use|already exists|already used|is being used|in use by|active endpoints|container state improper|"
    r"has dependent containers",
    re.IGNORECASE,
)
_LIMITED = re.compile(r"toomanyrequests|too many requests|rate limit|status.{0,8}429", re.IGNORECASE)
_DENIED = re.compile(
    r"unauthorized|denied|authentication required|no basic auth|403 forbidden|status.{0,8}40[13]|incorrect username",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"manifest unknown|not found|name unknown|does not exist|no matching manifest|status.{0,8}404", re.IGNORECASE
)
_START: tuple[tuple[str, type[StartFailed]], ...] = (
    (r"exec format error", ExecutableForeign),
    (r"executable file .*not found|no such file or directory|stat .*: not found", ExecutableNotFound),
    (r"permission denied|is a directory|operation not permitted", ExecutableForbidden),
)
_EXEC_PROGRAM = re.compile(
    r"exec: \"|executable|exec format|starting container process|exec(?:ute)? failed", re.IGNORECASE
)


def message_of(content: bytes, status: int) -> str:
    """Return the words of an error answer: ``{"message": …}`` of dockerd, with ``cause`` of podman, or plain text."""
    try:
        answer = json.loads(content)
    except ValueError:
        return content.decode(errors="replace").strip() or f"HTTP status {status}"
    if isinstance(answer, dict) and isinstance(message := answer.get("message"), str):
        return message.strip()
    return content.decode(errors="replace")


def named(status: int, message: str) -> EngineError:
    """Return the error for an answer of the engine that is not success."""
    if "creating mount namespace" in message.lower():
        return EngineError(f"{message}. {NO_NAMESPACES}", status=status)
    if _NO_IMAGE.search(message):
        return ImageNotFound(message, status=status)
    if status == 404:
        return NotFound(message, status=status)
    if status == 409 or _IN_THE_WAY.search(message):
        return Conflict(message, status=status)
    return EngineError(message, status=status)


def start_error(error: EngineError) -> EngineError:
    """Return what a failed start means: StartFailed's tree if the container's program is to blame."""
    if isinstance(error, NotFound) and not _EXEC_PROGRAM.search(error.message):
        return error
    if _EXEC_PROGRAM.search(error.message):
        for pattern, kind in _START:
            if re.search(pattern, error.message, re.IGNORECASE):
                return kind(error.message, status=error.status)
    return StartFailed(error.message, status=error.status)


def pull_error(error: EngineError, reference: str) -> EngineError:
    """Return what a failed pull means."""
    return _registry_error(
        error,
        f'cannot pull "{reference}"',
        (
            (_LIMITED, PullLimited),
            (_UNREACHABLE, PullUnavailable),
            (_DENIED, PullDenied),
            (_UNKNOWN, PullNotFound),
        ),
        PullFailed,
    )


def push_error(error: EngineError, reference: str) -> EngineError:
    """Return what a failed push means."""
    if isinstance(error, ImageNotFound) or "does not exist locally" in error.message:
        return ImageNotFound(error.message, status=error.status)
    kinds: tuple[tuple[re.Pattern[str], type[EngineError]], ...] = (
        (_UNTRUSTED, PushUntrusted),
        (_UNREACHABLE, PushUnavailable),
        (_DENIED, PushDenied),
        (_FALTERING, PushUnavailable),
    )
    return _registry_error(error, f'cannot push "{reference}"', kinds, PushFailed)


def _registry_error(
    error: EngineError,
    doing: str,
    kinds: tuple[tuple[re.Pattern[str], type[EngineError]], ...],
    otherwise: type[EngineError],
) -> EngineError:
    words = error.message
    kind = next((kind for pattern, kind in kinds if pattern.search(words)), otherwise)
    return kind(f"{doing}: {words}", status=error.status)
