"""version_settings(): which versions of Tilt the Tiltfile is made for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from upright.controllers.tiltfile.language.arguments import Arguments, boolean, optional, string
from upright.controllers.tiltfile.language.errors import Failure
from upright.controllers.tiltfile.vocabulary import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.controllers.tiltfile.project import Project

TILT_VERSION = "0.37.6"
"""The version of Tilt whose Tiltfiles are understood: what a constraint is compared with."""

_PART = re.compile(r"(>=|<=|==|!=|!|=|>|<)?\s*(\d+)(?:\.(\d+|x))?(?:\.(\d+|x))?(?:-[0-9A-Za-z.-]+)?(?=\s|$)")
_Version = tuple[int, int, int]


class VersionArguments(Arguments):
    """version_settings(check_updates=True, constraint="")."""

    check_updates: bool = optional(boolean, default=True)
    constraint: str = optional(string, "")


def version_settings(project: Project, given: VersionArguments) -> None:
    """Refuse to go on if the constraint excludes the version of Tilt that is understood here."""
    project.noted.check_updates = given.check_updates
    if given.constraint and not satisfies(TILT_VERSION, given.constraint):
        raise Failure(
            f"you are running Tilt version {TILT_VERSION}, which doesn't match the version constraint specified in "
            f"your Tiltfile: '{given.constraint}'"
        )


def satisfies(version: str, constraint: str) -> bool:
    """Whether the version is in the range: ``||`` of groups in which everything must hold; raises Failure."""
    major, minor, patch = map(int, version.split("."))
    return any(all(holds) for holds in [list(_tests((major, minor, patch), part)) for part in constraint.split("||")])


def _tests(version: _Version, text: str) -> Iterator[bool]:
    at = 0
    text = text.strip()
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            raise Failure(f'error parsing version constraint: Could not parse Range "{text}"')
        yield _holds(version, found)
        at = found.end() + (len(text) - found.end() - len(text[found.end() :].lstrip()))
    if not text:
        raise Failure('error parsing version constraint: Could not parse Range ""')


def _holds(version: _Version, found: re.Match[str]) -> bool:
    parts = found.groups()[1:]
    known = [int(part) for part in parts if part not in {None, "x"}]
    if len(known) < len(parts) and None in parts:
        raise Failure(f'error parsing version constraint: Could not parse version "{found[0]}": No Major.Minor.Patch')
    low = (*known, 0, 0, 0)[:3]
    high = low if len(known) == len(parts) else (*known[:-1], known[-1] + 1, 0, 0)[:3]
    within = low <= version < high if high != low else version == low
    below = version < low
    operator = found[1] or "="
    outcomes = {
        "=": within,
        "==": within,
        "!": not within,
        "!=": not within,
        "<": below,
        "<=": below or within,
        ">": not below and not within,
        ">=": not below,
    }
    return outcomes[operator]


VALUES = {"version_settings": function("version_settings", VersionArguments, version_settings)}
