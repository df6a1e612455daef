"""The node agent stops and another takes over; and the whole process is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest

from tests.controllers.node.on_engine import manager, unmanaged
from upright.controllers.node.pod import PodController
from upright.openapi.core_v1.pod import Pod

if TYPE_CHECKING:
    from tests.controllers.node.on_engine import RealCluster, Space
    from upright.controllers.world.engine.protocol import Engine
    from upright.openapi.core_v1.pod_status import PodStatus

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_another_agent_takes_over_what_runs_and_leaves_what_ended(engine: Engine, tmp_path: Path) -> None:
    async with unmanaged(engine, tmp_path / "cluster.db", "restart") as cluster:
        space = await cluster.namespace()
        async with anyio.create_task_group() as group:
            await group.start(manager(cluster, cluster.parts.controllers).run)
            await space.pod("server", "sleep 1000", container={"readinessProbe": {"exec": {"command": ["true"]}}})
            await space.pod("job", "echo once", restartPolicy="Never")
            await space.ready("server")
            await space.until("job", lambda pod: pod.status.phase == "Succeeded")
            group.cancel_scope.cancel()
        before = await statuses(space)
        second = PodController(cluster.parts.pods._workplace, cluster.parts.sweeper)
        async with anyio.create_task_group() as group:
            await group.start(manager(cluster, [second]).run)
            await space.pod("later", "sleep 1000")
            await space.ready("later")
            group.cancel_scope.cancel()
        after = await statuses(space)
        assert after["job"] == before["job"]
        assert after["server"] == before["server"]
        assert after["later"].pod_ip not in {before["job"].pod_ip, before["server"].pod_ip}
        assert len(await cluster.engine.containers({"upright/pod-namespace": space.name})) == 3


async def statuses(space: Space) -> dict[str, PodStatus]:
    listed = await space.cluster.client.list(Pod, namespace=space.name)
    return {pod.name: pod.status for pod in listed.items}


async def test_a_pod_deleted_by_force_leaves_nothing(real: RealCluster) -> None:
    space = await real.namespace()
    pod = await space.pod("web", "sleep 1000", volumes=[{"name": "data", "emptyDir": {}}])
    await space.ready("web")
    labels = {"upright/pod-uid": pod.metadata.uid}
    async with real.engine.events(labels, ("destroy",)) as events:
        await real.client.delete(Pod, "web", namespace=space.name, grace_seconds=0)
        with anyio.fail_after(10):
            await anext(events)
    assert await real.engine.containers(labels) == []


_PROGRAM = """
import sys
from pathlib import Path
import anyio
from tests.controllers.node.on_engine import real_cluster, toolbox
from upright.controllers.world.engine.private import Place, private_engine

async def main(folder):
    place = Place(state_dir=folder / "run", run_id=folder.name, cache_dir=folder / "cache")
    async with private_engine("dockerd", place, lambda _: None) as engine:
        await toolbox(engine, folder)
        async with real_cluster(engine, folder / "cluster.db") as cluster:
            space = await cluster.namespace()
            await space.pod("web", "sleep 1000", volumes=[{"name": "data", "emptyDir": {}}])
            await space.ready("web")
            print(cluster.engine.info.network_namespace, flush=True)
            await anyio.sleep_forever()

anyio.run(main, Path(sys.argv[1]))
"""


def test_kill_nine_leaves_no_process_mount_or_network(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        box = psutil.Process(int(process.stdout.readline().split("/")[2]))
        inside = [box, *box.children(recursive=True)]
        assert len(inside) > 2
        process.kill()
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert alive == []
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert [entry.name for entry in Path("/sys/class/net").iterdir() if entry.name.startswith("upr-")] == []
    assert (
        "10.77."
        not in subprocess.run(
            ["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True
        ).stdout
    )
