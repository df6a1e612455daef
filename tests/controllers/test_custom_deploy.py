"""A KubernetesApply with commands: applied once, observed by what the command printed, deleted by the other command."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio

from upright.apiserver.clock import utc_now
from upright.apiserver.inprocess import InProcess
from upright.apiserver.registry import Registry
from upright.apiserver.storage.store import Store
from upright.client.client import Client
from upright.controllers.apply_command import ApplyCommands
from upright.controllers.clusters import Clusters
from upright.controllers.finalizers import APPLY_FINALIZER
from upright.controllers.kubernetes_apply import KubernetesApplyController
from upright.controllers.runtime.manager import Manager
from upright.controllers.tiltfile.injection import applied_objects, prepare
from upright.controllers.world.environment import base_environment
from upright.controllers.world.logs import Logs
from upright.controllers.world.processes import LocalProcesses
from upright.openapi.meta import ObjectMeta
from upright.openapi.scheme import Scheme
from upright.openapi.v1alpha1.cluster import Cluster
from upright.openapi.v1alpha1.image_map import ImageMap
from upright.openapi.v1alpha1.kubernetes_apply import ApplyCmd, KubernetesApply, KubernetesApplySpec
from upright.openapi.v1alpha1.kubernetes_discovery import KubernetesDiscovery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from upright.openapi.v1alpha1.kubernetes_apply import KubernetesApplyStatus

PRINTED = '{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "n", "uid": "u-1"}}'


@asynccontextmanager
async def world(folder: Path) -> AsyncGenerator[Client]:
    """A server with the controller, connected to a cluster that only the commands speak to."""
    async with (
        Store.open(str(folder / "state.db"), durable=False) as store,
        Logs(folder / "logs", utc_now) as logs,
        LocalProcesses() as processes,
    ):
        scheme = Scheme([KubernetesApply, KubernetesDiscovery, ImageMap, Cluster])
        client = Client(InProcess(Registry(scheme, store, utc_now)))
        clusters = Clusters()
        nobody: Any = object()  # Any: a cluster and its sight that nobody asks
        clusters.put("default", nobody, nobody)
        environment = base_environment({"PATH": os.environ["PATH"]}, kubeconfig="/kubeconfig")
        commands = ApplyCommands(processes, lambda: environment, applied_objects)
        controller = KubernetesApplyController(clusters, logs, utc_now, prepare, commands)
        async with anyio.create_task_group() as group:
            await group.start(Manager(client, utc_now, [controller]).run)
            yield client
            group.cancel_scope.cancel()


def deploy(folder: Path, script: str) -> KubernetesApply:
    remove = ApplyCmd(args=("sh", "-c", "echo deleted >> done"), dir=str(folder))
    spec = KubernetesApplySpec(
        apply_cmd=ApplyCmd(args=("sh", "-c", script), dir=str(folder)), delete_cmd=remove, cluster="default"
    )
    return KubernetesApply(metadata=ObjectMeta(name="web", finalizers=(APPLY_FINALIZER,)), spec=spec)


async def applied(client: Client) -> KubernetesApplyStatus:
    with anyio.fail_after(10):
        async with client.watch(KubernetesApply) as changes:
            async for change in changes:
                if change.object is not None and change.object.status.applied_input_hash:
                    return change.object.status
    raise AssertionError


async def gone(client: Client) -> None:
    with anyio.fail_after(10):
        async with client.watch(KubernetesApply) as changes:
            async for change in changes:
                if change.type == "DELETED":
                    return


async def test_a_command_applies_and_what_it_printed_is_observed(tmp_path: Path) -> None:
    async with world(tmp_path) as client:
        await client.create(deploy(tmp_path, f"echo applied $KUBECONFIG >> done; echo '{PRINTED}'"))
        status = await applied(client)
        assert status.error == ""
        assert [(one.kind, one.name, one.namespace, one.uid) for one in status.objects] == [
            ("Deployment", "web", "n", "u-1")
        ]
        with anyio.fail_after(10):
            async with client.watch(KubernetesDiscovery) as changes:
                async for change in changes:
                    if change.object is not None:
                        assert change.object.spec.watches[0].uid == "u-1"
                        break
        async with anyio.create_task_group() as group:
            group.start_soon(gone, client)
            await client.delete(KubernetesApply, "web")
        assert (tmp_path / "done").read_text() == "applied /kubeconfig\ndeleted\n"


async def test_a_command_that_fails_is_told_and_not_run_again(tmp_path: Path) -> None:
    async with world(tmp_path) as client:
        await client.create(deploy(tmp_path, "echo tried >> done; exit 9"))
        assert (await applied(client)).error == "apply command exited with status 9"
        assert (tmp_path / "done").read_text() == "tried\n"
