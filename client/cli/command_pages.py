"""A page of Markdown about each command, made of the very thing that help is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.command_files import find, listed
from upright.client.cli.flags import GLOBAL_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from upright.client.cli.flags import Command, Flag

_ROOT = "upright"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the pages with their file names: upright.md, and one for each command and each word above some."""
    yield _file(""), _group_page("", listed())
    yield from _below("")


def _below(above: str) -> Iterator[tuple[str, str]]:
    for word in listed(above):
        name = f"{above} {word}".lstrip()
        module, _, _ = find(name.split())
        has_more = hasattr(module, "__path__")
        below = listed(name) if has_more else {}
        if module is not None and hasattr(module, "command"):
            yield _file(name), _command_page(module.command(), below)
        else:
            yield _file(name), _group_page(name, below)
        if has_more:
            yield from _below(name)


def _file(name: str) -> str:
    return f"{'_'.join([_ROOT, *name.split()])}.md"


def _command_page(command: Command, below: Mapping[str, str]) -> str:
    parts = [f"# {_ROOT} {command.name}", command.about, f"```\n{command.usage}\n```"]
    parts.append(f"## Examples\n\n```sh\n{command.examples}\n```")
    if below:
        parts.append(_links(command.name, below))
    parts.append(f"## Flags\n\n{_table((*command.flags, *GLOBAL_FLAGS))}")
    return "\n\n".join(parts) + "\n"


def _group_page(name: str, below: Mapping[str, str]) -> str:
    title = f"{_ROOT} {name}".rstrip()
    return f"# {title}\n\n```\n{title} COMMAND [flags]\n```\n\n{_links(name, below)}\n"


def _links(above: str, below: Mapping[str, str]) -> str:
    rows = (
        f"- [{_ROOT} {f'{above} {word}'.lstrip()}]({_file(f'{above} {word}')}): {does}" for word, does in below.items()
    )
    return "## Commands\n\n" + "\n".join(rows)


def _table(flags: Iterable[Flag]) -> str:
    return "\n".join(["| flag | means | unless said |", "|---|---|---|", *map(_row, filter(_shown, flags))])


def _shown(flag: Flag) -> bool:
    return not flag.hidden


def _row(flag: Flag) -> str:
    short = f"`-{flag.short}`, " if flag.short else ""
    value = f" {flag.value}" if flag.value else ""
    variables = "".join(f", `${name}`" for name in flag.variables)
    default = f"`{flag.default}`" if flag.default else ""
    return (
        f"| {short}`--{flag.name}{value}` | {_cell(flag.about)} | {default}{variables if default else variables[2:]} |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
