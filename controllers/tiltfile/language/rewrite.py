"""From the checked tree to one that CPython runs with Starlark's meaning: operators become calls of ours.

Helpers are names that no program can write (``@add``), found among the builtins of the file. Every new node carries
the place of the one that it stands for, so tracebacks point into the Tiltfile.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

from upright.controllers.tiltfile.language import access, operators
from upright.controllers.tiltfile.language.scope import is_load
from upright.controllers.tiltfile.language.values import Dict, List, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

N = TypeVar("N", bound=ast.AST)

_BINARY: dict[type[ast.operator], tuple[str, Callable[[Value, Value], Value]]] = {
    ast.Add: ("@add", operators.add),
    ast.Sub: ("@subtract", operators.subtract),
    ast.Mult: ("@multiply", operators.multiply),
    ast.Div: ("@divide", operators.divide),
    ast.FloorDiv: ("@floor_divide", operators.floor_divide),
    ast.Mod: ("@modulo", operators.modulo),
    ast.BitOr: ("@bit_or", operators.bit_or),
    ast.BitAnd: ("@bit_and", operators.bit_and),
    ast.BitXor: ("@bit_xor", operators.bit_xor),
    ast.LShift: ("@shift_left", operators.shift_left),
    ast.RShift: ("@shift_right", operators.shift_right),
}
_IN_PLACE: dict[type[ast.operator], tuple[str, Callable[[Value, Value], Value]]] = {
    **_BINARY,
    ast.Add: ("@add_in_place", operators.add_in_place),
    ast.BitOr: ("@or_in_place", operators.or_in_place),
}
_UNARY: dict[type[ast.unaryop], tuple[str, Callable[[Value], Value]]] = {
    ast.USub: ("@negative", operators.negative),
    ast.UAdd: ("@positive", operators.positive),
    ast.Invert: ("@invert", operators.invert),
}
_COMPARE: dict[type[ast.cmpop], tuple[str, Callable[[Value, Value], bool]]] = {
    ast.Eq: ("@equal", operators.equal),
    ast.NotEq: ("@not_equal", operators.not_equal),
    ast.Lt: ("@less", operators.less),
    ast.LtE: ("@less_equal", operators.less_equal),
    ast.Gt: ("@greater", operators.greater),
    ast.GtE: ("@greater_equal", operators.greater_equal),
    ast.In: ("@contains", operators.contains),
    ast.NotIn: ("@not_contains", operators.not_contains),
}
HELPERS: dict[str, Value] = {
    **dict(_BINARY.values()),
    **dict(_IN_PLACE.values()),
    **dict(_UNARY.values()),
    **dict(_COMPARE.values()),
    "@attribute": access.attribute,
    "@set_attribute": access.set_attribute,
    "@old_attribute": access.old_attribute,
    "@change_attribute": access.change_attribute,
    "@index": access.index,
    "@set_index": access.set_index,
    "@old_index": access.old_index,
    "@change_index": access.change_index,
    "@cut": access.cut,
    "@iterate": access.iterate,
    "@iterate_unpacked": access.iterate_unpacked,
    "@unpack": access.unpack,
    "@star": access.star,
    "@double_star": access.double_star,
    "@dict": access.make_dict,
    "@list_of": List,
    "@dict_of": Dict,
    "@callee": lambda value: value,
}
"""What rewritten code calls; the interpreter adds ``@load`` and ``@tick``."""


class Rewriter(ast.NodeTransformer):
    """Rewrites one file's checked tree in place."""

    def __init__(self) -> None:
        self.temporaries = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        if node.args.kwarg:
            keywords = node.args.kwarg.arg
            node.body.insert(0, _assign(keywords, _call("@dict_of", [_load(keywords, node)], node), node))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self.generic_visit(node)
        if node.args.kwarg:
            keywords = node.args.kwarg.arg
            inner = ast.arguments([], [_at(ast.arg(keywords), node)], None, [], [], None, [])
            made = _call("@dict_of", [_load(keywords, node)], node)
            node.body = _at(ast.Call(_at(ast.Lambda(inner, node.body), node), [made], []), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        value = self.visit(node.value)
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return [_at(ast.Assign([target], value), node)]
        if not isinstance(target, ast.Tuple | ast.List):
            return [self.store(target, value)]
        later: list[ast.stmt] = []
        pattern = self.pattern(target, later)
        unpacked = _call("@unpack", [value, _at(ast.Constant(_shape(target)), node)], node)
        return [_at(ast.Assign([pattern], unpacked), node), *later]

    def pattern(self, target: ast.expr, later: list[ast.stmt]) -> ast.expr:
        """Return the target with names only; what must be stored by a call of ours goes to ``later``."""
        if isinstance(target, ast.Tuple | ast.List):
            return _at(ast.Tuple([self.pattern(part, later) for part in target.elts], ast.Store()), target)
        if isinstance(target, ast.Name):
            return target
        self.temporaries += 1
        name = f"@{self.temporaries}"
        later.append(self.store(target, _load(name, target)))
        return _at(ast.Name(name, ast.Store()), target)

    def store(self, target: ast.expr, value: ast.expr) -> ast.Expr:
        """Return the statement that stores into an index or a field."""
        if isinstance(target, ast.Subscript):
            arguments = [value, self.visit(target.value), self.visit(target.slice)]
            return _at(ast.Expr(_call("@set_index", arguments, target)), target)
        field = target.attr if isinstance(target, ast.Attribute) else ""
        owner = self.visit(target.value) if isinstance(target, ast.Attribute) else target
        return _at(ast.Expr(_call("@set_attribute", [value, owner, _text(field, target)], target)), target)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        helper = _IN_PLACE[type(node.op)][0]
        value = self.visit(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            return _assign(target.id, _call(helper, [_load(target.id, target), value], node), node)
        if isinstance(target, ast.Subscript):
            old = _call("@old_index", [self.visit(target.value), self.visit(target.slice)], target)
            arguments = [_at(ast.Starred(old, ast.Load()), node), value, _load(helper, node)]
            return _at(ast.Expr(_call("@change_index", arguments, node)), node)
        field = target.attr if isinstance(target, ast.Attribute) else ""
        owner = self.visit(target.value) if isinstance(target, ast.Attribute) else target
        old = _call("@old_attribute", [owner, _text(field, target)], target)
        arguments = [_at(ast.Starred(old, ast.Load()), node), value]
        return _at(ast.Expr(_call("@change_attribute", arguments, node)), node)

    def visit_For(self, node: ast.For) -> ast.For:
        later: list[ast.stmt] = []
        node.iter, node.target = self.loop(self.visit(node.iter), node.target, later)
        node.body = [*later, *self.statements(node.body)]
        return node

    def statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            new = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter, node.target = self.loop(self.visit(node.iter), node.target, [])
        node.ifs = [self.visit(condition) for condition in node.ifs]
        return node

    def loop(self, source: ast.expr, target: ast.expr, later: list[ast.stmt]) -> tuple[ast.expr, ast.expr]:
        if isinstance(target, ast.Tuple | ast.List):
            shape = _at(ast.Constant(_shape(target)), source)
            return _call("@iterate_unpacked", [source, shape], source), self.pattern(target, later)
        return _call("@iterate", [source], source), self.pattern(target, later)

    def visit_While(self, node: ast.While) -> ast.While:
        self.generic_visit(node)
        node.test = _at(ast.BoolOp(ast.And(), [_call("@tick", [], node.test), node.test]), node.test)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        if isinstance(node.value, ast.Call) and is_load(node.value):
            return self.load(node.value)
        self.generic_visit(node)
        return node

    def load(self, node: ast.Call) -> list[ast.stmt]:
        """Return the assignment of what ``load`` brings in."""
        wanted = [(name, name) for name in (_literal(value) for value in node.args[1:])]
        wanted += [(keyword.arg or "", _literal(keyword.value)) for keyword in node.keywords]
        symbols = _at(ast.Tuple([_text(symbol, node) for _, symbol in wanted], ast.Load()), node)
        names = _at(ast.Tuple([_at(ast.Name(name, ast.Store()), node) for name, _ in wanted], ast.Store()), node)
        return [_at(ast.Assign([names], _call("@load", [node.args[0], symbols], node)), node)]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _call(_BINARY[type(node.op)][0], [self.visit(node.left), self.visit(node.right)], node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return _at(ast.UnaryOp(node.op, operand), node)
        return _call(_UNARY[type(node.op)][0], [operand], node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return _call(_COMPARE[type(node.ops[0])][0], [self.visit(node.left), self.visit(node.comparators[0])], node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return _call("@attribute", [self.visit(node.value), _text(node.attr, node)], node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        value = self.visit(node.value)
        if not isinstance(node.slice, ast.Slice):
            return _call("@index", [value, self.visit(node.slice)], node)
        bounds = (node.slice.lower, node.slice.upper, node.slice.step)
        return _call("@cut", [value, *(self.visit(b) if b else _at(ast.Constant(None), node) for b in bounds)], node)

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        items = _at(ast.Tuple(node.elts, ast.Load()), node)
        return _call("@list_of", [items] if node.elts else [], node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        self.generic_visit(node)
        return _call("@list_of", [node], node)

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        parts = [self.visit(part) for pair in zip(node.keys, node.values, strict=True) for part in pair if part]
        return _call("@dict", parts, node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        self.generic_visit(node)
        return _call("@dict_of", [node], node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name | ast.Call):
            node.func = _call("@callee", [node.func], node.func)
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = _call("@double_star", [keyword.value], keyword.value)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        self.generic_visit(node)
        node.value = _call("@star", [node.value], node.value)
        return node


def _shape(target: ast.expr) -> Value:
    """Return the nesting of a pattern as a constant that ``unpack`` understands."""
    if isinstance(target, ast.Tuple | ast.List):
        return tuple(_shape(part) for part in target.elts)
    return None


def _literal(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _at(node: N, place: ast.AST) -> N:
    return ast.copy_location(node, place)


def _load(name: str, place: ast.AST) -> ast.Name:
    return _at(ast.Name(name, ast.Load()), place)


def _text(text: str, place: ast.AST) -> ast.Constant:
    return _at(ast.Constant(text), place)


def _assign(name: str, value: ast.expr, place: ast.AST) -> ast.Assign:
    return _at(ast.Assign([_at(ast.Name(name, ast.Store()), place)], value), place)


def _call(helper: str, arguments: Sequence[ast.expr], place: ast.AST) -> ast.Call:
    return _at(ast.Call(_load(helper, place), list(arguments), []), place)
