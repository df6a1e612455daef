from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.engines import IMAGE
from upright.controllers.world.engine import docker_commands
from upright.controllers.world.engine.build import refuse
from upright.controllers.world.engine.build_output import ClassicOutput
from upright.controllers.world.engine.build_progress import BuildKitOutput
from upright.controllers.world.engine.buildkit import BuildKit, find_buildkit
from upright.controllers.world.engine.docker_commands import DockerCommands
from upright.controllers.world.engine.dockerfile import BUILDKIT, OLD_BUILDKIT
from upright.controllers.world.engine.errors import BuildFailed, BuildRefused
from upright.controllers.world.engine.protocol import BuildRequest, EngineInfo
from upright.controllers.world.processes import LocalProcesses

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.engines import RunningEngine
    from upright.controllers.world.engine.docker_engine import DockerEngine

DOCKERFILE = """# comment
ARG X=1
FROM base AS first
WORKDIR /x
RUN echo fine

FROM other
ENV A=1
RUN echo going \\
  && exit 7
"""


def info(product: str = "dockerd", version: str = "20.10.24") -> EngineInfo:
    return EngineInfo(
        product="podman" if product == "podman" else "dockerd",
        version=version,
        api_version="1.41",
        arch="amd64",
        address="x",
    )


def script(folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "docker").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "docker").chmod(0o755)


NO_BUILDX = 'if [ "$1" = buildx ]; then echo unknown command >&2; exit 1; fi\n'


async def found(monkeypatch: pytest.MonkeyPatch, *folders: Path, version: str = "20.10.24") -> BuildKit | None:
    monkeypatch.setattr(docker_commands, "_PLACES", tuple(str(folder) for folder in folders))
    async with LocalProcesses() as processes:
        return await find_buildkit(DockerCommands(processes), info(version=version))


async def test_a_cli_with_the_plugin_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "a", "echo github.com/docker/buildx v0.20.0")
    made = await found(monkeypatch, tmp_path / "a", version="28.0.1")
    assert made is not None
    assert made.argv == (str(tmp_path / "a/docker"), "buildx", "build")
    assert made.abilities == BUILDKIT


async def test_a_cli_that_has_it_within_itself_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "a", f"{NO_BUILDX} echo Docker version 28.2.2, build e6534b4")
    script(tmp_path / "b", f"{NO_BUILDX} echo Docker version 20.10.24+dfsg1, build 297e128")
    made = await found(monkeypatch, tmp_path / "a", tmp_path / "b")
    assert made is not None
    assert made.argv == (str(tmp_path / "b/docker"), "build")
    assert made.abilities == OLD_BUILDKIT


@pytest.mark.parametrize("version", ["17.12.1-ce", "23.0.1", "28.2.2"])
async def test_a_cli_without_it_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    script(tmp_path / "a", f"{NO_BUILDX} echo Docker version {version}, build 1")
    assert await found(monkeypatch, tmp_path / "a") is None


async def test_no_cli_and_no_dockerd_is_no_buildkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await found(monkeypatch, tmp_path) is None
    script(tmp_path / "a", "exit 0")
    monkeypatch.setattr(docker_commands, "_PLACES", (str(tmp_path / "a"),))
    async with LocalProcesses() as processes:
        assert await find_buildkit(DockerCommands(processes), info("podman", "4.3.1")) is None


def failure(said: str) -> tuple[BuildFailed, list[str]]:
    told: list[str] = []
    output = BuildKitOutput(DOCKERFILE, told.append)
    for letter in textwrap.dedent(said).encode():
        output.take(bytes([letter]))
    with pytest.raises(BuildFailed) as caught:
        output.end(failed=True, words="exit status 1")
    return caught.value, told


