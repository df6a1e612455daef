"""workload_to_resource_function(): the Tiltfile names the resources of its workloads."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, required, wrong_type
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.language.values import function_name
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from upright.controllers.tiltfile.language.values import Value
    from upright.controllers.tiltfile.project import Project


def _function(value: Value, _directory: str) -> Value:
    if not isinstance(value, FunctionType):
        raise wrong_type(value, "function")
    return value


class FunctionArguments(Arguments):
    """workload_to_resource_function(func)."""

    func: Value = required(_function)


def workload_to_resource_function(project: Project, given: FunctionArguments) -> None:
    """Have the function called with each workload's id; the text it returns is the resource's name."""
    code = given.func.__code__
    stars = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    count = code.co_argcount + code.co_kwonlyargcount + stars
    if count != 1:
        raise Failure(
            f"workload_to_resource_function arg must take 1 argument. {function_name(given.func)} takes {count}"
        )
    project.name_workload = given.func


VALUES = {
    "workload_to_resource_function": function(
        "workload_to_resource_function", FunctionArguments, workload_to_resource_function
    )
}
