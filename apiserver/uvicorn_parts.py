"""The parts of uvicorn that are used: its command line and its supervisors take longer to import than these, and are not."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uvicorn import config, server
    from uvicorn.protocols.http import httptools_impl

    Config = config.Config
    HttpToolsProtocol = httptools_impl.HttpToolsProtocol
    ServerState = server.ServerState

_NAME = "uvicorn"
_ITS_OWN = frozenset({"Server", "main", "run", "__version__", "__all__"})
"""What its ``__init__`` makes, beside Config."""
_PARTS = {"Config": "config", "HttpToolsProtocol": "protocols.http.httptools_impl", "ServerState": "server"}


def _have_late_package() -> None:
    """Have a package that runs its ``__init__`` when somebody asks for what that makes: its modules need nothing of it."""
    spec = find_spec(_NAME)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name=_NAME)
    loader, package = spec.loader, module_from_spec(spec)

    def complete(name: str) -> Any:  # noqa: ANN401  reason: whatever the package has
        if name in _ITS_OWN:
            package.__dict__.pop("__getattr__", None)
            loader.exec_module(package)
        try:
            return package.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {_NAME!r} has no attribute {name!r}") from None

    package.__dict__["__getattr__"] = complete
    sys.modules[_NAME] = package
    package.__dict__["Config"] = import_module(f"{_NAME}.config").Config


def _parts() -> dict[str, Any]:  # Any: classes
    if _NAME not in sys.modules:
        _have_late_package()
    return {name: getattr(import_module(f"{_NAME}.{module}"), name) for name, module in _PARTS.items()}


if not TYPE_CHECKING:
    globals().update(_parts())