OLD = """\
    #1 [internal] load build definition from Dockerfile
    #1 sha256:4c9c916713160e46a2cefa8555d42a28dfe0f868c29db5e9187401b00745d6e3
    #1 transferring dockerfile: 98B done
    #1 DONE 0.0s

    #4 [stage-1 1/2] FROM docker.io/library/other
    #4 sha256:3fcf4a06a387b17d289dd7602316d5abe4c13bb244171f8a4db656f076fb8205
    #4 CACHED

    #5 [stage-1 2/2] RUN echo going   && exit 7
    #5 sha256:168efbd7ae87bfd40168b47cc7cd0e95fab4be59efb53835a08c859824629a85
    #5 0.146 going
    #5 ERROR: executor failed running [/bin/sh -c echo going   && exit 7]: exit code: 7
    ------
     > [stage-1 2/2] RUN echo going   && exit 7:
    ------
    executor failed running [/bin/sh -c echo going   && exit 7]: exit code: 7
    """
NEW = """\
    #0 building with "default" instance using docker driver

    #1 [internal] load build definition from Dockerfile
    #1 transferring dockerfile: 98B done
    #1 DONE 0.0s

    #4 [stage-1 1/2] FROM docker.io/library/other:latest
    #4 CACHED

    #5 [stage-1 2/2] RUN echo going   && exit 7
    #5 0.146 going
    #5 ERROR: process "/bin/sh -c echo going   && exit 7" did not complete successfully: exit code: 7
    ------
     > [stage-1 2/2] RUN echo going   && exit 7:
    0.146 going
    ------
    Dockerfile:9
    --------------------
       8 |     ENV A=1
       9 | >>> RUN echo going \\
      10 | >>>   && exit 7
      11 |
    --------------------
    ERROR: failed to solve: process "/bin/sh -c echo going   && exit 7" did not complete successfully: exit code: 7
    """


@pytest.mark.parametrize("said", [OLD, NEW])
def test_the_step_that_failed_is_found_in_old_and_new_words(said: str) -> None:
    error, told = failure(said)
    assert (error.at.step, error.at.line, error.at.exit_code, error.at.output) == ("2/2", 9, 7, "going")
    assert error.message.startswith("Dockerfile line 9: RUN echo going")
    assert "[stage-1 2/2] RUN echo going   && exit 7" in told
    assert "going" in told
    assert not any("sha256" in line or "transferring" in line for line in told)


def test_stages_are_told_apart_by_name() -> None:
    error, _ = failure('#7 [first 3/3] RUN echo fine\n#7 ERROR: process "x" did not complete: exit code: 1\n')
    assert (error.at.line, error.at.instruction) == (5, "RUN echo fine")


@pytest.mark.parametrize("base", ["scratch", "first", "0", "--platform=$BUILDPLATFORM FIRST"])
def test_a_stage_that_fetches_no_base_has_no_step_for_it(base: str) -> None:
    output = BuildKitOutput(f"FROM other AS first\nRUN a\nFROM {base}\nCOPY b b\nLABEL c=d\nRUN e\n", print)
    output.take(b"#7 [stage-1 2/2] RUN e\n#7 ERROR: executor failed running [e]: exit code: 4\n")
    with pytest.raises(BuildFailed) as caught:
        output.end(failed=True, words="exit status 1")
    assert (caught.value.at.line, caught.value.at.instruction) == (6, "RUN e")


def test_a_base_that_is_not_there_is_found_by_its_full_name() -> None:
    error, _ = failure("#3 [internal] load metadata for docker.io/library/other:latest\n#3 ERROR: pull access denied\n")
    assert (error.at.line, error.at.instruction) == (7, "FROM other")


def test_a_failure_outside_of_all_steps_keeps_its_words() -> None:
    error, _ = failure(
        "failed to solve with frontend dockerfile.v0: dockerfile parse error line 3: unknown instruction: X\n"
    )
    assert error.at.line == 3
    assert "unknown instruction: X" in error.message
    error, _ = failure("error during connect: EOF\n")
    assert error.message == "error during connect: EOF"
    error, _ = failure("")
    assert error.message == "exit status 1"


