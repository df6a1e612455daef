"""Limits as they are given on a line: ``crash_budget=5``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.openapi.v1alpha1.limits import Limits


def limits_of(said: Iterable[str]) -> Limits | None:
    """Return the limits that were given; None for none. Raises WrongUsage."""
    given = tuple(said)
    if not given:
        return None
    from pydantic import ValidationError  # noqa: PLC0415  reason: a run imports it in any case, help does not

    from upright.openapi.v1alpha1.limits import LIMIT_NAMES, Limits  # noqa: PLC0415  reason: as above

    values: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if name not in LIMIT_NAMES:
            raise WrongUsage(
                f'--set: there is no limit "{name}"{closest(name, list(LIMIT_NAMES))}: {", ".join(LIMIT_NAMES)}'
            )
        if not equals:
            raise WrongUsage(f"--set {name}: a value is missing, as in --set {name}=5")
        values[name] = value
    try:
        return Limits.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongUsage(f"--set {first['loc'][0]}={first['input']}: {first['msg']}") from error
