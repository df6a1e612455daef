"""The resources of a run, as the commands that steer it name them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from upright.client.cli.troubles import WrongUsage, closest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from upright.client.cli.connection import Connection, Json


def resources(connection: Connection, session: str = "") -> dict[str, Json]:
    """Return the resources by their names, in the order of the Tiltfile: of the run itself, or of a Session it hosts."""
    below = f"/sessions/{quote(session, safe='')}" if session else ""
    items: list[Json] = connection.get(f"{below}/apis/resource", free=True).get("items") or []
    items.sort(key=lambda body: body.get("spec", {}).get("order") or 0)
    return {str(body["metadata"]["name"]): body for body in items}


def require(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise WrongUsage, with a suggestion, for the first name that is not known."""
    known = list(known)
    for name in names:
        if name not in known:
            raise WrongUsage(f'there is no resource "{name}"{closest(name, known) or _those(known)}')


def is_off(resource: Json) -> bool:
    """Say whether the resource is switched off."""
    return (resource.get("status", {}).get("disableStatus") or {}).get("state") == "Disabled"


def _those(known: list[str]) -> str:
    return f": there are {', '.join(known)}" if known else ": there are none yet"
