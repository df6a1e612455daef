"""The module config: the Tiltfile's own flags, and which resources run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.config_flags import Definition, Kind, parse_arguments, parse_file
from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional, required, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import Dict, Module
from upright.controllers.tiltfile.readers import string_sequence
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project

CONFIG_FILE = "tilt_config.json"


class DefineArguments(Arguments):
    """config.define_…(name, args=False, usage="")."""

    name: str = required(string)
    args: bool = optional(boolean, default=False)
    usage: str = optional(string, "")


class EnableArguments(Arguments):
    """config.set_enabled_resources(resources)."""

    resources: tuple[str, ...] = required(string_sequence)


class Nothing(Arguments):
    """A function without arguments."""


def _definitions(project: Project) -> dict[str, Definition]:
    return project.memory.setdefault("config", {})  # type: ignore[no-any-return]  # reason: this module's own part of the memory


def _define(kind: Kind, word: str) -> Callable[[Project, DefineArguments], None]:
    def define(project: Project, given: DefineArguments) -> None:
        definitions = _definitions(project)
        if not given.name:
            raise Failure("'name' is required")
        if project.config_parsed_in:
            raise Failure(f"config.define_{word} cannot be called after config.parse is called")
        if given.name in definitions:
            raise Failure(f"{given.name} defined multiple times")
        other = next((name for name, one in definitions.items() if one.positional), "")
        if given.args and other:
            raise Failure(f"both {given.name} and {other} are defined as positional args")
        definitions[given.name] = Definition(kind, given.args, given.usage)

    return define


def parse(project: Project, _given: Nothing) -> Dict:
    """Return the settings that are set: by the command line, else by tilt_config.json."""
    here = project.directory
    if project.config_parsed_in not in {"", here}:
        raise Failure(
            "config.parse can only be called from one Tiltfile working directory per run. "
            f"It was called from {project.config_parsed_in} and {here}"
        )
    project.config_parsed_in = here
    where = str(Path(here) / CONFIG_FILE)
    definitions = _definitions(project)
    try:
        from_file = parse_file(definitions, project.read(where), where)
    except FileNotFoundError:
        from_file = {}
    try:
        from_arguments = parse_arguments(definitions, project.facts.args)
    except Failure as failure:
        project.wrong_usage = True
        raise Failure(f"invalid Tiltfile config args: {failure}") from None
    found = {**from_file, **from_arguments}
    return Dict((name, found[name]) for name in definitions if name in found)


def set_enabled_resources(project: Project, given: EnableArguments) -> None:
    """Run only these resources and what they depend on; none means all."""
    project.disable_all = False
    project.enabled_resources = list(given.resources)
    project.enabled_place = project.interpreter.where()


def clear_enabled_resources(project: Project, _given: Nothing) -> None:
    """Run none."""
    project.disable_all = True
    project.enabled_resources = None


def _module(project: Project) -> Module:
    members: dict[str, Value] = {
        "clear_enabled_resources": function("config.clear_enabled_resources", Nothing, clear_enabled_resources)(
            project
        ),
        "main_dir": str(Path(project.interpreter.main).parent),
        "main_path": project.interpreter.main,
        "parse": function("config.parse", Nothing, parse)(project),
        "set_enabled_resources": function("config.set_enabled_resources", EnableArguments, set_enabled_resources)(
            project
        ),
        "tilt_subcommand": project.facts.subcommand,
    }
    kinds: dict[str, Kind] = {"string_list": "list", "string": "string", "bool": "bool", "object": "object"}
    for word, kind in kinds.items():
        name = f"config.define_{word}"
        members[f"define_{word}"] = function(name, DefineArguments, _define(kind, word))(project)
    return Module("config", members)


VALUES = {"config": _module}
