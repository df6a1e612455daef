"""The module sys: how this program was called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.values import List, Module, freeze

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


def _module(project: Project) -> Module:
    facts = project.facts
    argv = List([facts.executable, facts.subcommand, *facts.args])
    freeze(argv)
    return Module("sys", {"argv": argv, "executable": facts.executable})


VALUES = {"sys": _module}
