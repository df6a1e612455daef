"""The same program through our evaluator and through starlark-go: what each prints, and what each complains of."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from upright.controllers.tiltfile.language.errors import Failure, TiltfileError
from upright.controllers.tiltfile.language.interpreter import Interpreter
from upright.controllers.tiltfile.language.text import to_str
from upright.controllers.tiltfile.language.values import Builtin, Value

DATA = Path(__file__).parent / "data"
ANSWERS = DATA / "answers.json"
_LIMIT_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What a program printed, its error from ``Error`` on, and whether that was found before anything ran."""

    printed: str
    error: str = ""
    static: bool = False


def snippets() -> list[str]:
    """Return all snippets; in their files they are parted by blank lines."""
    return [snippet for file in sorted(DATA.glob("*.star")) for snippet in file.read_text().strip().split("\n\n")]


def stored() -> dict[str, Answer]:
    """Return what starlark-go said when the answers were recorded, by snippet."""
    return {text: Answer(**answer) for text, answer in json.loads(ANSWERS.read_text()).items()}


def store(answers: dict[str, Answer]) -> None:
    """Write the answers."""
    plain = {text: asdict(answer) for text, answer in answers.items()}
    ANSWERS.write_text(json.dumps(plain, indent=0) + "\n")


def fail(args: tuple[Value, ...], named: dict[str, Value]) -> Value:
    raise Failure("fail: " + named.get("sep", " ").join(map(to_str, args)))


def ours(text: str) -> Answer:
    """Run a program here."""
    printed: list[str] = []

    def show(args: tuple[Value, ...], named: dict[str, Value]) -> None:
        separator = named.pop("sep", " ")
        if type(separator) is not str:
            raise Failure('print: for parameter "sep": got int, want string')
        for name in named:
            raise Failure(f'print: unexpected keyword argument "{name}"')
        printed.append(separator.join(map(to_str, args)) + "\n")

    names = {"print": Builtin("print", show), "fail": Builtin("fail", fail)}
    static = ""
    try:
        Interpreter(known=names, predeclared=names.__getitem__, read=lambda _: text).run("/t.star")
    except TiltfileError as error:
        static = str(error).rpartition("\nError")[2]
        return Answer("".join(printed), f"Error{static}", static=not error.frames)
    return Answer("".join(printed))


def theirs(text: str, binary: str) -> Answer:
    """Run a program through the ``starlark`` command; it prints everything to stderr."""
    argv = [binary, "-recursion", "-globalreassign", "-c", text]
    done = subprocess.run(argv, capture_output=True, timeout=_LIMIT_SECONDS, check=False)
    said = done.stderr.decode("utf-8", "surrogateescape")
    if not done.returncode:
        return Answer(said)
    printed, trace, complaint = said.rpartition("Traceback (most recent call last):\n")
    if trace:
        return Answer(printed, "Error" + complaint.partition("\nError")[2].rstrip("\n"))
    return Answer("", re.sub(r"^[^:]*:(\d+:\d+:)?\s*", "Error: ", said.rstrip("\n")), static=True)


def agree(mine: Answer, their: Answer) -> bool:
    """Tell whether both say the same; suggestions may differ, and so may the words for what is found before running."""
    if their.static:
        return mine.static
    return (mine.printed, _plain(mine.error)) == (their.printed, _plain(their.error)) and not mine.static


def _plain(error: str) -> str:
    return re.sub(r" \(did you mean [^)]*\)$", "", error)
