"""allow_k8s_contexts(), k8s_context() and k8s_namespace()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required
from upright.controllers.tiltfile.language.errors import WrongValue
from upright.controllers.tiltfile.language.values import Dict, List, Set, Value, type_name
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.project import Project


def _contexts(value: Value, _directory: str) -> tuple[str, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, List | tuple | Set | Dict) else (value,)
    for item in items:
        if type(item) is not str:
            raise WrongValue(
                f"allow_k8s_contexts contexts must be a string or a sequence of strings; found a {type_name(item)}"
            )
    return tuple(items)


class Contexts(Arguments):
    """allow_k8s_contexts(contexts)."""

    contexts: tuple[str, ...] = required(_contexts)


class Nothing(Arguments):
    """A function without arguments."""


def allow_k8s_contexts(project: Project, given: Contexts) -> None:
    """Allow deploying to contexts that may be production."""
    project.allowed_contexts += given.contexts


def k8s_context(project: Project, _given: Nothing) -> str:
    """Return the name of the context that is deployed to."""
    return project.facts.kube_context


def k8s_namespace(project: Project, _given: Nothing) -> str:
    """Return the default namespace of the context."""
    return project.facts.kube_namespace


VALUES = {
    "allow_k8s_contexts": function("allow_k8s_contexts", Contexts, allow_k8s_contexts),
    "k8s_context": function("k8s_context", Nothing, k8s_context),
    "k8s_namespace": function("k8s_namespace", Nothing, k8s_namespace),
}
