"""Deploying by commands of the user's: one applies and prints what it applied, another deletes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from upright.controllers.world.environment import with_pairs
from upright.controllers.world.output import Lines
from upright.controllers.world.processes import Command, StartFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from upright.controllers.world.logs import LogWriter
    from upright.controllers.world.processes import Exit, Processes
    from upright.openapi.meta import Json
    from upright.openapi.v1alpha1.image_map import ImageMap
    from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd

EXCERPT_LETTERS = 500
"""How much of a command's output an error may quote: a well-behaved one prints all it applied."""
GRACE_SECONDS = 5.0


class CommandFailed(ValueError):
    """The command did not apply or delete; the message is Tilt's."""


class ApplyCommands:
    """Runs them; ``environment`` is what every local command gets, KUBECONFIG included. ``parse`` reads YAML or raises ValueError."""

    def __init__(
        self,
        processes: Processes,
        environment: Callable[[], Mapping[str, str]],
        parse: Callable[[str], list[Json]],
    ) -> None:
        self._processes = processes
        self._environment = environment
        self._parse = parse

    async def apply(self, said: ApplyCmd, images: Sequence[ImageMap], log: LogWriter) -> list[Json]:
        """Return the objects that the command says it applied; raises CommandFailed."""
        out = bytearray()
        pairs = [
            pair
            for index, image in enumerate(images)
            for pair in (f"TILT_IMAGE_MAP_{index}={image.name}", f"TILT_IMAGE_{index}={image.status.image}")
        ]
        ended = await self._run("apply", said, pairs, log, out.extend)
        printed = out.decode("utf-8", "replace")
        if ended.code:
            told = f"\nstdout:\n{excerpt(printed)}\n" if printed else ""
            raise CommandFailed(f"apply command exited with status {ended.code}{told}")
        try:
            return self._parse(printed)
        except ValueError as error:
            message = f"apply command returned malformed YAML: {error}\nstdout:\n{excerpt(printed)}\n"
            raise CommandFailed(message) from None

    async def delete(self, said: ApplyCmd, log: LogWriter) -> None:
        """Run the command that deletes, with all its output in the log; raises CommandFailed."""
        lines = Lines(log.write)
        try:
            ended = await self._run("delete", said, (), log, lines)
        finally:
            lines.close()
        if ended.code:
            raise CommandFailed(f"delete command exited with status {ended.code}")

    async def _run(
        self, word: str, said: ApplyCmd, pairs: Sequence[str], log: LogWriter, out: Callable[[bytes], object]
    ) -> Exit:
        shell = len(said.args) == 3 and said.args[:2] == ("sh", "-c")
        log.write(f"Running cmd: {said.args[2] if shell else shlex.join(said.args)}")
        environment = with_pairs(self._environment(), (*said.env, *pairs))
        lines = Lines(log.write)
        command = Command(said.args, said.dir, environment)
        try:
            return await run(self._processes, command, out, lines, grace=GRACE_SECONDS)
        except StartFailed as error:
            raise CommandFailed(f"{word} command failed: {error}") from None
        finally:
            lines.close()


def excerpt(text: str) -> str:
    """Return the text, or its beginning and its end if it is long."""
    if len(text) <= EXCERPT_LETTERS:
        return text
    half = EXCERPT_LETTERS // 2
    return f"{text[:half]}\n... [truncated] ...\n{text[-half:]}"
