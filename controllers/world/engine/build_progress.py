"""What BuildKit's plain progress says, and where in the Dockerfile it is."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.world.engine.dockerfile import instructions
from upright.controllers.world.engine.errors import BuildFailed, FailedStep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from e2b_dockerfile_utils.syntax import DockerfileInstruction

_KEPT_LINES = 200
_AS = 3  # FROM image AS name has more words than this
_LINE = re.compile(r"^#(\d+) (.*)$")
_PRINTED = re.compile(r"^\d+\.\d+ ?(.*)$")
_STEP = re.compile(r"^\[(?:(?P<stage>\S+) )?(?P<number>\d+)/(?P<count>\d+)\] (?P<text>.*)$")
_UNNAMED_STAGE = re.compile(r"^stage-(\d+)$")
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_METADATA = re.compile(r"^\[internal\] load metadata for (\S+)$")
_ERROR_LINE = re.compile(r"^(?:Dockerfile:(\d+)$|.*parse error (?:on )?line (\d+))")
_NOISE = re.compile(
    r"^(?:sha256:|DONE |\.\.\.$|transferring |resolve |exporting |writing |naming |unpacking |preparing |extracting |"
    r"load |reading |\[internal\]|\[auth\])"
)
_LAYERS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
_RULE = re.compile(r"^-{4,}$")


class _Step(Struct):
    """One thing BuildKit does; ``name`` is its first line."""

    name: str
    printed: deque[str] = field(default_factory=lambda: deque[str](maxlen=_KEPT_LINES))
    error: str = ""


class BuildKitOutput:
    """Takes what the CLI prints, and tells what the build's steps say, without the bookkeeping between it."""

    def __init__(self, dockerfile: str, tell: Callable[[str], object]) -> None:
        self._instructions = instructions(dockerfile)
        self._tell = tell
        self._pending = b""
        self._steps: dict[str, _Step] = {}
        self._last = ""
        self._line = 0

    def take(self, data: bytes) -> None:
        """Take the next piece."""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").rstrip("\r"))

    def end(self, *, failed: bool, words: str) -> None:
        """Take the end. Raises BuildFailed."""
        self.take(b"\n")
        if failed:
            raise self._failure(words)

    def _take(self, line: str) -> None:
        if found := _LINE.match(line):
            self._of_step(found[1], found[2])
        elif line and not _RULE.match(line) and not line.startswith(" > ") and not line.isspace():
            if where := _ERROR_LINE.match(line):
                self._line = int(where[1] or where[2])
            self._last = line

    def _of_step(self, number: str, text: str) -> None:
        step = self._steps.get(number)
        if step is None:
            self._steps[number] = _Step(text)
            if not _NOISE.match(text):
                self._tell(text)
        elif printed := _PRINTED.match(text):
            content, _, _ = printed[1].partition(f"#{number} DONE")  # a last line without a line feed
            step.printed.append(content)
            self._tell(content)
        elif text.startswith(("ERROR: ", "CANCELED")):
            step.error = text.removeprefix("ERROR: ") if text.startswith("ERROR") else ""
            self._tell(text)
        elif text != step.name and not _NOISE.match(text):
            self._tell(text)

    def _failure(self, words: str) -> BuildFailed:
        step = next((step for step in self._steps.values() if step.error), None)
        cause = self._last.removeprefix("ERROR: ") or words
        if step is None:
            place = f"Dockerfile line {self._line}: " if self._line else ""
            return BuildFailed(f"{place}{cause}", at=FailedStep(line=self._line))
        cause = step.error
        found = _STEP.match(step.name)
        where = self._where(found) if found else self._base(step.name)
        code = _EXIT_CODE.search(cause)
        at = FailedStep(
            step=f"{found['number']}/{found['count']}" if found else "",
            line=where.start_line if where else self._line,
            instruction=" ".join(where.original.split()) if where else (found["text"] if found else step.name),
            exit_code=int(code[1]) if code else 0,
            output="\n".join(step.printed),
        )
        place = f"Dockerfile line {at.line}: {at.instruction}: " if at.line else ""
        return BuildFailed(f"{place}{cause}", at=at)

    def _where(self, found: re.Match[str]) -> DockerfileInstruction | None:
        """Return the instruction of a step: the n-th of its stage that makes a layer."""
        starts = [index for index, one in enumerate(self._instructions) if one.name == "FROM"]
        stage = self._stage(found["stage"] or "")
        if stage >= len(starts):
            return None
        end = starts[stage + 1] if stage + 1 < len(starts) else len(self._instructions)
        base = self._instructions[starts[stage]]
        earlier = [self._instructions[index] for index in starts[:stage]]
        layers = [base] if _is_fetched(base, earlier) else []
        layers += [one for one in self._instructions[starts[stage] + 1 : end] if one.name in _LAYERS]
        number = int(found["number"])
        return layers[number - 1] if number <= len(layers) else None

    def _needs_no_image(self, stage: int) -> bool:
        """Whether the stage begins with nothing, or with an earlier stage: BuildKit does not count such a FROM."""
        bases = [one.original.split() for one in self._instructions if one.name == "FROM"]
        earlier = {words[-1].lower() for words in bases[:stage] if len(words) > _AS and words[-2].lower() == "as"}
        base = next((arg.lower() for arg in bases[stage][1:] if not arg.startswith("--")), "")
        return base == "scratch" or base in earlier

    def _stage(self, name: str) -> int:
        """Return a stage's index; a build of one stage tells no name."""
        bases = [one for one in self._instructions if one.name == "FROM"]
        for index, one in enumerate(bases):
            words = one.original.split()
            if name and words[-1].lower() == name.lower() and words[-2].lower() == "as":
                return index
        unnamed = _UNNAMED_STAGE.match(name)
        return int(unnamed[1]) if unnamed else 0

    def _base(self, name: str) -> DockerfileInstruction | None:
        """Return the FROM whose image BuildKit could not find; it tells the image's full name."""
        found = _METADATA.match(name)
        if found is None:
            return None
        for one in self._instructions:
            images = [word for word in one.args if found[1].endswith(word) or found[1].endswith(f"{word}:latest")]
            if one.name == "FROM" and images:
                return one
        return None


def _is_fetched(base: DockerfileInstruction, earlier: Sequence[DockerfileInstruction]) -> bool:
    """Whether a FROM is a step of its own: nothing and an earlier stage are there already."""
    image = next((word for word in base.args if not word.startswith("--")), "").lower()
    names = {words[-1].lower() for one in earlier if (words := one.original.split())[-2].lower() == "as"}
    return image != "scratch" and image not in names and not (image.isdigit() and int(image) < len(earlier))
