"""What the classic build API says while it builds, and where in the Dockerfile it is."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from upright.controllers.world.engine.dockerfile import instructions
from upright.controllers.world.engine.errors import BuildFailed, FailedStep
from upright.controllers.world.engine.words import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2b_dockerfile_utils.syntax import DockerfileInstruction

_KEPT_LINES = 200
_STEP = re.compile(r"^(?:\[(\d+)/\d+\] )?(?:Step|STEP) (\d+)/(\d+) ?: (.*)$")
_BUILT = re.compile(r"^Successfully built ([0-9a-f]{12,64})$")
_EXIT_CODE = re.compile(r"non-zero code: (\d+)|exit (?:status|code):? (\d+)")
_RED, _PLAIN = "\x1b[91m", "\x1b[0m"
_OWN_WORDS = re.compile(r"^ ?---> |^Removing intermediate container ")


class ClassicOutput:
    """Takes the API's messages, tells the lines, and remembers the step; ``image`` is the id once it is built."""

    def __init__(self, dockerfile: str, tell: Callable[[str], object]) -> None:
        self.image = ""
        self._instructions = instructions(dockerfile)
        self._tell = tell
        self._partial = ""
        self._step: re.Match[str] | None = None
        self._printed: deque[str] = deque(maxlen=_KEPT_LINES)

    def take(self, message: dict[str, Any]) -> None:
        """Take the next message. Raises BuildFailed."""
        if error := message.get("error") or (message.get("errorDetail") or {}).get("message"):
            raise self._failure(str(error).strip(), (message.get("errorDetail") or {}).get("code") or 0)
        if isinstance(aux := message.get("aux"), dict):
            self.image = aux.get("ID") or self.image
        if text := message.get("stream"):
            *lines, self._partial = (self._partial + _unpainted(str(text))).split("\n")
            for line in lines:
                self._line(line.rstrip("\r"))
        elif message.get("status") and not message.get("progressDetail"):
            identity = message.get("id")
            self._line(f"{identity}: {message['status']}" if identity else str(message["status"]))

    def _line(self, line: str) -> None:
        if found := _STEP.match(line):
            self._step = found
            self._printed.clear()
        elif built := _BUILT.match(line):
            self.image = self.image or built[1]
        elif line and not _OWN_WORDS.match(line):
            self._printed.append(line)
        if line:
            self._tell(line)

    def _failure(self, words: str, code: int) -> BuildFailed:
        if self._partial:
            self._line(self._partial)
        if not code and (found := _EXIT_CODE.search(words)):
            code = int(found[1] or found[2])
        where = self._where()
        text = self._step[4] if self._step else ""
        at = FailedStep(
            step=f"{self._step[2]}/{self._step[3]}" if self._step else "",
            line=where.start_line if where else 0,
            instruction=" ".join(where.original.split()) if where else text,
            exit_code=code,
            output="\n".join(self._printed),
        )
        cause = named(500, words).message
        place = f"Dockerfile line {at.line}: {at.instruction}: " if at.line else ""
        return BuildFailed(f"{place}{cause}", at=at)

    def _where(self) -> DockerfileInstruction | None:
        """Return the instruction of the current step: dockerd counts through, podman within a stage, ARGs before it aside."""
        if self._step is None:
            return None
        stage, number = int(self._step[1] or 0), int(self._step[2])
        candidates = list(self._instructions)
        if self._counts_by_stage():
            starts = [index for index, one in enumerate(candidates) if one.name == "FROM"]
            candidates = candidates[starts[max(stage, 1) - 1] :] if len(starts) >= max(stage, 1) else []
        return candidates[number - 1] if number <= len(candidates) else None

    def _counts_by_stage(self) -> bool:
        return self._step is not None and self._step[0].startswith(("[", "STEP"))


def _unpainted(text: str) -> str:
    """Take off the red that dockerd paints stderr with, and nothing else."""
    if text.startswith(_RED) and text.endswith(_PLAIN):
        return text[len(_RED) : -len(_PLAIN)]
    return text
