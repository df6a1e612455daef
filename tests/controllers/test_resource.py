"""The Resource controller on a server: which steps it begins, and when."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.controllers.rooms import Room, now, room
from tests.controllers.stories import deployment, image, local
from upright.controllers import fingerprint
from upright.controllers.fingerprint import LOCALS
from upright.controllers.image_step import is_ahead
from upright.controllers.judge import Judge
from upright.controllers.resource import ResourceController
from upright.openapi.meta import ObjectMeta
from upright.openapi.v1alpha1.cluster import Cluster, ClusterStatus
from upright.openapi.v1alpha1.cmd import Cmd, CmdStatus, CmdTerminated
from upright.openapi.v1alpha1.docker_image import DockerImage, DockerImageStatus, ImageCompleted
from upright.openapi.v1alpha1.image_map import ImageMap, ImageMapSpec
from upright.openapi.v1alpha1.kubernetes_apply import (
    AppliedObject,
    KubernetesApply,
    KubernetesApplySpec,
    KubernetesApplyStatus,
)
from upright.openapi.v1alpha1.resource import Resource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    from upright.controllers.resource_decision import Decided, Seen, Tail
    from upright.controllers.runtime.controller import Controller
    from upright.controllers.world.logs import Logs


@asynccontextmanager
async def world(folder: Path, *, connected: bool = True) -> AsyncGenerator[Room]:
    def make(logs: Logs) -> Iterable[Controller[Any]]:
        return [ResourceController(logs, lambda _span, _lines: ())]

    async with room(folder, make) as made:
        status = ClusterStatus(arch="amd64") if connected else None
        await made.put(Cluster(metadata=ObjectMeta(name="default")), status)
        await made.put(ImageMap(metadata=ObjectMeta(name="web"), spec=ImageMapSpec(selector="web")))
        yield made


async def built(w: Room, name: str, error: str = "") -> None:
    """Have the image's controller say how its build ended."""
    seen = await w.until(DockerImage, name, lambda _: True)
    done = ImageCompleted(error=error, started_at=now(), finished_at=now())
    ref = "" if error else "web:1"
    await w.say(seen, DockerImageStatus(ref=ref, completed=done, built=fingerprint.of_step(seen)))


async def test_images_are_built_while_only_the_deploying_has_to_wait(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.put(deployment("db"))
        await w.put(deployment("web", image("web"), depends_on=("db",)))
        await w.until(DockerImage, "web:web", lambda _: True)
        waits = await w.until(Resource, "web", lambda one: one.status.waiting is not None)
        assert waits.status.waiting is not None
        assert waits.status.waiting.reason == "waiting-for-dep"
        assert waits.status.current_build is None


async def test_images_are_built_while_the_cluster_is_being_reached(tmp_path: Path) -> None:
    async with world(tmp_path, connected=False) as w:
        await w.put(deployment("web", image("web")))
        await w.until(DockerImage, "web:web", lambda _: True)


async def test_an_image_that_cannot_be_built_early_fails_its_resource_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.put(deployment("db"))
        await w.put(deployment("web", image("web"), depends_on=("db",)))
        await built(w, "web:web", "no such file")
        failed = await w.until(Resource, "web", lambda one: one.status.failures)
        assert failed.status.update_status == "error"
        assert "no such file" in failed.status.failures[0].message


@pytest.mark.parametrize("through", [False, True])
async def test_images_wait_for_local_resources_that_may_write_what_they_are_built_of(
    tmp_path: Path, *, through: bool
) -> None:
    async with world(tmp_path) as w:
        await w.put(local("compile", "make", depends_on=("never",)))
        await w.put(deployment("db", depends_on=("compile",)))
        await w.put(deployment("web", image("web"), depends_on=("db" if through else "compile",)))
        await w.until(Resource, "web", lambda one: one.status.waiting is not None)
        await w.settled()
        assert not (await w.client.list(DockerImage)).items


async def test_what_is_built_beside_local_resources_does_not_count_before_they_are_done(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.put(local("compile", "make", allow_parallel=True))
        await w.put(deployment("web", image("web"), depends_on=("compile",)))
        ahead = await w.until(DockerImage, "web:web", lambda _: True)
        assert is_ahead(ahead)
        assert ahead.metadata.annotations[LOCALS] == "compile"
        await built(w, "web:web", "COPY bin /bin: not found")
        await w.settled()
        found = await w.client.get(Resource, "web")
        assert (found.status.update_status, found.status.failures) == ("pending", ())
        assert found.status.waiting
        assert found.status.waiting.reason == "waiting-for-dep"
        cmd = await w.client.get(Cmd, "compile:update")
        over = CmdTerminated(pid=1, exit_code=0, started_at=now(), finished_at=now())
        await w.say(cmd, CmdStatus(terminated=over, ran=fingerprint.of_step(cmd)))
        again = await w.until(DockerImage, "web:web", lambda one: not is_ahead(one))
        assert again.metadata.annotations[LOCALS] == "compile"


class Asked(Judge):
    """Remembers whether each resource was judged as one of a run with custom resources."""

    def __init__(self) -> None:
        super().__init__()
        self.custom: list[bool] = []

    def resource(self, seen: Seen, tail: Tail) -> Decided:
        self.custom.append(seen.custom)
        return super().resource(seen, tail)


async def test_a_server_that_was_restarted_knows_at_once_that_the_run_has_custom_resources(tmp_path: Path) -> None:
    judge = Asked()
    cert = AppliedObject(api_version="cert-manager.io/v1", kind="Certificate", name="tls", uid="c1")
    async with room(tmp_path, lambda logs: [ResourceController(logs, lambda _span, _lines: (), judge)]) as w:
        made = await w.put(
            KubernetesApply(metadata=ObjectMeta(name="certs"), spec=KubernetesApplySpec(yaml="kind: Certificate"))
        )
        await w.say(made, KubernetesApplyStatus(objects=(cert,)))
        await w.until(KubernetesApply, "certs", lambda one: one.status.objects)
        await w.settled()
        await w.put(deployment("web"))
        await w.until(Resource, "web", lambda one: one.status.waiting is not None)
    assert judge.custom
    assert all(judge.custom)
