"""Readers of arguments that several builtins share: paths, commands, labels, environments, lists of strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from upright.controllers.tiltfile.blob import Blob
from upright.controllers.tiltfile.language.arguments import Reader, wrong_type
from upright.controllers.tiltfile.language.errors import WrongValue
from upright.controllers.tiltfile.language.interpreter import absolute
from upright.controllers.tiltfile.language.text import quote, to_repr
from upright.controllers.tiltfile.language.values import Dict, List, Set, Value, type_name

if TYPE_CHECKING:
    from datetime import timedelta

T = TypeVar("T")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_INT32 = range(-(1 << 31), 1 << 31)


def text_of(value: Value) -> str | None:
    """Return the text of a string or a Blob, else None."""
    if type(value) is str:
        return value
    return value.text if isinstance(value, Blob) else None


def stringable(value: Value, _directory: str = "") -> str:
    """Read a string or what becomes one by itself: a Blob."""
    text = text_of(value)
    if text is None:
        raise WrongValue(f"Value should be convertible to string, but is type {type_name(value)}")
    return text


def maybe(read: Reader[T]) -> Reader[T | None]:
    """Return a reader that takes None as well."""
    return lambda value, directory: None if value is None else read(value, directory)


def path(value: Value, directory: str) -> str:
    """Read a path, made absolute."""
    text = text_of(value)
    if text is None:
        raise WrongValue(f"expected path | string. Actual type: {type_name(value)}")
    return absolute(text, directory)


def paths(value: Value, directory: str) -> tuple[str, ...]:
    """Read a path or a list of them, made absolute."""
    if text_of(value) is not None:
        return (path(value, directory),)
    if value is None:
        return ()
    if not isinstance(value, List | tuple):
        raise WrongValue(f"value should be a string or List or Tuple of strings, but is of type {type_name(value)}")
    found: list[str] = []
    for item in value:
        try:
            found.append(path(item, directory))
        except WrongValue as wrong:
            raise WrongValue(f"unpacking list item at index {len(found)}: {wrong}") from None
    return tuple(found)


def strings(value: Value, _directory: str = "") -> tuple[str, ...]:
    """Read a string or a list of strings."""
    text = text_of(value)
    if text is not None:
        return (text,)
    if value is None:
        return ()
    if not isinstance(value, List | tuple):
        raise WrongValue(f"value should be a string or List or Tuple of strings, but is of type {type_name(value)}")
    return _texts(value, "list should contain only strings")


def string_list(value: Value, _directory: str = "") -> tuple[str, ...]:
    """Read a list of strings; one string is not a list."""
    if value is None:
        return ()
    if not isinstance(value, List | tuple):
        raise WrongValue(f"value should be a List or Tuple of strings, but is of type {type_name(value)}")
    return _texts(value, "value should contain only strings")


def _texts(values: List | tuple[Value, ...], rule: str) -> tuple[str, ...]:
    found: list[str] = []
    for item in values:
        text = text_of(item)
        if text is None:
            raise WrongValue(f"{rule}, but element {quote(to_repr(item))} was of type {type_name(item)}")
        found.append(text)
    return tuple(found)


def string_sequence(value: Value, _directory: str = "") -> tuple[str, ...]:
    """Read any sequence of plain strings."""
    if not isinstance(value, List | tuple | Set | Dict):
        raise wrong_type(value, "sequence of strings")
    for item in value:
        if type(item) is not str:
            raise WrongValue(f"'{to_repr(item)}' is a {type_name(item)}, not a string")
    return tuple(value)


def pattern_list(what: str) -> Reader[tuple[str, ...]]:
    """Return a reader of ignore patterns: a string or a sequence of strings, none with a newline."""

    def read(value: Value, _directory: str) -> tuple[str, ...]:
        if value is None:
            return ()
        items = value if isinstance(value, List | tuple | Set | Dict) else (value,)
        for item in items:
            if type(item) is not str:
                raise WrongValue(f"{what} must be a string or a sequence of strings; found a {type_name(item)}")
            if "\n" in item:
                raise WrongValue(f"{what} cannot contain newlines; found {what}: {quote(item)}")
        return tuple(items)

    return read


def string_map(value: Value, _directory: str = "") -> dict[str, str]:
    """Read a dict of strings."""
    if value is None:
        return {}
    if not isinstance(value, Dict):
        raise WrongValue(f"expected dict, got {type_name(value)}")
    found: dict[str, str] = {}
    for key, item in value.items():
        for what, part in (("key", key), ("value", item)):
            if text_of(part) is None:
                raise WrongValue(f"{what} is not a string: {type_name(part)} ({to_repr(part)})")
        found[stringable(key)] = stringable(item)
    return found


def environment(value: Value, directory: str = "") -> tuple[str, ...]:
    """Read a dict of environment variables as sorted ``NAME=VALUE``."""
    pairs = string_map(value, directory)
    if "" in pairs:
        raise WrongValue(f"environment has empty key for value {quote(pairs[''])}")
    return tuple(sorted(f"{name}={text}" for name, text in pairs.items()))


def command(value: Value, _directory: str = "") -> tuple[str, ...]:
    """Read a command as argv: a string goes to ``sh -c``, a list is run as it is."""
    if type(value) is str:
        return ("sh", "-c", value.strip()) if value else ()
    if not isinstance(value, List | tuple | Set | Dict):
        raise WrongValue(f"a command must be a string or list of strings. found {type_name(value)}")
    try:
        return string_sequence(value)
    except WrongValue as wrong:
        raise WrongValue(f"a command must be a string or a list of strings: {wrong}") from None


def command_text(argv: tuple[str, ...]) -> str:
    """Return how a command is shown: what stands behind ``sh -c``, or its words, quoted where they need it."""
    if argv[:2] == ("sh", "-c") and len(argv) == 3:
        return argv[2]
    import shlex  # noqa: PLC0415  reason: rarely needed

    return shlex.join(argv)


def directory_path(value: Value, directory: str) -> str | None:
    """Read the working directory of a command; None is the Tiltfile's."""
    if value is None:
        return None
    try:
        return path(value, directory)
    except WrongValue as wrong:
        raise WrongValue(f"a command directory must be empty or a string: {wrong}") from None


