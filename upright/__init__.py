"""Runs a Tiltfile to a verdict. For programs: ``from upright import Client, RunFailed, SyncClient, ci``."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from upright.client.client import Client
    from upright.client.sync import SyncClient
    from upright.session import RunFailed
    from upright.started_session import ci

__all__ = ["Client", "RunFailed", "SyncClient", "__version__", "ci"]

_PLACES = {
    "Client": "upright.client.client",
    "RunFailed": "upright.session",
    "SyncClient": "upright.client.sync",
    "ci": "upright.started_session",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'upright' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415  reason: ``import upright`` costs nothing

    return getattr(import_module(_PLACES[name]), name)
