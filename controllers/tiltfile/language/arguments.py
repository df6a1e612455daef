"""Arguments of the host's functions: declared as a class, bound and checked as Tilt does, with Tilt's words.

    class Greeting(Arguments):
        name: str = required(string)
        times: int = optional(integer, 1)

A reader gets the value and the directory of the file that is being executed, and returns what the builtin works with;
it raises ``WrongValue`` for what does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from upright.controllers.tiltfile.language.errors import Failure, WrongValue, nearest
from upright.controllers.tiltfile.language.values import Value, iterable, type_name

MAX_ITEMS = 1 << 24  # of a range that is written out: half a gigabyte of list
T = TypeVar("T")
A = TypeVar("A", bound="Arguments")
Reader = Callable[[Value, str], T]


class Parameter:
    """One parameter: how its value is read, and what it is when it is not given."""

    __slots__ = ("default", "is_required", "none_is_unset", "read")

    def __init__(self, read: Reader[Any], default: object, *, is_required: bool, none_is_unset: bool) -> None:
        self.read = read
        self.default = default
        self.is_required = is_required
        self.none_is_unset = none_is_unset


def required(read: Reader[T]) -> T:
    """Declare a parameter that must be given."""
    return Parameter(read, None, is_required=True, none_is_unset=False)  # type: ignore[return-value]  # reason: stands where bind puts a T


def optional(read: Reader[T], default: T, *, none_is_unset: bool = False) -> T:
    """Declare a parameter with a default; with ``none_is_unset``, None is the same as not giving it."""
    return Parameter(read, default, is_required=False, none_is_unset=none_is_unset)  # type: ignore[return-value]  # reason: stands where bind puts a T


class Arguments:
    """The arguments of one call. Subclasses declare them with ``required`` and ``optional``, in order, inherited ones last."""

    parameters: ClassVar[dict[str, Parameter]] = {}
    given: frozenset[str]

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Parameter)}
        cls.parameters = {**own, **cls.parameters}


def bind(function: str, want: type[A], call: tuple[tuple[Value, ...], dict[str, Value]], directory: str) -> A:
    """Return the arguments of ``call`` (positional and named) read and checked; raises Failure in Tilt's words."""
    parameters = want.parameters
    values = _named(function, parameters, call)
    bound = want()
    bound.given = frozenset(values)
    for name, parameter in parameters.items():
        if name not in values:
            if parameter.is_required:
                raise Failure(f"{function}: missing argument for {name}")
            setattr(bound, name, parameter.default)
            continue
        try:
            setattr(bound, name, _read(parameter, values[name], directory))
        except WrongValue as wrong:
            shown = f'"{name}"' if name in call[1] else name  # as starlark-go quotes named ones only
            raise Failure(f"{function}: for parameter {shown}: {wrong}") from None
    return bound


def _named(
    function: str, parameters: dict[str, Parameter], call: tuple[tuple[Value, ...], dict[str, Value]]
) -> dict[str, Value]:
    """Return the given arguments by parameter."""
    args, kwargs = call
    if len(args) > len(parameters):
        raise Failure(f"{function}: got {len(args)} arguments, want at most {len(parameters)}")
    values: dict[str, Value] = dict(zip(parameters, args, strict=False))
    for name, value in kwargs.items():
        if name not in parameters:
            raise Failure(f'{function}: unexpected keyword argument "{name}"{nearest(name, list(parameters))}')
        if name in values:
            raise Failure(f'{function}: got multiple values for keyword argument "{name}"')
        values[name] = value
    return values


def _read(parameter: Parameter, value: Value, directory: str) -> object:
    return parameter.default if value is None and parameter.none_is_unset else parameter.read(value, directory)


def positional(
    function: str, args: tuple[Value, ...], kwargs: dict[str, Value], *, least: int, most: int
) -> tuple[Value, ...]:
    """Return the arguments padded with None to ``most``; raises Failure for a wrong count or any named one."""
    if kwargs:
        raise Failure(f"{function}: unexpected keyword arguments")
    if not least <= len(args) <= most:
        bound = "" if least == most else "at least " if len(args) < least else "at most "
        raise Failure(f"{function}: got {len(args)} arguments, want {bound}{least if len(args) < least else most}")
    return args + (None,) * (most - len(args))


def checked(function: str, at: int, value: Value, read: Reader[T]) -> T:
    """Return the positional argument number ``at`` as ``read`` reads it; raises Failure."""
    try:
        return read(value, "")
    except WrongValue as wrong:
        raise Failure(f"{function}: for parameter {at}: {wrong}") from None


def wrong_type(value: Value, want: str) -> WrongValue:
    """Return the error that says what type was wanted."""
    return WrongValue(f"got {type_name(value)}, want {want}")


def string(value: Value, _directory: str = "") -> str:
    """Read a string."""
    if type(value) is not str:
        raise wrong_type(value, "string")
    return value


def integer(value: Value, _directory: str = "") -> int:
    """Read an int."""
    if type(value) is not int:
        raise wrong_type(value, "int")
    return value


def boolean(value: Value, _directory: str = "") -> bool:
    """Read a bool."""
    if type(value) is not bool:
        raise wrong_type(value, "bool")
    return value


def function_value(value: Value, _directory: str = "") -> Callable[..., Value]:
    """Read a function."""
    if not callable(value):
        raise wrong_type(value, "callable")
    return value  # type: ignore[no-any-return]  # reason: a Value is Any, and this one is callable


def sequence(value: Value, _directory: str = "") -> list[Value]:
    """Read anything that can be iterated over."""
    items = iterable(value)
    if items is None:
        raise wrong_type(value, "iterable")
    if type(items) is range and len(items) > MAX_ITEMS:
        raise WrongValue(f"too large: range of {len(items)} elements")
    return list(items)


def anything(value: Value, _directory: str = "") -> Value:
    """Read a value of any type."""
    return value
