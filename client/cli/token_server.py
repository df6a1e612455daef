"""The server whose tokens are meant: one that runs here, or one that a kubeconfig leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.client.cli.asked import SERVER_FLAGS, server
from upright.client.cli.connection import Connection
from upright.client.cli.discovery import Server
from upright.client.cli.flags import Flag

if TYPE_CHECKING:
    from upright.client.cli.flags import Given

PATH = "/api/tokens"
FLAGS = (
    Flag("kubeconfig", "leads to the server, with an admin's token; else one that runs here is asked", "FILE"),
    *SERVER_FLAGS,
)


def connected(given: Given) -> Connection:
    """Return the connection to it."""
    if path := given.text("kubeconfig"):
        return Connection(Server(0, "", "localhost", 0, kubeconfig=path))
    return Connection(server(given))
