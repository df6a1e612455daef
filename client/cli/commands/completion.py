"""Print a script by which a shell completes upright's words."""

from __future__ import annotations

import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS, environment, server
from upright.client.cli.completing import Candidate, Known, candidates
from upright.client.cli.completion_scripts import SCRIPTS
from upright.client.cli.connection import DISCOVERY, Connection
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import Trouble, WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.client.cli.flags import Given


def command() -> Command:
    """Return what help says."""
    return Command(
        "completion",
        "Prints a script by which a shell completes upright's commands, flags and kinds, and names from a running server.",
        "upright completion bash|zsh|fish",
        "source <(upright completion bash)      # in ~/.bashrc\n"
        "source <(upright completion zsh)       # in ~/.zshrc, after compinit\n"
        "upright completion fish | source       # in ~/.config/fish/config.fish",
        (
            Flag("words", "print what may come next; the words typed so far are the arguments", hidden=True),
            *SERVER_FLAGS,
        ),
    )


def run(arguments: list[str]) -> int:
    """Print the script, or what may come next."""
    given = parse(command(), arguments, environment())
    if given.on("words"):
        offered = candidates(given.arguments, _known(given))
        sys.stdout.write("".join(f"{word}\t{about}\n" for word, about in offered))
        return 0
    shells = ", ".join(SCRIPTS)
    if len(given.arguments) != 1:
        raise WrongUsage(f"say which shell: {shells}")
    (shell,) = given.arguments
    if shell not in SCRIPTS:
        raise WrongUsage(f'there are no words for "{shell}"{closest(shell, list(SCRIPTS)) or f": there are {shells}"}')
    sys.stdout.write(SCRIPTS[shell])
    return 0


def _known(given: Given) -> Known:
    """Return what the server knows that the commands would talk to; where there is none, what each server knows."""

    def kinds() -> Iterator[Candidate]:
        found: dict[str, str] = {"session": "", "resource": "", "cluster": ""}
        with suppress(Trouble), closing(Connection(server(given))) as connection:
            found.update(_listed(connection))
        return (Candidate(name, about) for name, about in found.items())

    def names(kind: str) -> list[Candidate]:
        try:
            with closing(Connection(server(given))) as connection:
                return _named(connection, kind)
        except Trouble:
            return []

    return Known(kinds, names)


def _listed(connection: Connection) -> Iterator[tuple[str, str]]:
    for group in connection.get("/apis", accept=DISCOVERY).get("items") or ():
        for version in group["versions"]:
            for about in version["resources"]:
                yield str(about.get("singularResource") or about["resource"]), str(about["responseKind"]["kind"])


def _named(connection: Connection, word: str) -> list[Candidate]:
    from upright.client.cli.kinds import Kinds  # noqa: PLC0415  reason: only for names

    kind = Kinds(connection).one(word)
    items = connection.get(kind.path, free=kind.free).get("items") or ()
    return [Candidate(str(body["metadata"]["name"]), kind.kind) for body in items]
