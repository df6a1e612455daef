"""The web endpoints over a registry with a run's objects, in a home where Tilt's clients have left their token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.apiserver.app.conftest import TOKENS, Caller
from upright.apiserver.app.front import Front
from upright.apiserver.auth import Guard
from upright.client.logs import LogLine
from upright.openapi.meta import ObjectMeta
from upright.openapi.subresources import Subresources
from upright.openapi.v1alpha1.cmd import CmdSpec
from upright.openapi.v1alpha1.config_map import ConfigMap
from upright.openapi.v1alpha1.resource import DisableResourceStatus, LocalSpec, Resource, ResourceSpec, ResourceStatus
from upright.openapi.v1alpha1.session import Session, SessionSpec
from upright.openapi.v1alpha1.tiltfile import Tiltfile, TiltfileSpec
from upright.openapi.v1alpha1.ui_session import UISession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    from upright.apiserver.registry import Registry
    from upright.client.client import Client
    from upright.client.log_folder import Selection

TOKEN = "tilts-own-token"
NOW = datetime(2026, 1, 2, 3, 4, 10, tzinfo=UTC)


@dataclass
class Log:
    """Logs to come and gone."""

    lines: list[LogLine] = field(default_factory=list[LogLine])

    def say(self, text: str, resource: str = "one") -> LogLine:
        line = LogLine(NOW + timedelta(seconds=len(self.lines)), resource, f"build:{resource}", "INFO", text)
        self.lines.append(line)
        return line

    def read(self, selection: Selection, /) -> Iterator[LogLine]:
        tail = selection.tail or len(self.lines)
        return iter(self.lines[-tail:])

    def subscribe(self) -> Following:
        self.following = Following()
        return self.following

    async def tell(self, text: str) -> None:
        await self.following.told.send([self.say(text)])


class Following:
    """Lines to come."""

    def __init__(self) -> None:
        self.told, self._received = anyio.create_memory_object_stream[list[LogLine]](10)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_about: object) -> None:
        self.told.close()
        self._received.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[LogLine]:
        return await anext(self._received)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tilt-dev"
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    monkeypatch.setenv("TILT_DEV_DIR", str(folder))
    return folder


@pytest.fixture
def log() -> Log:
    return Log()


def resource(name: str, order: int, **spec: object) -> Resource:
    local = LocalSpec(update=CmdSpec(args=("true",)))
    made = {"kind": "local", "local": local, "order": order, "labels": ("front",), **spec}
    labels = {"front": "front"}
    return Resource(metadata=ObjectMeta(name=name, labels=labels), spec=ResourceSpec.model_validate(made))


@pytest.fixture
async def caller(registry: Registry, client: Client, log: Log) -> Caller:
    """Return who asks a server that has a run's objects."""
    subresources = Subresources()
    front = Front(registry, Guard(TOKENS), subresources, now=lambda: NOW, version="1.2.3")
    front.logs.open(log)
    await client.create(Session(metadata=ObjectMeta(name="Tiltfile"), spec=SessionSpec(tiltfile_path="/p/Tiltfile")))
    await client.create(UISession(metadata=ObjectMeta(name="Tiltfile")))
    await client.create(Tiltfile(metadata=ObjectMeta(name="(Tiltfile)"), spec=TiltfileSpec(path="/p/Tiltfile")))
    await client.create(
        Resource(metadata=ObjectMeta(name="(Tiltfile)"), spec=ResourceSpec.model_validate({"kind": "tiltfile"}))
    )
    for order, name in enumerate(("two", "one"), 1):
        made = await client.create(resource(name, order))
        await client.update_status(made.model_copy(update={"status": ResourceStatus(order=order)}))
        await client.create(ConfigMap(metadata=ObjectMeta(name=f"{name}-disable"), data={"isDisabled": "false"}))
    off = await client.create(resource("off", 3))
    disabled = ResourceStatus(order=3, disable_status=DisableResourceStatus(disabled_count=1, state="Disabled"))
    await client.update_status(off.model_copy(update={"status": disabled}))
    return Caller(front, subresources)
