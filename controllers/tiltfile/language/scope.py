"""Names: which are bound where, which are undefined (said before anything runs), and statements out of place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct, field

from upright.controllers.tiltfile.language.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from upright.controllers.tiltfile.language.errors import TiltfileError
    from upright.controllers.tiltfile.language.source import Source

EARLY = "@@"
"""Stands before a name that means the host's, in a file that binds it later."""
RESERVED = frozenset({"__builtins__", "__debug__"})
_Comprehension = ast.ListComp | ast.DictComp


class Names(Struct):
    """What a file uses from outside (``free``) and what it loads (``loaded``, which is not exported)."""

    free: set[str] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)


def is_load(node: ast.AST) -> bool:
    """Tell whether the node is a ``load(…)`` call."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load"


def resolve(tree: ast.Module, source: Source, known: Collection[str]) -> Names:
    """Return the names of a file that the predeclared ones must give; raises TiltfileError for undefined ones."""
    resolver = _Resolver(source, frozenset(known))
    resolver.file(tree)
    if resolver.undefined:
        raise resolver.undefined[0].with_others(resolver.undefined[1:])
    return resolver.names


class _Resolver:
    def __init__(self, source: Source, known: frozenset[str]) -> None:
        self.source = source
        self.known = known
        self.names = Names()
        self.undefined: list[TiltfileError] = []
        self.bound: set[str] = set()
        self.everything: set[str] = set()
        self.later: list[tuple[ast.FunctionDef | ast.Lambda | ast.ListComp | ast.DictComp, tuple[set[str], ...]]] = []

    def file(self, tree: ast.Module) -> None:
        scope = set(_bound(tree.body))
        loaded = {name for statement in tree.body for name in _loaded(statement)}
        self.names.loaded = loaded - scope
        self.everything = scope | loaded
        self.statements(tree.body)
        for node, scopes in self.later:
            self.inside(node, scopes)

    def statements(self, body: Iterable[ast.stmt]) -> None:
        """Go through statements at the top level, in order: a name means a global only once that was bound."""
        for statement in body:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self.bound.add(node.name)
        for part in _evaluated(node):
            self.visit(part, (self.bound,))
        if isinstance(node, ast.Assign | ast.AugAssign | ast.For):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            self.bound.update(_targets(target))
            self.visit(target, (self.bound,))
        self.bound.update(_loaded(node))
        if isinstance(node, ast.For | ast.While | ast.If):
            self.statements([*node.body, *node.orelse])

    def visit_all(self, nodes: Iterable[ast.AST], scopes: tuple[set[str], ...]) -> None:
        for node in nodes:
            self.visit(node, scopes)

    def visit(self, node: ast.AST, scopes: tuple[set[str], ...]) -> None:
        if isinstance(node, ast.Name):
            self.name(node, scopes)
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            self.function(node, scopes)
        elif isinstance(node, _Comprehension) and len(scopes) == 1:
            self.visit(node.generators[0].iter, scopes)
            self.later.append((node, (self.everything,)))
        elif isinstance(node, _Comprehension):
            self.comprehension(node, scopes)
        elif not is_load(node):
            self.visit_all(ast.iter_child_nodes(node), scopes)

    def name(self, node: ast.Name, scopes: tuple[set[str], ...]) -> None:
        if any(node.id in scope for scope in scopes):
            return
        if node.id in self.known:
            self.names.free.add(node.id)
            if node.id in self.everything:  # bound further down: here it still is the host's
                node.id = EARLY + node.id
            return
        visible = sorted(self.known.union(*scopes))
        self.undefined.append(self.source.error(f"undefined: {node.id}{nearest(node.id, visible)}", node))

    def function(self, node: ast.FunctionDef | ast.Lambda, scopes: tuple[set[str], ...]) -> None:
        self.visit_all([*node.args.defaults, *(value for value in node.args.kw_defaults if value)], scopes)
        if len(scopes) == 1:  # what is inside may use globals that are bound further down
            self.later.append((node, (self.everything,)))
        else:
            self.inside(node, scopes)

    def inside(
        self, node: ast.FunctionDef | ast.Lambda | ast.ListComp | ast.DictComp, scopes: tuple[set[str], ...]
    ) -> None:
        if isinstance(node, _Comprehension):
            self.comprehension(node, scopes)
            return
        own = {parameter.arg for parameter in parameters(node.args)}
        if isinstance(node, ast.Lambda):
            self.visit(node.body, (*scopes, own))
        else:
            self.visit_all(node.body, (*scopes, own | set(_bound(node.body))))

    def comprehension(self, node: ast.ListComp | ast.DictComp, scopes: tuple[set[str], ...]) -> None:
        inner: set[str] = set()
        for generator in node.generators:
            self.visit(generator.iter, (*scopes, inner))
            inner = inner | set(_targets(generator.target))
            self.visit_all(generator.ifs, (*scopes, inner))
        results = [node.elt] if isinstance(node, ast.ListComp) else [node.key, node.value]
        self.visit_all(results, (*scopes, inner))


def parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Yield a function's parameters, the starred ones last."""
    yield from (*arguments.args, *arguments.kwonlyargs)
    for starred in (arguments.vararg, arguments.kwarg):
        if starred:
            yield starred


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _targets(part)


def _evaluated(node: ast.stmt) -> list[ast.AST]:
    """Return what a statement at the top level evaluates before it binds anything."""
    if isinstance(node, ast.Assign | ast.AugAssign):
        return [node.value]
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.If | ast.While):
        return [node.test]
    return [node]


def loaded_paths(tree: ast.Module) -> Iterator[str]:
    """Yield what the ``load`` statements of a file say of where to load from."""
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and is_load(call) and call.args and isinstance(call.args[0], ast.Constant):
            yield str(call.args[0].value)


def _loaded(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and is_load(statement.value):
        for name in statement.value.args[1:]:
            if isinstance(name, ast.Constant):
                yield str(name.value)
        yield from (alias.arg for alias in statement.value.keywords if alias.arg)


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that the statements bind, not going into functions."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            yield from _targets(statement.targets[0])
        elif isinstance(statement, ast.AugAssign):
            yield from _targets(statement.target)
        elif isinstance(statement, ast.For):
            yield from _targets(statement.target)
            yield from _bound(statement.body)
        elif isinstance(statement, ast.If):
            yield from _bound([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.While):
            yield from _bound(statement.body)
