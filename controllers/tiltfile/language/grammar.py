"""The shapes of syntax that the Tiltfile language has; all other Python is refused with a word on what to do instead."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from upright.controllers.tiltfile.language.errors import TiltfileError
from upright.controllers.tiltfile.language.scope import RESERVED, is_load, parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from upright.controllers.tiltfile.language.source import Source

_NOT_STARLARK: dict[type[ast.AST], str] = {
    ast.ClassDef: "classes are not part of the Tiltfile language: use struct()",
    ast.Import: "import is not part of the Tiltfile language: use load()",
    ast.ImportFrom: "import is not part of the Tiltfile language: use load()",
    ast.Try: "try is not part of the Tiltfile language",
    ast.With: "with is not part of the Tiltfile language",
    ast.Raise: "raise is not part of the Tiltfile language: use fail()",
    ast.Assert: "assert is not part of the Tiltfile language: use fail()",
    ast.Delete: "del is not part of the Tiltfile language: use .pop()",
    ast.Global: "global is not part of the Tiltfile language",
    ast.Nonlocal: "nonlocal is not part of the Tiltfile language",
    ast.AnnAssign: "type annotations are not part of the Tiltfile language",
    ast.AsyncFunctionDef: "async is not part of the Tiltfile language",
    ast.AsyncFor: "async is not part of the Tiltfile language",
    ast.AsyncWith: "async is not part of the Tiltfile language",
    ast.Await: "await is not part of the Tiltfile language",
    ast.Match: "match is not part of the Tiltfile language",
    ast.Yield: "yield is not part of the Tiltfile language",
    ast.YieldFrom: "yield is not part of the Tiltfile language",
    ast.NamedExpr: ":= is not part of the Tiltfile language",
    ast.JoinedStr: "f-strings are not part of the Tiltfile language: use % or .format()",
    ast.Set: "set displays are not part of the Tiltfile language: use set([…])",
    ast.SetComp: "set comprehensions are not part of the Tiltfile language: use set([…])",
    ast.GeneratorExp: "generator expressions are not part of the Tiltfile language: use a list, [… for …]",
    ast.Pow: "** is not part of the Tiltfile language",
    ast.MatMult: "@ is not part of the Tiltfile language",
    ast.Is: "is is not part of the Tiltfile language: use ==",
    ast.IsNot: "is not is not part of the Tiltfile language: use !=",
}
_ALLOWED = (
    ast.Module,
    ast.FunctionDef,
    ast.Return,
    ast.Assign,
    ast.AugAssign,
    ast.For,
    ast.While,
    ast.If,
    ast.Expr,
    ast.Pass,
    ast.Break,
    ast.Continue,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Lambda,
    ast.IfExp,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
    ast.Compare,
    ast.Call,
    ast.Constant,
    ast.Attribute,
    ast.Subscript,
    ast.Starred,
    ast.Name,
    ast.List,
    ast.Tuple,
    ast.Slice,
    ast.comprehension,
    ast.arguments,
    ast.arg,
    ast.keyword,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
)


def check(tree: ast.Module, source: Source) -> None:
    """Raise TiltfileError for whatever is not in the language."""
    checker = _Checker(source, tree)
    checker.visit(tree, tree, in_function=False, in_loop=False)
    if checker.found:
        raise checker.found[0].with_others(checker.found[1:])


class _Checker:
    def __init__(self, source: Source, tree: ast.Module) -> None:
        self.source = source
        self.found: list[TiltfileError] = []
        self.loads = {id(statement.value) for statement in tree.body if isinstance(statement, ast.Expr)}

    def refuse(self, message: str, node: ast.AST) -> TiltfileError:
        return self.source.error(message, node)

    def visit(self, node: ast.AST, around: ast.AST, *, in_function: bool, in_loop: bool) -> None:
        """Check a node and what is in it; ``around`` is the nearest node that has a place."""
        around = node if hasattr(node, "lineno") else around
        try:
            self.check_node(node, around)
            self.check_statement(node, in_function=in_function, in_loop=in_loop)
        except TiltfileError as error:
            self.found.append(error)  # and no word on what is in it
            return
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            in_function, in_loop = True, False
        elif isinstance(node, ast.For | ast.While):
            in_loop = True
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and is_load(child):
                self.visit_load(child, in_function=in_function)
            else:
                self.visit(child, around, in_function=in_function, in_loop=in_loop)

    def visit_load(self, node: ast.Call, *, in_function: bool) -> None:
        try:
            self.check_load(node, in_function=in_function)
        except TiltfileError as error:
            self.found.append(error)

    def check_node(self, node: ast.AST, around: ast.AST) -> None:
        kind = type(node)
        if kind in _NOT_STARLARK:
            raise self.refuse(_NOT_STARLARK[kind], around)
        if not isinstance(node, _ALLOWED):
            raise self.refuse(f"{kind.__name__} is not part of the Tiltfile language", around)
        checker = _CHECKS.get(kind)
        if checker:
            checker(self, node)

    def check_statement(self, node: ast.AST, *, in_function: bool, in_loop: bool) -> None:
        if isinstance(node, ast.Return) and not in_function:
            raise self.refuse("return statement not within a function", node)
        if isinstance(node, ast.Break | ast.Continue) and not in_loop:
            raise self.refuse(f"{type(node).__name__.lower()} not in a loop", node)

    def check_load(self, node: ast.Call, *, in_function: bool) -> None:
        if in_function:
            raise self.refuse("load statement within a function", node)
        if id(node) not in self.loads:
            raise self.refuse("load must stand alone at the top level: use load_dynamic() elsewhere", node)
        if not node.args or len(node.args) + len(node.keywords) < 2:
            raise self.refuse("load needs a path and at least one symbol", node)
        for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
            if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
                raise self.refuse("load takes only literal strings", value)
            if value is not node.args[0] and value.value.startswith("_"):
                raise self.refuse(f"load: names with leading underscores are not exported: {value.value}", value)

    def check_name(self, node: ast.Name) -> None:
        if node.id in RESERVED:
            raise self.refuse(f"the name {node.id} is reserved", node)

    def check_constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str | int | float | None):
            raise self.refuse(f"{type(node.value).__name__} is not part of the Tiltfile language", node)
        if node.value == math.inf:
            raise self.refuse("invalid float literal", node)

    def check_function(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            raise self.refuse("decorators are not part of the Tiltfile language", node.decorator_list[0])
        if node.returns or any(parameter.annotation for parameter in parameters(node.args)):
            raise self.refuse("type annotations are not part of the Tiltfile language", node)
        if node.name in RESERVED:
            raise self.refuse(f"the name {node.name} is reserved", node)

    def check_arguments(self, node: ast.arguments) -> None:
        if node.posonlyargs:
            raise self.refuse("/ in a parameter list is not part of the Tiltfile language", node.posonlyargs[-1])
        for parameter in parameters(node):
            if parameter.arg in RESERVED:
                raise self.refuse(f"the name {parameter.arg} is reserved", parameter)

    def check_assign(self, node: ast.Assign) -> None:
        if len(node.targets) > 1:
            raise self.refuse("chained assignment is not part of the Tiltfile language", node)
        self.check_target(node.targets[0])

    def check_augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Tuple | ast.List):
            raise self.refuse("augmented assignment needs one name, index or field on its left", node)
        self.check_target(node.target)

    def check_target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.check_target(part)
        elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            raise self.refuse("can't assign to a slice", target)
        elif isinstance(target, ast.Starred):
            raise self.refuse("a starred name on the left side is not part of the Tiltfile language", target)

    def check_loop(self, node: ast.For | ast.While) -> None:
        if node.orelse:
            raise self.refuse("else of a loop is not part of the Tiltfile language", node.orelse[0])
        if isinstance(node, ast.For):
            self.check_target(node.target)

    def check_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            raise self.refuse("async is not part of the Tiltfile language", node.target)
        self.check_loop_target(node.target)

    def check_loop_target(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.check_loop_target(part)
        elif not isinstance(target, ast.Name):
            raise self.refuse("a loop variable must be a name", target)

    def check_compare(self, node: ast.Compare) -> None:
        if len(node.ops) > 1:
            raise self.refuse("comparisons cannot be chained: use and", node.comparators[0])

    def check_dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise self.refuse("** in a dict display is not part of the Tiltfile language: use |", value)

    def check_display(self, node: ast.List | ast.Tuple) -> None:
        for part in node.elts:
            if isinstance(part, ast.Starred):
                raise self.refuse("* in a list or tuple is not part of the Tiltfile language: use +", part)

    def check_tuple(self, node: ast.Tuple) -> None:
        line = self.source.line(node.end_lineno or node.lineno).encode()
        if line[(node.end_col_offset or 1) - 1 : node.end_col_offset] == b",":
            raise self.refuse("unparenthesized tuple with trailing comma", node)
        self.check_display(node)

    def check_keywords(self, node: ast.Call) -> None:
        """Refuse what Starlark does after * and **."""
        after = [part for part in node.args if isinstance(part, ast.Starred)]
        starred = _start(after[0]) if after else None
        for keyword in node.keywords:
            if starred and keyword.arg is not None and _start(keyword) > starred:
                raise self.refuse("keyword argument may not follow *args", keyword)
        unnamed = [keyword for keyword in node.keywords if keyword.arg is None]
        if len(unnamed) > 1:
            raise self.refuse("multiple **kwargs not allowed", unnamed[1])
        if unnamed and node.keywords[-1] is not unnamed[0]:
            raise self.refuse("keyword argument may not follow **kwargs", node.keywords[-1])

    def check_call(self, node: ast.Call) -> None:
        self.check_keywords(node)
        starred = [at for at, value in enumerate(node.args) if isinstance(value, ast.Starred)]
        if starred and starred[0] < len(node.args) - 1:
            raise self.refuse("a positional argument may not follow *args", node.args[starred[0] + 1])


def _start(node: ast.expr | ast.keyword) -> tuple[int, int]:
    return node.lineno, node.col_offset


_CHECKS: dict[type[ast.AST], Callable[[_Checker, Any], None]] = {  # Any: each checker takes the node of its key
    ast.Name: _Checker.check_name,
    ast.Constant: _Checker.check_constant,
    ast.FunctionDef: _Checker.check_function,
    ast.arguments: _Checker.check_arguments,
    ast.Assign: _Checker.check_assign,
    ast.AugAssign: _Checker.check_augmented,
    ast.For: _Checker.check_loop,
    ast.While: _Checker.check_loop,
    ast.comprehension: _Checker.check_comprehension,
    ast.Compare: _Checker.check_compare,
    ast.Dict: _Checker.check_dict,
    ast.List: _Checker.check_display,
    ast.Tuple: _Checker.check_tuple,
    ast.Call: _Checker.check_call,
}
