"""local(): run a command while the Tiltfile is executed, and return what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.language.arguments import Arguments, anything, boolean, optional, required
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.text import quote
from upright.controllers.tiltfile.readers import (
    Command,
    command,
    directory_path,
    environment,
    stringable,
)
from upright.controllers.tiltfile.secret_texts import Echo
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Finished, Project

MAX_TOLD = 1 << 16
"""How many characters of each stream an error repeats."""
PREFIX = " → "


class LocalArguments(Arguments):
    """Tilt's arguments in Tilt's order."""

    command: tuple[str, ...] = required(command)
    quiet: bool = optional(boolean, default=False)
    command_bat: Value = optional(anything, None)
    echo_off: bool = optional(boolean, default=False)
    env: tuple[str, ...] = optional(environment, ())
    dir: str | None = optional(directory_path, None)
    stdin: str | None = optional(stringable, None)


def local(project: Project, given: LocalArguments) -> Blob:
    """Run the command and return its standard output."""
    if not project.context_allowed:
        context = project.facts.kube_context
        raise Failure(
            f"Refusing to run 'local' because {context} might be a production kube context.\n"
            f"If you're sure you want to continue add:\n\tallow_k8s_contexts('{context}')\n"
            "before this function call in your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
        )
    if not given.command:
        raise Failure("local: command is empty")
    wanted = Command(given.command, given.dir or project.directory, given.env)
    finished = run(project, wanted, given.stdin, quiet=given.quiet, echo=not given.echo_off)
    return Blob(finished.stdout, f"local: {wanted}")


def run(project: Project, wanted: Command, stdin: str | None, *, quiet: bool, echo: bool) -> Finished:
    """Run a command for the Tiltfile, logged as Tilt logs it; raises Failure unless it exits 0."""
    if echo:
        project.log(f"local: {wanted}", "INFO")
    output = ""
    heard = Echo(project, lambda text: None if quiet else project.log(PREFIX + text, "INFO"))
    env = {**project.environ, **{name: value for name, _, value in (pair.partition("=") for pair in wanted.env)}}
    try:
        finished = project.run_local(wanted.argv, directory=wanted.directory, env=env, stdin=stdin, line=heard.line)
        output = finished.stdout
    finally:
        heard.close(output)
    project.interpreter.cancellation.tick()
    if finished.error or finished.exit_code:
        raise Failure(_failed(wanted, finished, quiet=quiet))
    if echo and not quiet and not heard.heard:
        project.log(f"{PREFIX}[no output]", "INFO")
    return finished


def _failed(wanted: Command, finished: Finished, *, quiet: bool) -> str:
    text = f"command {quote(str(wanted))} failed.\nerror: {finished.error or f'exit status {finished.exit_code}'}"
    if quiet:  # what was logged already is not said twice
        text += f"\nstdout:\n{_last(finished.stdout)}\nstderr:\n{_last(finished.stderr)}\n"
    return text


def _last(output: str) -> str:
    """Return the output's end: the beginning of a flood says nothing."""
    return output if len(output) <= MAX_TOLD else f"…{output[-MAX_TOLD:]}"


VALUES = {"local": function("local", LocalArguments, local)}
