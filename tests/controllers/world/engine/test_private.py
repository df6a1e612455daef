"""Engines of our own: how they start, what they leave behind (nothing), and what they say when they cannot start."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import psutil
import pytest

from tests.engines import IMAGE, toolbox
from upright.controllers.images import content_tag
from upright.controllers.world.engine import private
from upright.controllers.world.engine.address_ranges import free_block, taken_ranges
from upright.controllers.world.engine.data_folder import CGROUP_PREFIX
from upright.controllers.world.engine.errors import EngineGone, ImageNotFound, NoEngine
from upright.controllers.world.engine.find import find_engine
from upright.controllers.world.engine.private import Place, Product, private_engine, program
from upright.controllers.world.engine.protocol import BuildRequest, ContainerSpec

if TYPE_CHECKING:
    from collections.abc import Generator

    from upright.controllers.world.engine.docker_engine import DockerEngine

pytestmark = [pytest.mark.engine, pytest.mark.slow]
PATIENCE_SECONDS = 30.0
LABELS = {"upright-test": "private"}


@pytest.fixture(params=["dockerd", "podman"])
def product(request: pytest.FixtureRequest) -> Product:
    wanted: Product = request.param
    if os.geteuid() != 0 or not program(wanted):
        pytest.skip(f"a private {wanted} needs root and its package")
    return wanted


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "runs/one", f"one-{os.getpid()}", tmp_path / "cache")


def quiet(text: str) -> None:
    del text


async def build(engine: DockerEngine, tmp_path: Path) -> str:
    request = BuildRequest(
        dockerfile='FROM scratch\nCOPY . /\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n',
        context=toolbox(tmp_path / "toolbox"),
        tags=(IMAGE,),
    )
    return await engine.build(request, quiet)


def host() -> dict[str, object]:
    """Return what a private engine must not change on the host."""
    rules = subprocess.run(["iptables-save"], check=False, capture_output=True, text=True).stdout
    return {
        "mounts": sorted(Path("/proc/self/mounts").read_text().splitlines()),
        "interfaces": sorted(psutil.net_if_addrs()),
        "routes": Path("/proc/net/route").read_text(),
        "rules": sorted(line for line in rules.splitlines() if line.startswith(("-", ":"))),
        "cni": sorted(path.name for path in Path("/etc/cni/net.d").glob("*")),
        "locks": Path("/dev/shm/libpod_lock").exists(),
        "leases": sorted(str(path) for path in Path("/var/lib/cni").rglob("*")),
        "run": [
            name for name in ("docker", "containerd", "containers", "libpod", "netns") if Path("/run", name).exists()
        ],
    }


def control_groups(run_id: str) -> list[str]:
    """Return the control groups that a run has left: its own, and podman's that nobody is in."""
    ours = Path("/sys/fs/cgroup").glob(f"*/{CGROUP_PREFIX}{run_id}")
    podmans = Path("/sys/fs/cgroup").glob("*/libpod_parent/libpod-*")
    return [str(path) for path in (*ours, *(path for path in podmans if not (path / "cgroup.procs").read_text()))]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    def runs(process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return [process for process in processes if runs(process)]


def named(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.name() == name
    return False


async def until_dead(processes: list[psutil.Process]) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        while alive(processes):  # noqa: ASYNC110  reason: nobody tells of other processes' children
            await anyio.sleep(0.01)


CHILD = """
import sys
from pathlib import Path
import anyio
from tests.controllers.world.engine.test_private import LABELS, build, quiet
from upright.controllers.world.engine.private import Place, private_engine
from upright.controllers.world.engine.protocol import ContainerSpec

async def main(product, folder):
    folder = Path(folder)
    async with private_engine(product, Place(folder / "runs/one", sys.argv[3], folder / "cache"), quiet) as engine:
        await build(engine, folder)
        await engine.create_network("net", labels=LABELS, interface="net0")
        await engine.create_volume("data", labels=LABELS)
        for network in ("host", "net", "none"):
            await engine.start(await engine.create(ContainerSpec(
                image="toolbox:1", entrypoint=("sleep", "1000"), labels=LABELS, network=network)))
        print("running", flush=True)
        await anyio.sleep_forever()

anyio.run(main, *sys.argv[1:3], backend_options={"use_uvloop": True})
"""


def started(product: Product, tmp_path: Path, run_id: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", textwrap.dedent(CHILD), product, str(tmp_path), run_id]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4])


@contextmanager
def child(product: Product, tmp_path: Path, run_id: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a process that has a private engine with three containers; it is killed at the end."""
    with started(product, tmp_path, run_id) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"running\n"
            yield process
        finally:
            process.kill()


async def test_kill_9_leaves_nothing_that_runs(product: Product, tmp_path: Path) -> None:
    before = host()
    run_id = f"killed-{os.getpid()}"
    with child(product, tmp_path, run_id) as process:
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) > 5
        process.send_signal(signal.SIGKILL)
        process.wait()
        with anyio.fail_after(2):
            await until_dead(below)
    assert host() == before

    async with private_engine(product, Place(tmp_path / "runs/two", "two", tmp_path / "cache"), quiet) as engine:
        assert not control_groups(run_id)
        await engine.image(IMAGE)  # what it had built is still there, and nothing else of it
        assert await engine.containers(LABELS) == []
        assert await engine.networks(LABELS) == []
        assert await engine.volumes({}) == []
        await engine.create_network("net", labels=LABELS, interface="net0")


async def test_a_run_killed_while_it_starts_leaves_nothing(product: Product, tmp_path: Path) -> None:
    before = host()
    log = tmp_path / "runs/one/engine/engine.log"
    with started(product, tmp_path, "early") as process:
        with anyio.fail_after(PATIENCE_SECONDS):
            while not log.exists():  # noqa: ASYNC110  reason: nobody tells
                await anyio.sleep(0.005)
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    await until_dead(below)
    assert host() == before


async def test_leaving_an_engine_leaves_nothing(product: Product, place: Place, tmp_path: Path) -> None:
    before = host()
    others = psutil.Process().children(recursive=True)  # the session's own engines
    async with private_engine(product, place, quiet) as engine:
        await build(engine, tmp_path)
        made = await engine.create(ContainerSpec(image=IMAGE, entrypoint=("sleep", "1000")))
        await engine.start(made)
        below = [child for child in psutil.Process().children(recursive=True) if child not in others]
        assert any(named(process, "sleep") for process in below)
    assert not alive(below)
    assert host() == before
    assert not control_groups(place.run_id)
    assert not list(place.folder.glob("*.sock"))


async def test_images_are_kept_for_the_next_run(product: Product, place: Place, tmp_path: Path) -> None:
    async with private_engine(product, place, quiet) as engine:
        built = await build(engine, tmp_path)
    async with private_engine(product, place, quiet) as engine:
        assert (await engine.image(IMAGE)).id == built


async def test_a_run_beside_another_has_images_of_its_own(product: Product, place: Place, tmp_path: Path) -> None:
    beside = Place(tmp_path / "runs/two", f"two-{os.getpid()}", place.cache_dir)
    async with private_engine(product, place, quiet) as engine, private_engine(product, beside, quiet) as other:
        await build(engine, tmp_path)
        with pytest.raises(ImageNotFound):
            await other.image(IMAGE)
        assert (beside.folder / "data").exists()
    assert not (beside.folder / "data").exists()


async def test_the_data_of_a_dead_run_is_removed_by_the_next(product: Product, place: Place, tmp_path: Path) -> None:
    dead = tmp_path / "runs/dead/engine"
    (dead / "data/overlay2").mkdir(parents=True)
    (dead / "engine.sock").touch()
    (dead / "upright.lock").touch()
    async with private_engine(product, place, quiet):
        assert not (dead / "data").exists()
        assert not (dead / "engine.sock").exists()


async def test_an_engine_that_dies_is_gone(product: Product, place: Place) -> None:
    others = psutil.Process().children(recursive=True)  # the session's own engines
    async with private_engine(product, place, quiet) as engine:
        below = [child for child in psutil.Process().children(recursive=True) if child not in others]
        next(process for process in below if named(process, product)).kill()
        await until_dead([process for process in below if not named(process, "slirp4netns")])
        with pytest.raises(EngineGone):
            await engine.images(LABELS)


async def test_containers_reach_the_outside_but_not_our_localhost(
    product: Product, place: Place, tmp_path: Path
) -> None:
    outside = next(
        (
            one.address
            for name, addresses in psutil.net_if_addrs().items()
            for one in addresses
            if name != "lo" and one.family == socket.AF_INET
        ),
        "",
    )
    if not outside or not shutil.which("slirp4netns"):
        pytest.skip("needs slirp4netns and an address")
    script = "nc -w 3 {} {} </dev/null 2>/dev/null || echo unreachable"
    async with private_engine(product, place, quiet) as engine:
        await build(engine, tmp_path)
        network = await engine.create_network("net", labels=LABELS)
        said = [
            await _said(engine, network.name, script, address, target)
            for address, target in ((outside, outside), ("127.0.0.1", str(private_uplink_gateway())))
        ]
    assert said == ["hello\n", "unreachable\n"]


def private_uplink_gateway() -> str:
    plan = private.Plan(free_block(taken_ranges()), "")
    return str(plan.uplink[2])


async def _said(engine: DockerEngine, network: str, script: str, address: str, target: str) -> str:
    with socket.create_server((address, 0)) as server:
        answering = threading.Thread(target=_greet, args=(server,), daemon=True)
        answering.start()
        line = script.format(target, server.getsockname()[1])
        made = await engine.create(
            ContainerSpec(image=IMAGE, entrypoint=("/bin/sh", "-c"), args=(line,), network=network, labels=LABELS)
        )
        await engine.start(made)
        await engine.wait(made)
        async with engine.logs(made) as told:
            return b"".join([one.data async for one in told]).decode()


def _greet(server: socket.socket) -> None:
    try:
        connection, _ = server.accept()
    except OSError:
        return
    with connection:
        connection.sendall(b"hello\n")


async def test_it_works_without_a_way_out_and_says_so(
    product: Product, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "uplink_available", lambda: False)
    told: list[str] = []
    async with private_engine(product, place, told.append) as engine:
        await build(engine, tmp_path)
    assert told
    assert "slirp4netns" in told[0]


@pytest.mark.parametrize("below", ["/run", "long"])
async def test_its_folder_may_be_anywhere(product: Product, tmp_path: Path, below: str) -> None:
    with tempfile.TemporaryDirectory(dir="/run" if below == "/run" else tmp_path) as folder:
        deep = Path(folder) if below == "/run" else Path(folder, "x" * 100, "y" * 100)
        async with private_engine(product, Place(deep / "runs/one", "anywhere", deep / "cache"), quiet) as engine:
            await build(engine, tmp_path)


async def test_a_data_folder_that_is_broken_is_given_up(product: Product, place: Place, tmp_path: Path) -> None:
    data = place.cache_dir / product / "data"
    data.mkdir(parents=True)
    for name in ("image", "overlay2", "overlay", "libpod", "buildkit", "containers", "volumes"):
        (data / name).write_text("this should be a folder")
    told: list[str] = []
    async with private_engine(product, place, told.append) as engine:
        await build(engine, tmp_path)
    assert any("cache" in line for line in told)


async def test_namespaces_that_are_forbidden_are_said_to_be(product: Product, tmp_path: Path) -> None:
    script = """
    import sys, anyio
    from pathlib import Path
    from upright.controllers.world.engine.errors import NoEngine
    from upright.controllers.world.engine.find import find_engine
    async def main():
        try:
            async with find_engine(sys.argv[1], state_dir=Path(sys.argv[2], "runs/one"), run_id="no", say=print, environment={"HOME": sys.argv[2]}):
                print("started")
        except NoEngine as error:
            print(error)
    anyio.run(main)
    """
    without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    argv = [*without, sys.executable, "-c", textwrap.dedent(script), product, str(tmp_path)]
    ended = await anyio.run_process(argv, check=False)
    assert ended.stdout.decode().startswith("This container forbids namespaces"), ended


def engine_is_here() -> bool:
    return any(Path(path).exists() for path in ("/var/run/docker.sock", "/run/podman/podman.sock"))


async def test_auto_takes_a_private_engine_where_there_is_no_other(tmp_path: Path) -> None:
    if os.geteuid() != 0 or engine_is_here() or not program("dockerd"):
        pytest.skip("an engine is here already, or none can be")
    environment = {"HOME": str(tmp_path)}
    async with find_engine(
        "auto", state_dir=tmp_path / "runs/one", run_id="auto", say=quiet, environment=environment
    ) as engine:
        assert (engine.info.private, engine.info.product) == (True, "dockerd")
    assert os.listdir(tmp_path / ".cache/upright/engine") == ["dockerd"]  # noqa: PTH208  reason: a glob in an async function is no better


async def test_a_found_engine_is_used_as_it_is(product: Product, place: Place, tmp_path: Path) -> None:
    async with private_engine(product, place, quiet) as ours:
        environment = {"DOCKER_HOST": ours.info.address}
        async with find_engine(
            "auto", state_dir=tmp_path / "runs/two", run_id="two", say=quiet, environment=environment
        ) as found:
            assert (found.info.product, found.info.private, found.info.version) == (product, False, ours.info.version)


async def test_a_named_engine_that_does_not_answer_is_the_end(tmp_path: Path) -> None:
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    with pytest.raises(NoEngine, match=r"DOCKER_HOST=unix://.*no\.sock cannot be used"):
        async with find_engine("auto", state_dir=tmp_path, run_id="x", say=quiet, environment=environment):
            pass


async def test_an_ordinary_user_is_told_what_to_do(tmp_path: Path) -> None:
    if os.geteuid() != 0 or engine_is_here() or not program("podman"):
        pytest.skip("an engine is here already, or none can be")
    os.seteuid(65534)
    try:
        with pytest.raises(NoEngine, match=r"needs root: run as root, start Docker or Podman"):
            async with find_engine("podman", state_dir=tmp_path, run_id="x", say=quiet, environment={"HOME": "/"}):
                pass
    finally:
        os.seteuid(0)


async def test_no_engine_at_all_is_said_with_what_to_do(tmp_path: Path) -> None:
    if engine_is_here():
        pytest.skip("an engine is here already")
    with pytest.raises(
        NoEngine, match=r"No container engine: tried DOCKER_HOST, .*Install one: apt-get install docker"
    ):
        async with find_engine("host", state_dir=tmp_path, run_id="x", say=quiet, environment={"HOME": str(tmp_path)}):
            pass


async def test_images_that_were_replaced_are_forgotten(product: Product, place: Place, tmp_path: Path) -> None:
    async with private_engine(product, place, quiet) as engine:
        await build(engine, tmp_path)
        made: list[str] = []
        for number in range(5):
            dockerfile = f"FROM {IMAGE}\nLABEL number={number}\n"
            image = await engine.build(BuildRequest(dockerfile=dockerfile), quiet)
            made.append(f"registry.example:5000/some/name:{content_tag(image)}")
            await engine.tag(image, made[-1])
    async with private_engine(product, place, quiet) as engine:
        kept = {tag for image in await engine.images({}) for tag in image.tags}
    assert len(kept & set(made)) == 3  # the newest, but their times are in seconds
    assert any(tag.endswith(IMAGE) for tag in kept)
