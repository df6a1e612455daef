"""What ``-o`` asks for: how objects are printed that are no table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from upright.client.cli.output.documents import document, listed, name_of, without_managers
from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from upright.client.cli.connection import Json

TABLES = ("", "wide")
PLAIN = ("yaml", "json", "name")
BY_PATH = (
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "custom-columns",
    "custom-columns-file",
    "go-template",
    "go-template-file",
)
"""These take what follows an equals sign, or ``--template``."""

EVERY = ("wide", *PLAIN, *BY_PATH)


class Settings(NamedTuple):
    """The flags beside ``-o``."""

    template: str = ""
    headed: bool = True
    managers: bool = False


def is_table(asked: str) -> bool:
    """Say whether the server makes the rows. Raises WrongUsage for a form that there is not."""
    form, _, _ = asked.partition("=")
    if form not in TABLES and form not in EVERY:
        raise WrongUsage(f'-o: "{form}" is not one of {", ".join(EVERY)}{closest(form, list(EVERY))}')
    return form in TABLES


def printer(asked: str, settings: Settings) -> Callable[[Sequence[Json], bool], str]:
    """Return what prints objects: it is told whether one was asked for by name, which is then itself and no List.

    Raises WrongUsage.
    """
    form, equals, argument = asked.partition("=")
    argument = argument if equals else settings.template
    if form in PLAIN:
        if equals:
            raise WrongUsage(f"-o {form} takes nothing behind it, not ={argument}")
        return _plain(form, managers=settings.managers)
    if not argument:
        raise WrongUsage(f"-o {form} needs what to print, as in -o {_EXAMPLES.get(form, f'{form}=FILE')}")
    if form.startswith("custom-columns"):
        return _columns(form, argument, headed=settings.headed)
    return _template(form, argument)


_EXAMPLES = {
    "jsonpath": "jsonpath={.metadata.name}",
    "jsonpath-as-json": "jsonpath-as-json={.metadata.name}",
    "custom-columns": "custom-columns=NAME:.metadata.name",
    "go-template": "go-template={{.metadata.name}}",
}


def _plain(form: str, *, managers: bool) -> Callable[[Sequence[Json], bool], str]:
    def names(bodies: Sequence[Json], single: bool) -> str:
        del single
        return "".join(f"{name_of(body)}\n" for body in bodies)

    def documents(bodies: Sequence[Json], single: bool) -> str:
        whole = _whole(bodies, single=single)
        shown = whole if managers else without_managers(whole)
        return document(shown, "yaml" if form == "yaml" else "json")

    return names if form == "name" else documents


def _columns(form: str, argument: str, *, headed: bool) -> Callable[[Sequence[Json], bool], str]:
    module = import_module("upright.client.cli.output.columns")  # only where it is asked for
    columns = module.columns_in(argument) if form.endswith("-file") else module.columns_of(argument)
    made = module.CustomColumns(columns, headed=headed)
    return lambda bodies, single: str(made.text(bodies))  # noqa: ARG005  reason: columns look alike for one and for many


def _template(form: str, argument: str) -> Callable[[Sequence[Json], bool], str]:
    text = _content(argument) if form.endswith("-file") else argument
    if form.startswith("go-template"):
        made = import_module("upright.client.cli.output.templates").Template(text)
    else:
        made = import_module("upright.client.cli.output.jsonpath").JsonPath(text)
    if form != "jsonpath-as-json":
        return lambda bodies, single: str(made.text(_whole(bodies, single=single)))

    def as_json(bodies: Sequence[Json], single: bool) -> str:
        return document(made.values(_whole(bodies, single=single)), "json")

    return as_json


def _whole(bodies: Sequence[Json], *, single: bool) -> Json:
    return bodies[0] if single and len(bodies) == 1 else listed(bodies)


def _content(file: str) -> str:
    from pathlib import Path  # noqa: PLC0415  reason: only where it is asked for

    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise WrongUsage(f"{file}: {error.strerror}") from error
