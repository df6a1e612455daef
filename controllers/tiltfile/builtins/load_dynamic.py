"""load_dynamic(): what another Tiltfile defines, as a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.builtins.include import FileToLoad
from upright.controllers.tiltfile.language.values import Dict
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


def load_dynamic(project: Project, given: FileToLoad) -> Dict:
    """Return the file's globals, frozen."""
    symbols = Dict(project.interpreter.execute(project.interpreter.locate(given.path, project.directory)))
    symbols.frozen = True
    return symbols


VALUES = {"load_dynamic": function("load_dynamic", FileToLoad, load_dynamic)}