def test_the_last_line_of_a_step_may_lack_a_line_feed() -> None:
    told: list[str] = []
    output = BuildKitOutput(DOCKERFILE, told.append)
    output.take(b"#7 [stage-1 2/2] RUN x\n#7 0.401 2\n#7 0.401 no line feed#7 DONE 0.4s\n")
    output.end(failed=False, words="")
    assert told == ["[stage-1 2/2] RUN x", "2", "no line feed"]


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (["Step 1/7 : ARG X=1"], 2),
        (["Step 4/7 : RUN echo fine"], 5),
        (["Step 7/7 : RUN echo going   && exit 7"], 9),
        (["[1/2] STEP 3/3: RUN echo fine"], 5),
        (["[2/2] STEP 3/3: RUN echo going   && exit 7"], 9),
        (["STEP 2/3: WORKDIR /x"], 4),
    ],
)
def test_the_classic_step_that_failed_is_found(steps: list[str], line: int) -> None:
    told: list[str] = []
    output = ClassicOutput(DOCKERFILE, told.append)
    for step in steps:
        output.take({"stream": f"{step}\n ---> abc\n"})
    output.take({"stream": "\x1b[91mgoing\n\x1b[0m"})
    with pytest.raises(BuildFailed) as caught:
        output.take({"errorDetail": {"code": 7, "message": "returned a non-zero code: 7"}, "error": "returned"})
    assert (caught.value.at.line, caught.value.at.exit_code, caught.value.at.output) == (line, 7, "going")


def test_pull_progress_of_a_base_is_told_without_its_bars() -> None:
    told: list[str] = []
    output = ClassicOutput(DOCKERFILE, told.append)
    output.take({"status": "Pulling from library/other", "id": "latest"})
    output.take({"status": "Downloading", "id": "abc", "progressDetail": {"current": 1, "total": 2}})
    output.take({"status": "Status: Downloaded newer image"})
    assert told == ["latest: Pulling from library/other", "Status: Downloaded newer image"]


def test_secrets_and_keys_need_buildkit() -> None:
    with pytest.raises(BuildRefused, match="secrets in a build need BuildKit"):
        refuse(BuildRequest(dockerfile="FROM scratch\n", secrets=("id=x",)), info())
    with pytest.raises(BuildRefused, match="ssh in a build need"):
        refuse(BuildRequest(dockerfile="FROM scratch\n", ssh=("default",)), info("podman"))


@pytest.fixture
async def engine(private_dockerd: RunningEngine) -> AsyncGenerator[DockerEngine]:
    async with private_dockerd.connected(buildkit=True) as made:
        if made.commands is None or await made.commands.builder() is None:
            pytest.skip("no docker CLI here has BuildKit")
        yield made


@pytest.mark.engine
async def test_mounts_and_secrets_work(engine: DockerEngine, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret")
    dockerfile = f"""# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM {IMAGE} AS never
RUN exit 1
FROM {IMAGE}
ARG ROUND
RUN --mount=type=cache,target=/cache echo $ROUND >> /cache/count; wc -l < /cache/count
RUN --mount=type=secret,id=password wc -c < /run/secrets/password
"""
    said: list[str] = []
    request = BuildRequest(dockerfile=dockerfile, secrets=(f"id=password,src={tmp_path}/password",))
    for number in ("1", "2"):
        await engine.build(replace(request, args={"ROUND": number}), said.append)
    assert [line for line in said if line.isdigit()] == ["1", "6", "2", "6"]


@pytest.mark.engine
async def test_an_old_buildkit_refuses_what_it_would_misread(engine: DockerEngine) -> None:
    if not engine.info.version.startswith("20."):
        pytest.skip("this engine reads heredocs")
    with pytest.raises(BuildRefused, match="line 2 uses a heredoc"):
        await engine.build(BuildRequest(dockerfile=f"FROM {IMAGE}\nRUN <<EOF\ntrue\nEOF\n"), print)
