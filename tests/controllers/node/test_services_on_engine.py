from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.controllers.node.on_engine import LOOKUP
from upright.openapi.core_v1.pod import Pod
from upright.openapi.core_v1.service import Service

if TYPE_CHECKING:
    from tests.controllers.node.on_engine import RealCluster, Space

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PORTS = [{"name": "http", "containerPort": 8080}]
SAYS_WHO = "mkdir -p /tmp/w; echo $HOSTNAME > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w"


async def server(space: Space, name: str, *, ready: bool = True) -> None:
    """Run a pod that says its name on port 8080; one that is not ready serves all the same."""
    get = {"httpGet": {"path": "/" if ready else "/no", "port": "http"}, "periodSeconds": 1}
    await space.pod(name, SAYS_WHO, labels={"app": "web"}, container={"ports": PORTS, "readinessProbe": get})


async def service(space: Space, **spec: object) -> Service:
    body = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}], **spec}
    return await space.create(Service, "web", spec=body)


async def asks(space: Space, host: str, port: int = 80) -> tuple[int, str]:
    """Look up a name inside a pod, and fetch from what it means."""
    fetch = f"wget -q -O - http://$1:{port}/"
    script = f"found=$({LOOKUP} {host}) || {{ echo no such name; exit 9; }}; set -- $found; {fetch}"
    return await space.says("asker", "sh", "-c", script)


async def answers(space: Space, host: str, expected: set[str]) -> None:
    """Ask until exactly these have answered in a row of as many questions."""
    found: list[tuple[int, str]] = []
    with anyio.move_on_after(10):
        while True:
            found = [await asks(space, host) for _ in range(2 * len(expected) or 1)]
            if {said.strip() for code, said in found if code == 0} == expected and all(not code for code, _ in found):
                return
    raise AssertionError(f"{host} is answered by {found}")


async def test_a_service_leads_to_ready_pods_only_whatever_their_port(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("asker", "sleep 1000")
    await server(space, "one")
    await server(space, "two")
    await server(space, "unready", ready=False)
    await service(space)
    for name in ("asker", "one", "two"):
        await space.ready(name)
    await answers(space, "web", {"one", "two"})
    for host in (f"web.{space.name}", f"web.{space.name}.svc", f"web.{space.name}.svc.cluster.local"):
        assert (await asks(space, host))[0] == 0


async def test_a_service_without_ready_pods_refuses_connections(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("asker", "sleep 1000")
    await server(space, "one", ready=False)
    await service(space)
    await space.ready("asker")
    await space.until("one", lambda pod: pod.status.phase == "Running")
    code, said = await asks(space, "web")
    assert code != 0
    assert "Connection refused" in said


async def test_a_pod_that_is_deleted_is_led_to_no_more(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("asker", "sleep 1000")
    await server(space, "one")
    await service(space)
    await space.ready("asker")
    await space.ready("one")
    await answers(space, "web", {"one"})
    await real.client.delete(Pod, "one", namespace=space.name)
    await space.gone("one")
    code, _ = await asks(space, "web")
    assert code != 0


async def test_a_headless_service_means_its_pods(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("asker", "sleep 1000")
    await server(space, "one")
    await service(space, clusterIP="None")
    await space.ready("asker")
    await space.ready("one")
    assert await asks(space, "web", 8080) == (0, "one\n")


async def test_a_service_has_an_address_of_its_own_range(real: RealCluster) -> None:
    space = await real.namespace()
    await service(space)
    with anyio.fail_after(5):
        async with real.client.watch(Service, namespace=space.name) as changes:
            async for change in changes:
                if change.object is not None and change.object.spec.cluster_ip:
                    assert change.object.spec.cluster_ips == (change.object.spec.cluster_ip,)
                    break


async def test_names_that_are_not_there_are_said_not_to_be(real: RealCluster) -> None:
    space = await real.namespace()
    await space.pod("asker", "sleep 1000")
    await space.ready("asker")
    assert await asks(space, "nobody") == (9, "no such name\n")


async def test_a_connection_from_here_reaches_a_port_of_a_pod(real: RealCluster) -> None:
    space = await real.namespace()
    await server(space, "one")
    await space.ready("one")
    stream = await real.access.open_port(space.name, "one", 8080)
    async with stream:
        await stream.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join([data async for data in stream])
    assert answer.endswith(b"one\n")
