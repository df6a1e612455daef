"""What fields mean: the string below each in its class, which Python itself does not keep; read from the source."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache


def words(model: type) -> dict[str, str]:
    """Return what is said of each field of a class, those it inherits included; nothing where the source is not at hand."""
    said: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        said |= _said(ancestor.__module__).get(ancestor.__qualname__, {})
    return said


@cache
def _said(module: str) -> dict[str, dict[str, str]]:
    if not module.startswith(f"{__name__.split('.', 1)[0]}."):
        return {}
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except OSError:
        return {}
    return {part.name: _of_class(part) for part in tree.body if isinstance(part, ast.ClassDef)}


def _of_class(part: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in zip(part.body, part.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
