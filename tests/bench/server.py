"""Prints how fast the API server is, whole processes, 4 KB objects, durable writes: ``python tests/bench/server.py [PART…]``.

The loader is wrk (apt-get install wrk), a process of its own, written in C: it takes some µs for a request, over TLS too;
watchers are another. Where there are two cores, the server has one to itself, ours as the real tilt's, and what loads it the
other: so both are measured alike, and on one core. Parts: rates, tilt, watch, strangers,
many, day, idle; all but tilt if none is named. UPRIGHT_BENCH_TILT is the real tilt's binary for ``tilt``: the same loads over TLS.
Each figure is the median of UPRIGHT_BENCH_ROUNDS (5) runs of UPRIGHT_BENCH_SECONDS (5); where others load the machine,
compare the CPU that each request takes.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import anyio
import psutil
import yaml

from upright.apiserver.sockets import listen, port_of
from upright.apiserver.storage.records import Address, Retention
from upright.apiserver.storage.store import Store
from upright.client import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from upright.apiserver.storage.records import Stored
    from upright.openapi.meta import Json

SECONDS = int(os.environ.get("UPRIGHT_BENCH_SECONDS", "5"))
DAY_SECONDS = 60
CMDS = "/apis/tilt.dev/v1alpha1/cmds"
SPEC = {"args": ["x" * 40] * 90}
MANY = 100_000
ROUNDS = int(os.environ.get("UPRIGHT_BENCH_ROUNDS", "5"))
_NUMBERS = itertools.count()
_CORES = sorted(os.sched_getaffinity(0))
SERVED_ON, LOADED_FROM = (["taskset", "-c", str(_CORES[at])] if len(_CORES) > 1 else [] for at in (0, -1))
WATCHING = str(Path(__file__).with_name("watching.py"))


class Target(NamedTuple):
    """A server under load: where, and what it wants to see in a header."""

    url: str
    token: str
    authority: str
    pid: int

    def ask(self, method: str, path: str, body: object = None) -> int:
        scheme, host, port = re.match(r"(https?)://([^:/]+):(\d+)", self.url).groups()  # type: ignore[union-attr]  # ours
        tls = ssl.create_default_context(cadata=self.authority) if self.authority else None
        made = HTTPSConnection(host, int(port), context=tls) if scheme == "https" else HTTPConnection(host, int(port))
        with closing(made) as connection:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def server(folder: str, *, secure: bool = False) -> Generator[Target]:
    """Run our server on a folder, by itself."""
    environment = os.environ | {"XDG_RUNTIME_DIR": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a server that compiles itself anew starts half a second later
    command = [*SERVED_ON, sys.executable, "-m", "upright.apiserver", "--port=0", f"--state={folder}/state"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        url = process.stderr.readline().split()[-1].replace("localhost", "127.0.0.1")
        access = kubeconfig.read(Path(process.stderr.readline().split()[-1]))
        try:
            yield Target(
                access.server if secure else url, access.token, access.authority if secure else "", process.pid
            )
        finally:
            process.terminate()


LUA = """
local id, n = 0, 0
local threads = 0
function setup(thread) thread:set("id", threads) threads = threads + 1 end
function init(args) math.randomseed(os.time() * 100 + id) end
function headers(media) return {["Content-Type"] = media, ["Authorization"] = wrk.headers["Authorization"]} end
function request()
  n = n + 1
  {request}
end
function done(summary, latency, requests)
  local wrong = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %f %f %f %f\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, wrong))
end
"""


class Load(NamedTuple):
    """How one run of the loader went: requests a second, latencies in ms, failures, and the server's share of a core."""

    rate: float
    middle: float
    late: float
    wrong: float
    core: float


