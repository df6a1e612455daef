"""Secrets in what a Tiltfile's commands print, known before anybody sees them: YAML is printed before k8s_yaml has it."""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from upright.controllers.tiltfile.project import Project

_OBJECT = re.compile(r"^\s*(?:- )?\"?(?:apiVersion|kind)\"?\s*:", re.MULTILINE)
_BLOCK = re.compile(r"^(\s*)\"?(?:data|stringData)\"?:\s*(?:\{([^}]*)\}|\n((?:\1[ \t]+.*(?:\n|$))*))", re.MULTILINE)
_PAIR = re.compile(r"\"?([\w.-]+)\"?\s*:\s*\"?([^\"\s,{}]+)")
_NAME = re.compile(r"\bname\"?\s*:\s*\"?([\w.-]+)")
_PARTING = re.compile(r"^---.*$", re.MULTILINE)


def learn(project: Project, text: str) -> None:
    """Have the values of the Secrets that the text holds scrubbed from now on."""
    if not project.scrub_secrets or "Secret" not in text:
        return
    for document in _PARTING.split(text):
        if "Secret" in document:
            _learn_one(project, document)


def _learn_one(project: Project, document: str) -> None:
    from upright.controllers.tiltfile.kubernetes_objects import parse_entities  # noqa: PLC0415  reason: where Secrets are

    try:
        entities = parse_entities(document, "")
    except Failure:  # a program's words around it
        found = list(_values(document))
    else:
        found = [(one.name, key, value) for one in entities for key, value in one.secret_values()]
    for secret in found:
        project.learned_secrets.append(secret)
        project.facts.tell_secret(*secret)


def _values(text: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield what looks like the name, keys and values of a Secret in a text that is no YAML."""
    named = _NAME.search(text)
    name = named[1] if named else "Secret"
    for block in _BLOCK.finditer(text):
        for key, value in _PAIR.findall(block[2] or block[3] or ""):
            with suppress(binascii.Error):
                yield name, key, base64.b64decode(value, validate=True)
            yield name, key, value.encode()


class Echo:
    """Logs what a command prints; from the first line of a Kubernetes object on only when all of it is known."""

    def __init__(self, project: Project, log: Callable[[str], None]) -> None:
        self.heard = False
        self._project = project
        self._log = log
        self._held: list[str] = []

    def line(self, text: str) -> None:
        """Hear a line."""
        self.heard = True
        if self._held or (self._project.scrub_secrets and _OBJECT.match(text)):
            self._held.append(text)
        else:
            self._log(text)

    def close(self, output: str) -> None:
        """Log what was held back, after learning from the whole output; without one, from the lines."""
        learn(self._project, output or "\n".join(self._held))
        for text in self._held:
            self._log(text)
        self._held.clear()
