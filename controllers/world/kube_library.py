"""The parts of kubernetes-asyncio that are used: its 700 classes for Kubernetes' kinds take a second to import, and are not."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from upright.controllers.world import http_library

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from kubernetes_asyncio.client import ApiClient, Configuration

    from upright.openapi.meta import Json

NAME = "kubernetes_asyncio"
_HOLLOW = (NAME, f"{NAME}.client", f"{NAME}.client.models")
"""Packages whose ``__init__`` is passed over."""
_LATE = "urllib3"
"""Imported when first used: one header of basic authentication is made with it, and it costs as much as all the rest."""


class Library(NamedTuple):
    """What is used of it."""

    client: type[ApiClient]
    configuration: type[Configuration]
    loader: Callable[..., Awaitable[Any]]  # Any: the library's loader is untyped

    async def load(self, config: Json, configuration: Configuration, folder: Path) -> None:
        """Read a kubeconfig's cluster; what must be a file is written to the folder."""
        self._forget_lost_files()
        await self.loader(config, client_configuration=configuration, temp_file_path=str(folder))

    def _forget_lost_files(self) -> None:
        """Have it forget what it has written to files which are gone: it would look for that there again."""
        remembered: dict[str, str] = getattr(self.loader, "__globals__", {}).get("_temp_files", {})
        for content in [content for content, name in remembered.items() if not Path(name).exists()]:
            del remembered[content]


@cache
def library() -> Library:
    """Import it; whoever else imports it gets the whole one."""
    if NAME in sys.modules:
        return _imported()
    with _hollow_packages():
        return _imported()


def _imported() -> Library:
    http_library.import_it()
    configuration = import_module(f"{NAME}.client.configuration").Configuration
    client = import_module(f"{NAME}.client.api_client").ApiClient
    package: Any = sys.modules[f"{NAME}.client"]  # Any: a module's names
    package.Configuration, package.ApiClient = configuration, client
    return Library(client, configuration, import_module(f"{NAME}.config").load_kube_config_from_dict)


@contextmanager
def _hollow_packages() -> Generator[None]:
    """Have packages that only lead to their modules, until the block is left: none of them stays imported."""
    spec = find_spec(NAME)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name=NAME)
    (folder,) = spec.submodule_search_locations
    for name in _HOLLOW:
        package = ModuleType(name)
        package.__path__ = ["/".join([folder, *name.split(".")[1:]])]
        sys.modules[name] = package
        above, _, last = name.rpartition(".")
        if above:
            setattr(sys.modules[above], last, package)
    late = None if _LATE in sys.modules else ModuleType(_LATE)
    if late is not None:
        sys.modules[_LATE] = late
        late.__dict__["__getattr__"] = lambda name: getattr(import_module(_LATE), name)
    try:
        yield
    finally:
        if late is not None and sys.modules.get(_LATE) is late:
            del sys.modules[_LATE]
        for name in [name for name in sys.modules if name == NAME or name.startswith(f"{NAME}.")]:
            del sys.modules[name]