def load(target: Target, what: str, request: str, connections: int, *, limit: float = 0, most: float = 0) -> float:
    """Run wrk with a Lua expression for each request, several times; print and return the median rate."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(LUA.replace("{request}", f"return {request}"))
        script.flush()
        runs = [_loaded(target, script.name, connections) for _ in range(ROUNDS)]
    rate, middle, late, wrong, core = (float(statistics.median(column)) for column in zip(*runs, strict=True))
    wanted = (f"  want ≥ {limit:,.0f}" if limit else "") + (f", p99 ≤ {most:g} ms" if most else "")
    failed = f"  {wrong:.0f} FAILED" if wrong else ""
    say(
        f"{what:<34} {rate:>9,.0f}/s  p50 {middle:6.2f}  p99 {late:6.2f} ms  {core * 100:3.0f} % of a core"
        f"  {core / rate * 1e6:5.0f} µs CPU each{wanted}{failed}"
    )
    return rate


def _loaded(target: Target, script: str, connections: int) -> Load:
    command = [*LOADED_FROM, "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout=10s", f"-s{script}"]
    before = cpu(target)
    told = subprocess.run(
        [*command, f"-HAuthorization: Bearer {target.token}", target.url], capture_output=True, text=True, check=True
    ).stdout
    core = (cpu(target) - before) / SECONDS
    found = re.search(r"RESULT (\S+) (\S+) (\S+) (\S+)", told)
    assert found, told
    rate, middle, late, wrong = map(float, found.groups())
    return Load(rate, middle, late, wrong, core)


def created(path: str, body: str) -> str:
    """Return the Lua for creating one object after the other; NAME in the body is its name."""
    return f"""wrk.format("POST", "{path}", headers("application/json"),
      (string.gsub([[{body}]], "NAME", "n{next(_NUMBERS)}x" .. id .. "x" .. n .. "x" .. math.random(1e9))))"""


def patched(path: str) -> str:
    return f"""wrk.format("PATCH", "{path}/o" .. n % 100, headers("application/merge-patch+json"),
      '{{"metadata":{{"annotations":{{"n":"' .. id .. "-" .. n .. '"}}}}}}')"""


def prepare(target: Target, count: int = 100) -> None:
    for number in range(count):
        assert target.ask("POST", CMDS, {"metadata": {"name": f"o{number}"}, "spec": SPEC}) == 201


def rates(folder: str) -> None:
    """GET, LIST, create and PATCH over plain HTTP."""
    body = json.dumps({"metadata": {"name": "NAME"}, "spec": SPEC})
    with server(folder) as target:
        prepare(target)
        get = f'wrk.format("GET", "{CMDS}/o" .. n % 100)'
        load(target, "GET, 16 at once", get, 16, limit=10_000, most=5)
        load(target, "LIST of 100, 4 at once", f'wrk.format("GET", "{CMDS}")', 4, limit=1200)
        load(target, "PATCH, 16 at once", patched(CMDS), 16, limit=2500, most=30)
        load(target, "create, 16 at once", created(CMDS, body), 16, limit=2000, most=30)


def tilt(folder: str) -> None:
    """The same loads on the real tilt and on ours, TLS on both, uibuttons on both."""
    place = "/apis/tilt.dev/v1alpha1/uibuttons"
    spec = {"location": {"componentID": "x", "componentType": "Global"}, "text": "t" * 400}
    body = json.dumps({"metadata": {"name": "NAME"}, "spec": spec})
    measured: dict[str, list[float]] = {}
    for name, running in (("tilt", real_tilt(folder)), ("upright", server(f"{folder}/ours", secure=True))):
        with running as target:
            for number in range(50):
                assert target.ask("POST", place, {"metadata": {"name": f"o{number}"}, "spec": spec}) == 201
            for at_once in (1, 4, 16):
                get = f'wrk.format("GET", "{place}/o" .. n % 50)'
                measured.setdefault(f"GET, {at_once}", []).append(load(target, f"{name}: GET, {at_once}", get, at_once))
            lists = f'wrk.format("GET", "{place}")'
            measured.setdefault("LIST of 50", []).append(load(target, f"{name}: LIST of 50, 4", lists, 4))
            for at_once in (1, 8):
                kept = created(place, body)
                measured.setdefault(f"POST, {at_once}", []).append(
                    load(target, f"{name}: POST, {at_once}", kept, at_once)
                )
            followed(target, place, f"{name}: watch", 1, 100, {"metadata": {"name": "w"}, "spec": spec})
    for what, (theirs, ours) in measured.items():
        say(f"{what:<34} {ours / theirs:5.2f} × tilt's")


@contextmanager
def real_tilt(folder: str) -> Generator[Target]:
    """Run the real tilt's API server, by ``tilt up`` of an empty Tiltfile."""
    home = Path(folder) / "tilt"
    home.mkdir()
    (home / "Tiltfile").write_text("")
    bound = listen("127.0.0.1", 0)
    port = port_of(bound)
    for one in bound:
        one.close()
    environment = os.environ | {"HOME": str(home), "TILT_DISABLE_ANALYTICS": "1", "KUBECONFIG": str(home / "none")}
    command = [
        *SERVED_ON,
        os.environ["UPRIGHT_BENCH_TILT"],
        "up",
        "--stream",
        "--web-mode=prod",
        f"--port={port}",
        f"--file={home}/Tiltfile",
    ]
    with subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield _tilts(home, process)
        finally:
            process.kill()


