"""A run as a Python program sees it: its address, its verdict, and what it brought up."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upright.client.cli.cards import card_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upright.client.client import Client

ANSWER_SECONDS = 30.0

Json = dict[str, Any]  # Any: a decoded JSON document


class RunFailed(Exception):
    """The run did not become healthy; the message has the failure cards, ``session`` tells them and the verdict."""

    def __init__(self, session: Session, reason: str) -> None:
        super().__init__("\n".join([reason, *(card_lines(card).rstrip("\n") for card in session.failures)]))
        self.session = session


class Session:
    """A run: its address, its verdict, and what it brought up."""

    def __init__(self, url: str = "", status: Json | None = None) -> None:
        self.url = url
        self.status: Json = status or {}
        self._client: Client | None = None

    @property
    def output(self) -> str:
        """What the run has printed so far, for who started it."""
        return ""

    @property
    def verdict(self) -> str:
        """``healthy``, ``failed``, ``timeout``, ``unknown`` or ``interrupted``."""
        return str((self.status.get("verdict") or {}).get("state", "pending"))

    @property
    def failures(self) -> list[Json]:
        """The failure cards, root causes first."""
        return list(self.status.get("failures") or ())

    @property
    def client(self) -> Client:
        """The typed client of the run's server; with ``async with`` only."""
        if self._client is None:
            raise RuntimeError("a client is asynchronous: begin the session with async with")
        return self._client

    def connected(self, client: Client) -> None:
        """Have this client for the block."""
        self._client = client

    def resources(self) -> dict[str, Json]:
        """Return the resources by their names, as they are now."""
        listed = self._get("/apis/resource")
        return {one["metadata"]["name"]: one for one in listed["items"]}

    def urls(self, resource: str) -> list[str]:
        """Return the addresses at which a resource is reached."""
        links = self.resources()[resource]["status"].get("endpointLinks") or ()
        return [str(link["url"]) for link in links]

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the cluster to which the run deploys; see ``Client.from_kubeconfig``."""
        for cluster in self._get("/apis/cluster")["items"]:
            resolved = (cluster.get("status") or {}).get("connection") or {}
            if path := (resolved.get("kubernetes") or {}).get("configPath"):
                return Path(path)
        raise LookupError("the run deploys to no cluster")

    def _get(self, path: str) -> Json:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            found: Json = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()

    def watch(self, path: str) -> Iterator[Json]:
        connection = HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            while line := answer.readline():
                yield json.loads(line)
        finally:
            connection.close()
