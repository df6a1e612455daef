"""What can go wrong with a container engine, named for what happened; every message holds the engine's own words.

EngineError
  NoEngine               none found, and none can be started here; the message says what to do
  EngineGone             it does not answer any more; what was asked may or may not have happened
  NotFound               no such container, network, volume, or path in a container
    ImageNotFound        no such image in the engine's store
  Conflict               the name is taken, the thing is in use, or not in the state for that
  PullFailed             an image cannot be brought
    PullNotFound         the registry has no such image
    PullDenied           the registry wants other credentials; Docker Hub says this for what it has not, too
    PullLimited          the registry's rate limit
    PullUnavailable      the registry cannot be reached
  PushFailed             an image cannot be sent
    PushDenied           the registry wants other credentials
    PushUnavailable      the registry cannot be reached, or not now: 5xx, 429, a connection that breaks off
    PushUntrusted        the engine and the registry do not agree on TLS
  StartFailed            the container was created but its program cannot run
    ExecutableNotFound   no such program in the image
    ExecutableForbidden  the program's file may not be executed
    ExecutableForeign    the program is of another architecture, or no program
  BuildFailed            a step of a Dockerfile failed
  BuildRefused           the Dockerfile or the request cannot be built by this engine; nothing was started
"""

from __future__ import annotations

from msgspec import Struct


class EngineError(Exception):
    """The engine did not do what it was asked to; ``status`` is the HTTP status, 0 if there was none."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class NoEngine(EngineError):
    """There is no container engine, and none can be started."""


class EngineGone(EngineError):
    """The engine does not answer any more."""


class NotFound(EngineError):
    """What was named is not there."""


class ImageNotFound(NotFound):
    """The image is not in the engine's store."""


class Conflict(EngineError):
    """The name is taken, or the thing is not in the state for that."""


class PullFailed(EngineError):
    """The image cannot be brought from its registry."""


class PullNotFound(PullFailed):
    """The registry has no such image."""


class PullDenied(PullFailed):
    """The registry does not give the image to us."""


class PullLimited(PullFailed):
    """The registry gave enough for today."""


class PullUnavailable(PullFailed):
    """The registry cannot be reached: no such host, connection refused, timeout, TLS."""


class PushFailed(EngineError):
    """The image cannot be sent to its registry."""


class PushDenied(PushFailed):
    """The registry does not take the image from us."""


class PushUnavailable(PushFailed):
    """The registry cannot be reached, or not now: no such host, connection refused or broken off, timeout, 5xx, 429."""


class PushUntrusted(PushFailed):
    """The engine does not trust the registry's certificate, or one of them speaks TLS and the other does not."""


class StartFailed(EngineError):
    """The container's program cannot run; the container stays, in state ``created``."""


class ExecutableNotFound(StartFailed):
    """The image has no such program."""


class ExecutableForbidden(StartFailed):
    """The program's file may not be executed."""


class ExecutableForeign(StartFailed):
    """The program is of another architecture, or no program at all (exec format error)."""


class BuildRefused(EngineError):
    """This engine cannot build that; ``line`` is the Dockerfile's, 0 if none is to blame."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class FailedStep(Struct, frozen=True):
    """The step of a Dockerfile that failed: its number, its line (0: unknown), its text, its exit code (0: none), its output."""

    step: str = ""
    line: int = 0
    instruction: str = ""
    exit_code: int = 0
    output: str = ""


class BuildFailed(EngineError):
    """A step of the build failed."""

    def __init__(self, message: str, *, at: FailedStep | None = None) -> None:
        super().__init__(message)
        self.at = at or FailedStep()
