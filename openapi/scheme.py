"""What a kind is: its names, verbs, columns and model, as data; and the set of kinds that a server serves."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from upright.openapi.meta import Json, Object

ColumnType = Literal["string", "integer", "number", "boolean", "date"]


class Column(Struct, frozen=True):
    """A column of the kind's table.

    ``value`` gets the object as JSON and returns the cell (None prints as ``<none>``); a ``date`` cell is an
    RFC 3339 text that clients show as an age. ``priority`` 0 is always shown, 1 with ``-o wide``.
    """

    name: str
    value: Callable[[Json], Any]  # Any: a cell is any JSON scalar
    type: ColumnType = "string"
    description: str = ""
    priority: int = 0


def at(*path: str) -> Callable[[Json], Any]:  # Any: whatever stands at the path
    """Return a column's ``value`` that reads one place of the object; None where it is absent."""

    def read(body: Json) -> Any:  # noqa: ANN401  reason: a cell is any JSON scalar
        here: Any = body
        for step in path:
            if not isinstance(here, dict):
                return None
            here = here.get(step)
        return here

    return read


NAME = Column("NAME", at("metadata", "name"), description="Name of the object")
AGE = Column("AGE", at("metadata", "creationTimestamp"), "date", "Time since the object was created")


class Kind(Struct, frozen=True):
    """Everything the server and its clients need to know of a kind.

    ``selectable``: field selector name (``status.phase``) to its reader, beside metadata.name and .namespace.
    ``immutable``: paths such as ``("spec", "podName")`` that an update may not change.
    ``kept``: paths whose value stays when an update leaves them out, for the server gave it.
    ``defaults``: fills in a new or updated object's JSON in place before it is validated.
    ``born``: given a new object's JSON with its uid, returns it with what is made of the uid.
    ``merge_keys``: list path to merge key for strategic merge patches; None: strategic merge is answered 415.
    ``view_of``: a read-only view of another kind, made by ``project`` from its JSON.
    """

    group: str
    version: str
    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("all",)
    namespaced: bool = False
    status: bool = True
    subresources: tuple[str, ...] = ()
    columns: tuple[Column, ...] = (NAME, AGE)
    selectable: dict[str, Callable[[Json], Any]] = field(default_factory=dict)
    immutable: tuple[tuple[str, ...], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    defaults: Callable[[Json], None] | None = None
    born: Callable[[Json], Json] | None = None
    merge_keys: dict[str, str] | None = None
    view_of: str = ""
    project: Callable[[Json], Json] | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def resource(self) -> str:
        """The storage name, ``tilt.dev/sessions``; ``pods`` for the core group."""
        return f"{self.group}/{self.plural}" if self.group else self.plural


class Scheme:
    """The kinds one server serves, found by class, by group/version/plural, or by apiVersion and kind."""

    def __init__(self, kinds: Iterable[type[Object]]) -> None:
        self._kinds = tuple(sorted(kinds, key=lambda k: (k.definition.group, k.definition.plural)))
        self._by_plural = {_address(k.definition): k for k in self._kinds}
        self._by_kind = {(k.definition.api_version, k.definition.kind): k for k in self._kinds}

    def __iter__(self) -> Iterator[type[Object]]:
        return iter(self._kinds)

    def by_plural(self, group: str, version: str, plural: str) -> type[Object] | None:
        return self._by_plural.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> type[Object] | None:
        return self._by_kind.get((api_version, kind))

    def by_word(self, word: str) -> type[Object] | None:
        """Find a kind by what a person types: plural, singular, short name, kind, or ``plural.group``."""
        plain, _, group = word.lower().partition(".")
        for kind in self._kinds:
            about = kind.definition
            names = {about.plural, about.singular, *about.short_names}
            if plain in names and about.group.startswith(group):
                return kind
        return None


def _address(about: Kind) -> tuple[str, str, str]:
    return about.group, about.version, about.plural


def discover(*packages: ModuleType) -> Scheme:
    """Import every module of the packages and return the Scheme of all kinds defined there."""
    from upright.openapi.meta import Object  # noqa: PLC0415  reason: this module is imported by those that meta needs

    names = [package.__name__ for package in packages]
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)
    return Scheme(
        kind
        for kind in _descendants(Object)
        if "definition" in kind.__dict__ and any(kind.__module__.startswith(f"{name}.") for name in names)
    )


def _descendants(root: type[Object]) -> Iterator[type[Object]]:
    for child in root.__subclasses__():
        yield child
        yield from _descendants(child)