def labels(value: Value, _directory: str = "") -> tuple[str, ...]:
    """Read one label or a list of them."""
    if value is None:
        return ()
    if type(value) is str:
        return (_label(value),)
    if not isinstance(value, List | tuple):
        raise WrongValue(f"value should be a label or List or Tuple of labels, but is of type {type_name(value)}")
    return tuple(dict.fromkeys(_label(item) for item in value))


def _label(value: Value) -> str:
    text = stringable(value)
    if "/" in text:
        raise WrongValue(f"Invalid label {quote(text)}: cannot contain /")
    if len(text) > 63:
        raise WrongValue(f"Invalid label {quote(text)}: name part must be no more than 63 bytes")
    if not _LABEL.fullmatch(text):
        raise WrongValue(
            f"Invalid label {quote(text)}: name part must consist of alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
            "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return text


def resource_name(value: Value, _directory: str = "") -> str:
    """Read a resource's name: it must do as one segment of a path."""
    text = stringable(value)
    if text in {".", ".."}:
        raise WrongValue(f"invalid value {quote(text)}: may not be '{text}'")
    for letter in "/%":
        if letter in text:
            raise WrongValue(f"invalid value {quote(text)}: may not contain '{letter}'")
    return text


def int32(value: Value, _directory: str = "") -> int:
    """Read an int of 32 bits."""
    if type(value) is not int:
        raise wrong_type(value, "int")
    if value not in _INT32:
        raise WrongValue(f"value out of range for int32: {value}")
    return value


def duration(value: Value, _directory: str = "") -> timedelta:
    """Read Go's duration text, such as ``10m``."""
    from upright.openapi.meta import parse_duration  # noqa: PLC0415  reason: pydantic, where settings are used

    if type(value) is not str:
        raise WrongValue(f"Expected string. Got: {type_name(value)}")
    try:
        return parse_duration(value)  # type: ignore[return-value]  # reason: a text gives a timedelta or ValueError
    except ValueError as error:
        raise WrongValue(str(error)) from None


class Command(Struct, frozen=True):
    """A command with its place to run and its own environment (``NAME=VALUE``)."""

    argv: tuple[str, ...]
    directory: str
    env: tuple[str, ...] = ()

    def __str__(self) -> str:
        return command_text(self.argv)
