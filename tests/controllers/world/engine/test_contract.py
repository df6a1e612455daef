"""What Upright relies on, on every engine it starts."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import anyio
import pytest
from msgspec.structs import replace

from tests.engines import IMAGE
from upright.controllers.world.engine.errors import (
    Conflict,
    EngineError,
    ExecutableForbidden,
    ExecutableNotFound,
    ImageNotFound,
    NotFound,
    PullUnavailable,
    StartFailed,
)
from upright.controllers.world.engine.protocol import ContainerSpec, ExecSpec, Mount, Piece

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from upright.controllers.world.engine.docker_engine import DockerEngine
    from upright.controllers.world.engine.protocol import Container, LogLine, Terminal

    Start = Callable[..., Awaitable[str]]

pytestmark = pytest.mark.engine
PATIENCE_SECONDS = 20.0


def sh(script: str, **more: object) -> ContainerSpec:
    return replace(ContainerSpec(image=IMAGE, entrypoint=("/bin/sh", "-c"), args=(script,)), **more)


@pytest.fixture
def start(engine: DockerEngine, labels: dict[str, str]) -> Start:
    """Return what starts a container that runs a shell script."""

    async def started(script: str = "sleep 1000", **more: object) -> str:
        made = await engine.create(sh(script, labels=labels, **more))
        await engine.start(made)
        return made

    return started


async def run(engine: DockerEngine, start: Start, script: str, **more: object) -> str:
    """Run a script in a container of its own, and return what it printed."""
    made = await start(script, **more)
    with anyio.fail_after(PATIENCE_SECONDS):
        code = await engine.wait(made)
    text = b"".join(line.data for line in await lines(engine, made)).decode()
    assert code == 0, text
    return text


async def lines(
    engine: DockerEngine, container: str, *, tail: int | None = None, since: datetime | None = None
) -> list[LogLine]:
    with anyio.fail_after(PATIENCE_SECONDS):
        async with engine.logs(container, tail=tail, since=since) as told:
            return [line async for line in told]


async def rest(terminal: Terminal) -> list[Piece]:
    pieces: list[Piece] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        while piece := await terminal.read():
            pieces.append(piece)
    return pieces


def text_of(pieces: list[Piece], stream: str = "stdout") -> str:
    return b"".join(piece.data for piece in pieces if piece.stream == stream).decode()


def tar_of(**files: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content.encode()))
    return target.getvalue()


async def test_an_engine_says_what_it_is(engine: DockerEngine) -> None:
    assert engine.info.product in {"dockerd", "podman"}
    assert engine.info.arch in {"amd64", "arm64"}
    assert engine.info.private
    assert engine.info.address.startswith("unix:///")
    assert (engine.info.network_namespace or "").startswith("/proc/")


async def test_an_image_is_described(engine: DockerEngine) -> None:
    image = await engine.image(IMAGE)
    assert image.id.startswith("sha256:")
    assert image.cmd == ("sleep", "1000")
    assert image.os == "linux"
    assert image.size > 0
    assert image.created is not None
    assert await engine.image(image.id) == image


async def test_an_image_has_many_names(engine: DockerEngine) -> None:
    await engine.tag(IMAGE, "registry.example:5000/some/name:v1")
    assert "registry.example:5000/some/name:v1" in (await engine.image(IMAGE)).tags
    await engine.remove_image("registry.example:5000/some/name:v1")
    assert "registry.example:5000/some/name:v1" not in (await engine.image(IMAGE)).tags


async def test_a_missing_image_is_said_by_name(engine: DockerEngine, labels: dict[str, str]) -> None:
    with pytest.raises(ImageNotFound):
        await engine.image("nowhere/nothing:1")
    with pytest.raises(ImageNotFound):
        await engine.create(ContainerSpec(image="nowhere/nothing:1", labels=labels))
    with pytest.raises(ImageNotFound):
        await engine.remove_image("nowhere/nothing:1")


async def test_a_registry_that_is_not_there_is_unavailable(engine: DockerEngine) -> None:
    with pytest.raises(PullUnavailable, match="refused"):
        await engine.pull("127.0.0.1:1/nothing:1")


async def test_a_container_runs_and_tells_its_exit_code(engine: DockerEngine, start: Start) -> None:
    made = await start("exit 7")
    assert await engine.wait(made) == 7
    ended = await engine.container(made)
    assert (ended.state, ended.exit_code, ended.error, ended.oom_killed) == ("exited", 7, "", False)
    assert ended.created is not None
    assert ended.started is not None
    assert ended.finished is not None
    assert ended.created <= ended.started <= ended.finished
    assert ended.image_id == (await engine.image(IMAGE)).id


async def test_a_container_is_made_before_it_is_started(engine: DockerEngine, labels: dict[str, str]) -> None:
    made = await engine.create(sh("true", labels=labels, name="to-be"))
    shown = await engine.container("to-be")
    assert (shown.id, shown.name, shown.state, shown.started) == (made, "to-be", "created", None)
    assert shown.labels.items() >= labels.items()


async def test_a_name_is_given_once(engine: DockerEngine, labels: dict[str, str]) -> None:
    await engine.create(sh("true", labels=labels, name="twice"))
    with pytest.raises(Conflict):
        await engine.create(sh("true", labels=labels, name="twice"))


async def test_starting_what_runs_is_nothing(engine: DockerEngine, start: Start) -> None:
    await engine.start(await start())


async def test_containers_are_found_by_labels(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    one = await start("exit 3")
    other = await start()
    await engine.wait(one)
    found: dict[str, Container] = {container.id: container for container in await engine.containers(labels)}
    assert {one, other} == set(found)
    assert (found[one].state, found[other].state) == ("exited", "running")
    assert await engine.containers({"upright-test": "no such test"}) == []


async def test_environment_directory_and_user_reach_the_program(engine: DockerEngine, start: Start) -> None:
    printed = await run(
        engine,
        start,
        'echo "$GREETING" && pwd && id -u && hostname && grep extra /etc/hosts',
        env={"GREETING": "a b = c"},
        working_dir="/data",
        user="65534",
        hostname="myself",
        extra_hosts={"extra.example": "10.1.2.3"},
    )
    greeting, folder, user, hostname, host = printed.splitlines()
    assert (greeting, folder, user, hostname) == ("a b = c", "/data", "65534", "myself")
    assert host.split() == ["10.1.2.3", "extra.example"]


async def test_an_own_entrypoint_drops_the_images_arguments(engine: DockerEngine, labels: dict[str, str]) -> None:
    made = await engine.create(ContainerSpec(image=IMAGE, entrypoint=("/bin/echo",), labels=labels))
    await engine.start(made)
    assert await engine.wait(made) == 0
    assert [line.data for line in await lines(engine, made)] == [b"\n"]


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (("/bin/nothing",), ExecutableNotFound),
        (("nothing",), ExecutableNotFound),
        (("/etc/passwd",), ExecutableForbidden),
        (("/data",), ExecutableForbidden),
    ],
)
async def test_a_program_that_cannot_run_is_said_to_be_so(
    engine: DockerEngine, labels: dict[str, str], argv: tuple[str, ...], kind: type[StartFailed]
) -> None:
    made = await engine.create(ContainerSpec(image=IMAGE, entrypoint=argv, labels=labels))
    with pytest.raises(kind):
        await engine.start(made)
    assert (await engine.container(made)).state == "created"


async def test_a_container_is_stopped_in_its_own_way(engine: DockerEngine, start: Start) -> None:
    made = await start("trap 'exit 5' USR1; while :; do sleep 0.01; done", stop_signal="SIGUSR1")
    await engine.stop(made, 10)
    assert (await engine.container(made)).exit_code == 5


async def test_a_container_that_does_not_stop_is_killed(engine: DockerEngine, start: Start) -> None:
    made = await start("trap '' TERM; while :; do sleep 0.01; done")
    await engine.stop(made, 0.1)
    assert (await engine.container(made)).exit_code == 137


async def test_a_container_is_sent_signals(engine: DockerEngine, start: Start) -> None:
    made = await start("trap 'exit 9' HUP; echo ready; while :; do sleep 0.01; done")
    async with engine.logs(made, follow=True) as told:
        await anext(told)
    await engine.kill(made, "SIGHUP")
    assert await engine.wait(made) == 9
    with pytest.raises(Conflict):
        await engine.kill(made)


async def test_removing_is_final_and_may_be_repeated(engine: DockerEngine, start: Start) -> None:
    made = await start()
    await engine.remove(made)
    await engine.remove(made)
    with pytest.raises(NotFound):
        await engine.container(made)
    with pytest.raises(NotFound):
        await engine.start(made)


async def test_a_log_tells_streams_and_times(engine: DockerEngine, start: Start) -> None:
    made = await start("echo one; sleep 0.05; echo two >&2; sleep 0.05; printf three")
    await engine.wait(made)
    told = await lines(engine, made)
    assert [(line.stream, line.data.rstrip(b"\n")) for line in told] == [
        ("stdout", b"one"),
        ("stderr", b"two"),
        ("stdout", b"three"),
    ]
    assert all(line.time.startswith("20") and "T" in line.time for line in told)


async def test_a_log_can_be_cut_short(engine: DockerEngine, start: Start) -> None:
    made = await start("for i in 1 2 3 4 5; do echo $i; done")
    await engine.wait(made)
    assert [line.data for line in await lines(engine, made, tail=2)] == [b"4\n", b"5\n"]
    ended = (await engine.container(made)).finished
    assert ended is not None
    assert await lines(engine, made, since=ended.replace(year=ended.year + 1)) == []


async def test_a_log_is_followed_to_the_end(engine: DockerEngine, start: Start) -> None:
    made = await start("echo first; until [ -e /tmp/go ]; do sleep 0.01; done; echo last")
    told: list[bytes] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with engine.logs(made, follow=True) as followed:
            told.append((await anext(followed)).data)
            await engine.put_archive(made, "/tmp", tar_of(go=""))
            told += [line.data async for line in followed]
    assert told == [b"first\n", b"last\n"]


async def test_a_log_keeps_long_lines_and_many_of_them(engine: DockerEngine, start: Start) -> None:
    made = await start(
        "i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done; head -c 40000 /dev/zero | tr '\\0' x"
    )
    await engine.wait(made)
    told = b"".join(line.data for line in await lines(engine, made))
    assert told.rstrip(b"\n") == b"".join(b"line-%d\n" % number for number in range(2000)) + b"x" * 40000


async def test_a_container_with_a_tty_has_one_stream(engine: DockerEngine, start: Start) -> None:
    made = await start("echo out; echo err >&2", tty=True)
    await engine.wait(made)
    assert [(line.stream, line.data) for line in await lines(engine, made)] == [
        ("stdout", b"out\r\n"),
        ("stdout", b"err\r\n"),
    ]


async def test_a_program_is_run_in_a_container(engine: DockerEngine, start: Start) -> None:
    made = await start(env={"A": "1"})
    spec = ExecSpec(
        argv=("sh", "-c", "echo $A $B; pwd; id -u; echo wrong >&2; exit 4"),
        env={"B": "2"},
        user="65534",
        working_dir="/data",
    )
    ended = await engine.run(made, spec)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (4, b"1 2\n/data\n65534\n", b"wrong\n")


async def test_only_the_end_of_much_output_is_kept(engine: DockerEngine, start: Start) -> None:
    made = await start()
    ended = await engine.run(made, ExecSpec(argv=("sh", "-c", "head -c 300000 /dev/zero; echo end")), limit=100)
    assert len(ended.stdout) == 100
    assert ended.stdout.endswith(b"end\n")


async def test_a_program_that_is_not_there_ends_with_127(engine: DockerEngine, start: Start) -> None:
    made = await start()
    ended = await engine.run(made, ExecSpec(argv=("/bin/nothing",)))
    assert ended.exit_code in {126, 127}
    assert b"nothing" in ended.stdout + ended.stderr


async def test_nothing_runs_in_a_container_that_does_not(engine: DockerEngine, start: Start) -> None:
    made = await start("true")
    await engine.wait(made)
    with pytest.raises(Conflict):
        await engine.run(made, ExecSpec(argv=("true",)))


async def test_a_program_reads_its_stdin_to_the_end(engine: DockerEngine, start: Start) -> None:
    made = await start()
    async with engine.exec(made, ExecSpec(argv=("sh", "-c", "cat; echo over"), stdin=True)) as terminal:
        await terminal.write(b"some ")
        await terminal.write(b"text\n")
        await terminal.close_input()
        assert text_of(await rest(terminal)) == "some text\nover\n"
        assert await terminal.exit_code() == 0


async def test_a_terminal_has_a_size(engine: DockerEngine, start: Start) -> None:
    made = await start()
    script = "read go; stty size"
    async with engine.exec(made, ExecSpec(argv=("sh", "-c", script), stdin=True, tty=True)) as terminal:
        await terminal.resize(width=123, height=45)
        await terminal.write(b"go\n")
        assert "45 123" in text_of(await rest(terminal))


async def test_a_program_that_is_left_is_killed(engine: DockerEngine, start: Start) -> None:
    made = await start()
    async with engine.exec(made, ExecSpec(argv=("sh", "-c", "echo ready; sleep 987"))) as terminal:
        assert await terminal.read() == Piece("stdout", b"ready\n")
    with anyio.fail_after(PATIENCE_SECONDS):
        await engine.run(made, ExecSpec(argv=("sh", "-c", "while ps | grep -q '[s]leep 987'; do sleep 0.01; done")))


async def test_a_program_that_is_left_as_it_starts_is_killed(engine: DockerEngine, start: Start) -> None:
    made = await start()
    for _ in range(10):
        async with engine.exec(made, ExecSpec(argv=("sleep", "987"))):
            pass
    with anyio.fail_after(PATIENCE_SECONDS):
        await engine.run(made, ExecSpec(argv=("sh", "-c", "while ps | grep -q '[s]leep 987'; do sleep 0.01; done")))


async def test_being_attached_is_to_hear_and_speak(engine: DockerEngine, labels: dict[str, str]) -> None:
    made = await engine.create(sh("read word; echo heard $word; echo badly >&2", labels=labels, stdin=True))
    async with engine.attach(made, stdin=True) as terminal:
        await engine.start(made)
        await terminal.write(b"this\n")
        pieces = await rest(terminal)
    assert (text_of(pieces), text_of(pieces, "stderr")) == ("heard this\n", "badly\n")


async def test_files_are_put_in_before_the_start_and_taken_out_after(
    engine: DockerEngine, labels: dict[str, str]
) -> None:
    made = await engine.create(sh("cat /data/in; echo changed > /data/out", labels=labels))
    await engine.put_archive(made, "/data", tar_of(**{"in": "content\n"}))
    await engine.start(made)
    await engine.wait(made)
    assert [line.data for line in await lines(engine, made)] == [b"content\n"]
    with tarfile.open(fileobj=io.BytesIO(await engine.get_archive(made, "/data/out"))) as tar:
        out = tar.extractfile("out")
        assert out is not None
        assert out.read() == b"changed\n"
    with pytest.raises(NotFound):
        await engine.get_archive(made, "/data/nothing")
    if engine.info.product == "dockerd":  # podman makes the folder
        with pytest.raises(NotFound):
            await engine.put_archive(made, "/nothing", tar_of(x=""))


async def test_events_tell_what_happens_to_ours(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    told: list[tuple[str, str]] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with engine.events(labels, ("start", "die", "destroy")) as events:
            other = await engine.create(sh("true", labels={**labels, "upright-test": "other"}))
            await engine.start(other)
            made = await start("exit 6")
            await engine.wait(made)
            await engine.remove(made)
            await engine.remove(other)
            async for event in events:
                told.append((event.action, event.container))
                if event.action == "die":
                    assert event.attributes["exitCode"] == "6"
                    assert event.attributes["upright-test"] == labels["upright-test"]
                if event.action == "destroy":
                    break
    assert told == [("start", made), ("die", made), ("destroy", made)]


async def test_memory_has_a_limit(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    hungry = "x=12345678901234567890; while :; do x=$x$x; done"
    with anyio.fail_after(PATIENCE_SECONDS):
        async with engine.events(labels, ("oom",)):
            made = await start(hungry, memory_bytes=16 << 20)
            assert await engine.wait(made) == 137
    if engine.info.product == "dockerd":  # podman does not see it on every machine
        assert (await engine.container(made)).oom_killed


async def test_capabilities_are_added_and_dropped(engine: DockerEngine, start: Start) -> None:
    script = "grep CapEff /proc/self/status | cut -f2"
    usual = int(await run(engine, start, script), 16)
    dropped = int(await run(engine, start, script, drop_capabilities=("ALL",)), 16)
    added = int(await run(engine, start, script, add_capabilities=("NET_ADMIN",)), 16)
    assert usual
    assert dropped == 0
    assert added == usual | 1 << 12


async def test_a_root_can_be_read_only_beside_what_is_mounted(
    engine: DockerEngine, start: Start, labels: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("from the host\n")
    await engine.create_volume("shared", labels=labels)
    mounts = (
        Mount(kind="tmpfs", target="/scratch", size_bytes=1 << 20, mode=0o700),
        Mount(kind="bind", target="/data", source=str(tmp_path), read_only=True),
        Mount(kind="volume", target="/etc/shared", source="shared"),
    )
    await run(engine, start, "echo shared > /etc/shared/file", mounts=mounts[2:])
    script = "touch /bin/x 2>&1 | grep -c Read-only; touch /data/x 2>&1 | grep -c Read-only; touch /scratch/x && stat -c %a /scratch && cat /data/file /etc/shared/file"
    printed = await run(engine, start, script, mounts=mounts, read_only=True)
    assert printed.split("\n") == ["1", "1", "700", "from the host", "shared", ""]


async def test_a_volume_may_be_in_memory(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    await engine.create_volume("fast", labels=labels, memory=True, size_bytes=1 << 20)
    mounts = (Mount(kind="volume", target="/data", source="fast"),)
    assert "tmpfs" in await run(engine, start, "grep ' /data ' /proc/mounts; df -k /data | grep 1024", mounts=mounts)


async def test_a_volume_in_use_stays(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    await engine.create_volume("used", labels=labels)
    made = await start(mounts=(Mount(kind="volume", target="/data", source="used"),))
    with pytest.raises(Conflict):
        await engine.remove_volume("used")
    await engine.remove(made)
    await engine.remove_volume("used")
    await engine.remove_volume("used")


async def test_containers_of_a_network_reach_each_other_by_address(
    engine: DockerEngine, start: Start, labels: dict[str, str]
) -> None:
    network = await engine.create_network("ours", labels=labels)
    server = await start("nc -l -p 80 -e echo hello", network="ours")
    address = (await engine.container(server)).addresses["ours"]
    assert address.rpartition(".")[0] == network.subnet.rpartition(".")[0]
    await until_listening(engine, server)
    assert await run(engine, start, f"nc {address} 80", network="ours") == "hello\n"


async def test_an_address_can_be_chosen(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    await engine.create_network("chosen", labels=labels, subnet="10.99.7.0/24", interface="chosen0")
    shown = await engine.network("chosen")
    assert (shown.subnet, shown.gateway) == ("10.99.7.0/24", "10.99.7.1")
    made = await start(network="chosen", ip="10.99.7.77")
    assert (await engine.container(made)).addresses == {"chosen": "10.99.7.77"}


async def test_the_interface_of_a_network_is_told(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    network = await engine.create_network("bridged", labels=labels)
    await start(network="bridged")
    looked = await start(network="host")
    ended = await engine.run(looked, ExecSpec(argv=("cat", f"/sys/class/net/{network.interface}/operstate")))
    assert ended.exit_code == 0, ended


async def test_a_container_shares_the_network_of_another(
    engine: DockerEngine, start: Start, labels: dict[str, str]
) -> None:
    await engine.create_network("pods", labels=labels)
    holder = await start(network="pods")
    address = (await engine.container(holder)).addresses["pods"]
    assert address in await run(engine, start, "ip addr show", network=f"container:{holder}")


async def test_networks_come_and_go(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    first = await engine.create_network("first", labels=labels)
    await engine.create_network("second", labels=labels)
    assert {network.name for network in await engine.networks(labels)} == {"first", "second"}
    with pytest.raises(Conflict):
        await engine.create_network("first", labels=labels)
    made = await start(network="first")
    await engine.connect("second", made, aliases=("me",))
    assert set((await engine.container(made)).addresses) == {"first", "second"}
    await engine.disconnect("second", made)
    assert set((await engine.container(made)).addresses) == {"first"}
    with pytest.raises(Conflict):
        await engine.remove_network("first")
    await engine.remove(made)
    await engine.remove_network(first.id)
    await engine.remove_network("first")
    with pytest.raises(NotFound):
        await engine.network("first")


async def test_aliases_are_names(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    if engine.info.product == "podman":
        pytest.skip("podman needs the package of its name server for that")
    await engine.create_network("named", labels=labels)
    made = await start(network="named", aliases=("web", "web.default.svc"))
    address = (await engine.container(made)).addresses["named"]
    for name in ("web", "web.default.svc"):
        assert address in await run(engine, start, f"nslookup {name} | tail -n +3", network="named")


async def test_all_with_a_label_goes_at_once(engine: DockerEngine, start: Start, labels: dict[str, str]) -> None:
    await engine.create_network("doomed", labels=labels)
    await engine.create_volume("doomed", labels=labels)
    for _ in range(3):
        await start(network="doomed", mounts=(Mount(kind="volume", target="/data", source="doomed"),))
    reaped = await engine.reap(labels)
    assert (reaped.containers, reaped.networks, reaped.volumes) == (3, 1, 1)
    assert await engine.containers(labels) == []
    assert await engine.networks(labels) == []
    with pytest.raises(ValueError, match="everything"):
        await engine.reap({})


async def test_a_bad_request_is_an_error_with_the_engines_words(engine: DockerEngine, labels: dict[str, str]) -> None:
    with pytest.raises(EngineError, match=r"NOSUCHCAP|capabilit"):
        await engine.create(sh("true", labels=labels, add_capabilities=("NOSUCHCAP",)))


async def until_listening(engine: DockerEngine, container: str) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        await engine.run(
            container, ExecSpec(argv=("sh", "-c", "until netstat -ltn | grep -q :80; do sleep 0.01; done"))
        )
