"""Which resource of an API server holds objects of a kind: asked once for each group version, and again for what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio
from msgspec import Struct

from upright.openapi.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from upright.controllers.world.kube_connection import KubeConnection


class ServedKind(Struct, frozen=True):
    """A kind as the server has it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of its objects (of all namespaces if none is named), or of one."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        space = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{root}{space}/{self.plural}" + (f"/{quote(name)}" if name else "")


class KubeDiscovery:
    """The kinds that an API server has; a kind that was not there is looked for anew each time."""

    def __init__(self, connection: KubeConnection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], ServedKind] = {}
        self._asking = anyio.Lock()

    async def find(self, api_version: str, kind: str) -> ServedKind:
        """Return where the kind's objects are; raises BadRequest in kubectl's words if the server has no such kind."""
        key = (api_version, kind)
        if key not in self._known:
            async with self._asking:
                if key not in self._known:
                    await self._ask(api_version)
        if key not in self._known:
            raise BadRequest(
                f'no matches for kind "{kind}" in version "{api_version}": the cluster has no such kind; '
                "is its CustomResourceDefinition installed?"
            )
        return self._known[key]

    def forget(self, api_version: str, kind: str) -> None:
        """Have the kind asked for again: its definition may have gone."""
        self._known.pop((api_version, kind), None)

    async def _ask(self, api_version: str) -> None:
        root = "/apis/" if "/" in api_version else "/api/"
        try:
            listed = await self._connection.call("GET", f"{root}{api_version}")
        except NotFound:
            return
        for one in listed.get("resources") or ():
            if "/" not in one["name"]:
                found = ServedKind(api_version, one["kind"], one["name"], bool(one["namespaced"]))
                self._known[api_version, one["kind"]] = found