def _tilts(home: Path, process: subprocess.Popen[bytes]) -> Target:
    assert process.stdout
    for line in process.stdout:
        if b"Successfully loaded" in line:
            break
    (config,) = (home / ".tilt-dev").glob("config")
    found = yaml.safe_load(config.read_text())
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    import base64  # noqa: PLC0415  reason: only here

    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Target(cluster["server"].replace("localhost", "127.0.0.1"), user["token"], authority, process.pid)


def followed(  # noqa: PLR0917  reason: a table's row
    target: Target, path: str, what: str, watchers: int, writes: int, body: object, pause: float = 0.02
) -> None:
    """Have a process watch, write, and print how long each event took to all its watchers."""
    asked = {
        "url": target.url, "token": target.token, "authority": target.authority, "path": path,
        "watchers": watchers, "writes": writes, "body": body, "pause": pause,
    }  # fmt: skip
    runs: list[tuple[float, ...]] = []
    for number in range(ROUNDS):
        if number:
            assert target.ask("DELETE", f"{path}/w") == 200
        told = subprocess.run(
            [*LOADED_FROM, sys.executable, WATCHING, json.dumps(asked)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
        found = json.loads(told.stdout)
        delays, answers = sorted(found["delays"]), sorted(found["answers"])
        assert len(delays) == watchers * writes, (len(delays), watchers * writes)
        runs.append((_at(delays, 50), _at(delays, 99), delays[-1], _at(answers, 50), answers[-1]))
    middle, late, last, answered, slowest = (statistics.median(column) for column in zip(*runs, strict=True))
    say(
        f"{f'{what}, {watchers} watchers':<34} event p50 {middle:6.2f}  p99 {late:6.2f}  max {last:6.1f} ms"
        f"   write p50 {answered:6.2f}  max {slowest:6.1f} ms"
    )


def _at(values: list[float], percent: int) -> float:
    return values[min(len(values) * percent // 100, len(values) - 1)]


def watch(folder: str) -> None:
    """From sending a PATCH to its receipt by all watchers, 4 KB events."""
    body = {"metadata": {"name": "w"}, "spec": SPEC}
    with server(folder) as target:
        followed(target, CMDS, "watch", 1, 200, body)
        target.ask("DELETE", f"{CMDS}/w")
        followed(target, CMDS, "watch, 20/s", 100, 100, body, 0.05)
        target.ask("DELETE", f"{CMDS}/w")
        followed(target, CMDS, "watch, 10/s", 1000, 30, body, 0.1)


def day(folder: str) -> None:
    """A day of a CI farm's writes in a minute: 2,000 objects come, change and go; the past is bounded; no write waits long."""
    taken: list[float] = []
    sizes: list[int] = []
    path = Path(folder, "state.db")

    async def farm() -> None:
        retention = Retention(age=20.0, size=40_000_000)
        async with Store.open(str(path), retention=retention) as store, anyio.create_task_group() as group:

            async def runs(worker: int) -> None:
                ends = perf_counter() + DAY_SECONDS
                for run in itertools.count():
                    address = Address("", "tilt.dev/cmds", "", f"w{worker}-{run % 125}")
                    for step in range(12):
                        body = {"metadata": {"name": address.name}, "spec": SPEC, "status": {"step": step, "run": run}}
                        begun = perf_counter()
                        await store.write(address, partial(_give, body))
                        taken.append((perf_counter() - begun) * 1000)
                        await anyio.sleep(0.004)
                    if perf_counter() > ends:
                        return

            for worker in range(16):
                group.start_soon(runs, worker)
            for _ in range(10):
                await anyio.sleep(DAY_SECONDS / 10)
                sizes.append((await anyio.Path(path).stat()).st_size // 1_000_000)

    anyio.run(farm, backend_options={"use_uvloop": True})
    late = sorted(taken)
    say(
        f"{'a day in a minute':<34} {len(late):,} writes  p50 {_at(late, 50):.2f}  p99 {_at(late, 99):.2f}  "
        f"p99.9 {late[len(late) * 999 // 1000]:.2f}  max {late[-1]:.1f} ms  want p99.9 ≤ 50;  file, MB: {sizes}"
    )


def _give(body: Json, _current: Stored | None) -> Json:
    return body


def strangers(folder: str) -> None:
    """What a write costs with 1,000 watchers that it does not concern."""
    with server(folder) as target:
        prepare(target)
        without = load(target, "PATCH, no watchers", patched(CMDS), 16)
        host, _, port = target.url.removeprefix("http://").partition(":")
        ask = f"GET /apis/tilt.dev/v1alpha1/clusters?watch=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {target.token}\r\n\r\n"

        async def held() -> float:
            rate = 0.0
            async with anyio.create_task_group() as group:
                streams = [await anyio.connect_tcp(host, int(port)) for _ in range(1000)]
                for stream in streams:
                    await stream.send(ask.encode())
                    await stream.receive()
                rate = await anyio.to_thread.run_sync(lambda: load(target, "PATCH, 1,000 strangers", patched(CMDS), 16))
                for stream in streams:
                    await stream.aclose()
                group.cancel_scope.cancel()
            return rate

        say(f"{'cost of a write, with/without':<34} {without / anyio.run(held):.2f} ×  want ≤ 1.5")


def many(folder: str) -> None:
    """100,000 objects: memory, start, GET."""
    Path(folder, "state").mkdir()

    async def fill() -> None:
        async with Store.open(f"{folder}/state/state.db", durable=False) as store:
            numbers: Iterator[int] = iter(range(MANY))

            async def create() -> None:
                for number in numbers:
                    name = f"o{number}"
                    body = {"apiVersion": "tilt.dev/v1alpha1", "kind": "Cmd", "metadata": {"name": name}, "spec": SPEC}
                    await store.create(Address("", "tilt.dev/cmds", "", name), body)

            async with anyio.create_task_group() as group:
                for _ in range(256):
                    group.start_soon(create)

    anyio.run(fill)
    took: list[float] = []
    worked: list[float] = []
    for attempt in range(ROUNDS):
        begun = perf_counter()
        with server(folder) as target:
            took.append(perf_counter() - begun)
            worked.append(cpu(target))
            if attempt == ROUNDS - 1:
                what = f"start with {MANY:,} objects"
                say(
                    f"{what:<34} {statistics.median(took):5.2f} s  want ≤ 2  (CPU {statistics.median(worked):.2f} s)"
                    f"  {rss(target):5.0f} MB  want ≤ 600"
                )
                load(target, "GET", f'wrk.format("GET", "{CMDS}/o" .. n % 1000)', 16, limit=10_000, most=5)
                load(target, "PATCH", patched(CMDS), 16)
                say(f"{'after that':<34} {rss(target):5.0f} MB")


def cpu(target: Target) -> float:
    """Return how many seconds of CPU the server has taken."""
    times = psutil.Process(target.pid).cpu_times()
    return float(times.user + times.system)


def rss(target: Target) -> float:
    return float(psutil.Process(target.pid).memory_info().rss) / 1e6


def idle(folder: str) -> None:
    """Memory of a server that has answered."""
    sizes: list[float] = []
    for number in range(3):
        with server(f"{folder}/{number}") as target:
            target.ask("GET", CMDS)
            sizes.append(rss(target))
    say(f"{'idle':<34} {statistics.median(sizes):5.0f} MB  want ≤ 60")


PARTS = {"rates": rates, "watch": watch, "strangers": strangers, "many": many, "day": day, "idle": idle, "tilt": tilt}


def main() -> None:
    """Run the parts that are named."""
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    for name in sys.argv[1:] or [part for part in PARTS if part != "tilt"]:
        with tempfile.TemporaryDirectory() as folder:
            say(f"--- {name}, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {SECONDS} s each")
            PARTS[name](folder)


if __name__ == "__main__":
    main()
