"""The environment that local commands get."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def base_environment(
    inherited: Mapping[str, str], *, kubeconfig: str = "", host: str = "", port: int = 0, colour: bool = False
) -> dict[str, str]:
    """Return what every command of a run gets, as in Tilt.

    That is our own environment, with the run's KUBECONFIG in place of ours, and where they are missing: what makes
    programs print as for a person, and where the API is.
    """
    missing = {"LINES": "24", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", "TILT_DISABLE_ANALYTICS": "1"}
    if colour:
        missing["FORCE_COLOR"] = "1"
    if port:
        missing |= {"TILT_PORT": str(port), "TILT_HOST": host or "localhost"}
    given = missing | dict(inherited)
    return given | {"KUBECONFIG": kubeconfig} if kubeconfig else given


def with_pairs(environment: Mapping[str, str], pairs: Iterable[str]) -> dict[str, str]:
    """Return the environment with these ``NAME=VALUE`` in it."""
    extra = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {**environment, **extra}
