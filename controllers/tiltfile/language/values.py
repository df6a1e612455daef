"""Starlark's values: what Python lacks (lists, dicts and sets that freeze), the names of types, and freezing.

None, bool, int, float, str, tuple, range and functions are Python's own. A value of the host (Blob, Link, …) is an
instance of ``HostValue``.
"""

from __future__ import annotations

from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from upright.controllers.tiltfile.language.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Value = Any  # Any: the type of a Starlark value is known only while it runs
"""A Starlark value."""


class List(list[Value]):
    """A Starlark list: refuses changes once frozen, and while it is iterated over."""

    frozen = False
    iterating = 0


class Dict(dict[Value, Value]):
    """A Starlark dict: insertion order, refuses changes once frozen, and new keys while it is iterated over."""

    frozen = False
    iterating = 0


class Set:
    """A Starlark set, in insertion order."""

    frozen = False
    iterating = 0
    __hash__ = None  # type: ignore[assignment]  # reason: a set is not hashable

    def __init__(self, items: Iterable[Value] = ()) -> None:
        self.items: dict[Value, None] = dict.fromkeys(hashable(item) for item in items)

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: Value) -> bool:
        return hashable(item) in self.items

    def __iter__(self) -> Iterator[Value]:
        return iter(self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and self.items.keys() == other.items.keys()


class HostValue:
    """A value that only the host can make. ``attributes`` are what a Tiltfile may read of it."""

    starlark_type: ClassVar[str] = "value"

    def attribute(self, name: str) -> Value:
        """Return the attribute; raises KeyError where there is none."""
        return self.attributes()[name]

    def attributes(self) -> dict[str, Value]:
        return {}

    def elements(self) -> Iterable[Value] | None:
        """Return what a loop goes through, if it may."""
        return None

    def __str__(self) -> str:
        return f"<{self.starlark_type}>"


class Struct(HostValue):
    """An immutable record with named fields, ``struct(a = 1)``."""

    starlark_type = "struct"

    def __init__(self, fields: dict[str, Value], name: str = "struct") -> None:
        self.fields = fields
        self.name = name

    def attributes(self) -> dict[str, Value]:
        return self.fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Struct) and self.name == other.name and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(tuple(hashable(value) for value in self.fields.values()))


class Module(HostValue):
    """A named group of values, such as ``os``."""

    starlark_type = "module"

    def __init__(self, name: str, members: dict[str, Value]) -> None:
        self.name = name
        self.members = members

    def attributes(self) -> dict[str, Value]:
        return self.members

    def __str__(self) -> str:
        return f'<module "{self.name}">'


class Builtin:
    """A function of the host; a method remembers what it is a method of. ``run`` gets positional and named arguments."""

    __slots__ = ("name", "owner", "run")
    starlark_type: ClassVar[str] = "builtin_function_or_method"

    def __init__(self, name: str, run: Callable[[tuple[Value, ...], dict[str, Value]], Value], owner: str = "") -> None:
        self.name = name
        self.run = run
        self.owner = owner

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        return self.run(args, kwargs)

    def __str__(self) -> str:
        return (
            f"<built-in method {self.name} of {self.owner} value>" if self.owner else f"<built-in function {self.name}>"
        )


_TYPE_NAMES: dict[type, str] = {
    NoneType: "NoneType",
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    bytes: "bytes",
    tuple: "tuple",
    List: "list",
    Dict: "dict",
    Set: "set",
    range: "range",
    FunctionType: "function",
    Builtin: Builtin.starlark_type,
}


def type_name(value: Value) -> str:
    """Return Starlark's name of the value's type."""
    kind = type(value)
    return _TYPE_NAMES.get(kind) or str(getattr(kind, "starlark_type", kind.__name__))


def function_name(function: FunctionType) -> str:
    """Return the name that Starlark shows."""
    return "lambda" if function.__name__ == "<lambda>" else function.__name__


def hashable(value: Value) -> Value:
    """Return the value if it may be a key; raises Failure if not."""
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is tuple:
        for item in value:
            hashable(item)
    elif kind is range:
        raise Failure("unhashable: range")
    elif getattr(kind, "__hash__", None) is None:
        raise Failure(f"unhashable type: {type_name(value)}")
    return value


def is_hashable(value: Value) -> bool:
    """Tell whether the value may be a key."""
    try:
        hashable(value)
    except Failure:
        return False
    return True


def key_of(function: str, value: Value) -> Value:
    """Return the value if it may be a key; raises Failure in the name of the function if not."""
    try:
        return hashable(value)
    except Failure as failure:
        raise Failure(f"{function}: {failure}") from None


def iterable(value: Value) -> Iterable[Value] | None:
    """Return what a Starlark program may iterate over (so no string), else None."""
    if isinstance(value, list | tuple | dict | Set | range):
        return value
    return value.elements() if isinstance(value, HostValue) else None


def check_mutable(container: List | Dict | Set, verb: str, method: str = "") -> None:
    """Raise Failure if the container is frozen or being iterated over; ``verb`` is such as ``append to``."""
    if not (container.frozen or container.iterating):
        return
    what = type_name(container) if isinstance(container, List) else "hash table"
    problem = f"cannot {verb} frozen {what}" if container.frozen else f"cannot {verb} {what} during iteration"
    raise Failure(f"{method}: {problem}" if method else problem)


def freeze(*roots: Value) -> None:
    """Make the values, and everything that can be reached from them, immutable."""
    pending = list(roots)
    while pending:
        value = pending.pop()
        if isinstance(value, List | Dict | Set):
            if not value.frozen:
                value.frozen = True
                pending += [*value, *value.values()] if isinstance(value, Dict) else list(value)
        elif isinstance(value, tuple):
            pending += value
        elif isinstance(value, FunctionType):
            pending += _captured(value)
        elif isinstance(value, Struct):
            pending += value.fields.values()


def _captured(function: FunctionType) -> Iterator[Value]:
    """Yield a function's default values and what its closure holds, once for each function."""
    if "frozen" in function.__dict__:
        return
    function.__dict__["frozen"] = True
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        if cell != type(cell)():
            yield cell.cell_contents
