"""Which images a Dockerfile is built on: its FROM and COPY --from, with build args filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2b_dockerfile_utils import DockerfileSyntaxError, ShellLex, parse_dockerfile_ast

from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2b_dockerfile_utils import DockerfileInstruction

    from upright.controllers.tiltfile.references import Reference


def base_images(dockerfile: str, build_args: Sequence[str]) -> list[Reference]:
    """Return the images that are referred to, stages of the Dockerfile itself left out; raises Failure."""
    if not dockerfile.strip():
        return []
    try:
        tree = parse_dockerfile_ast(dockerfile)
    except (DockerfileSyntaxError, ValueError) as error:
        raise Failure(f"dockerfile.ParseAST: {error}") from None
    given = {name: value for name, _, value in (pair.partition("=") for pair in build_args)}
    args: dict[str, str] = {}
    stages: set[str] = set()
    found: list[Reference] = []
    for instruction in tree.instructions:
        lexer = ShellLex(tree.escape_token, env={**args, **given}, skip_unset_env=False)
        if instruction.name == "ARG":
            args |= _defaults(instruction, lexer)
        elif instruction.name == "FROM":
            found += _reference(instruction, lexer, stages)
        elif instruction.name == "COPY":
            found += _copied_from(instruction, stages)
    return found


def _defaults(instruction: DockerfileInstruction, lexer: ShellLex) -> dict[str, str]:
    pairs = (arg.partition("=") for arg in instruction.args)
    return {name: lexer.process_word(value) for name, equals, value in pairs if equals}


def _reference(instruction: DockerfileInstruction, lexer: ShellLex, stages: set[str]) -> list[Reference]:
    words = instruction.args
    if not words:
        return []
    known = set(stages)
    if len(words) == 3 and words[1].lower() == "as":
        stages.add(words[2].lower())
    try:
        name = lexer.process_word(words[0])
    except ValueError:
        name = words[0]
    return _parsed(name, known)


def _copied_from(instruction: DockerfileInstruction, stages: set[str]) -> list[Reference]:
    for flag in instruction.flags:
        name, _, value = flag.partition("=")
        if name == "--from" and not value.isdecimal():
            return _parsed(value, stages)
    return []


def _parsed(name: str, stages: set[str]) -> list[Reference]:
    if name.lower() in stages or name == "scratch":
        return []
    try:
        return [parse_reference(name)]
    except ValueError:
        return []
