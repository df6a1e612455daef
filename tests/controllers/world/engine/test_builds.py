"""Builds on every engine we start."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.engines import IMAGE
from upright.controllers.images import content_tag
from upright.controllers.world.engine.errors import BuildFailed, BuildRefused, Conflict, ImageNotFound
from upright.controllers.world.engine.ignores import ignores_of
from upright.controllers.world.engine.protocol import BuildRequest, ContainerSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from tests.engines import RunningEngine
    from upright.controllers.world.engine.docker_engine import DockerEngine

pytestmark = pytest.mark.engine


class Builder:
    """Builds, and remembers what was said."""

    def __init__(self, engine: DockerEngine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.said: list[str] = []
        self.built: list[str] = []

    def write(self, name: str, content: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    async def build(self, dockerfile: str, **more: object) -> str:
        self.said.clear()
        request = replace(BuildRequest(dockerfile=dockerfile, context=self.folder), **more)
        self.built.append(await self.engine.build(request, self.said.append))
        return self.built[-1]

    async def run(self, image: str, script: str) -> str:
        """Run a script in an image of ours, and return what it printed."""
        labels = {"upright-test": self.folder.name}
        spec = ContainerSpec(image=image, entrypoint=("/bin/sh", "-c"), args=(script,), labels=labels)
        made = await self.engine.create(spec)
        await self.engine.start(made)
        await self.engine.wait(made)
        async with self.engine.logs(made) as told:
            printed = b"".join([line.data async for line in told]).decode()
        await self.engine.reap(labels)
        return printed


@pytest.fixture(params=["dockerd", "buildkit", "podman"])
def running(request: pytest.FixtureRequest) -> RunningEngine:
    product = "podman" if request.param == "podman" else "dockerd"
    found: RunningEngine = request.getfixturevalue(f"private_{product}")
    return found


@pytest.fixture
async def engine(running: RunningEngine, request: pytest.FixtureRequest) -> AsyncGenerator[DockerEngine]:
    with_buildkit = "buildkit" in request.node.callspec.id
    async with running.connected(buildkit=with_buildkit) as made:
        if with_buildkit and (made.commands is None or await made.commands.builder() is None):
            pytest.skip("no docker CLI here has BuildKit")
        yield made


@pytest.fixture
async def builder(engine: DockerEngine, tmp_path: Path) -> AsyncGenerator[Builder]:
    made = Builder(engine, tmp_path)
    yield made
    for image in reversed(made.built):
        with suppress(ImageNotFound, Conflict):  # another image stands on it
            await engine.remove_image(image, force=True)


async def test_an_image_is_built_and_tagged(builder: Builder) -> None:
    builder.write("file", "content\n")
    image = await builder.build(
        f'FROM {IMAGE}\nENV A=1\nCOPY file /data/\nRUN echo built here\nENTRYPOINT ["cat", "/data/file"]\nEXPOSE 80\nUSER 65534\n',
        tags=("first/name:1", "second/name:2"),
        labels={"who": "me"},
    )
    shown = await builder.engine.image("first/name:1")
    assert shown.id == image
    assert shown == await builder.engine.image("second/name:2")
    assert (shown.entrypoint, shown.ports, shown.user, shown.labels["who"]) == (
        ("cat", "/data/file"),
        ("80/tcp",),
        "65534",
        "me",
    )
    assert shown.env["A"] == "1"
    assert "built here" in builder.said
    assert any("RUN echo built here" in line for line in builder.said)
    assert await builder.run(image, "cat /data/file") == "content\n"
    assert any("first/name:1" in tag for found in await builder.engine.images({"who": "me"}) for tag in found.tags)


async def test_the_same_content_is_the_same_image(builder: Builder) -> None:
    builder.write("file", "content\n")
    dockerfile = f"FROM {IMAGE}\nCOPY file /data/\nRUN date > /data/when\n"
    first = await builder.build(dockerfile)
    assert await builder.build(dockerfile) == first
    builder.write("file", "changed\n")
    assert await builder.build(dockerfile) != first
    assert content_tag(first) == f"tilt-{first.removeprefix('sha256:')[:16]}"


async def test_one_image_is_built_on_another_of_ours(builder: Builder) -> None:
    base = await builder.build(f"FROM {IMAGE}\nRUN echo base > /data/base\n", tags=("our/base:tilt-1",))
    image = await builder.build("FROM our/base:tilt-1\nRUN cat /data/base\n")
    assert "base" in builder.said
    assert image != base


async def test_args_targets_and_stages(builder: Builder) -> None:
    dockerfile = f"""
ARG BASE
FROM ${{BASE}} AS first
ARG WHO=nobody
RUN echo $WHO > /data/who
FROM {IMAGE} AS second
COPY --from=first /data/who /data/copied
FROM {IMAGE} AS third
RUN false
"""
    image = await builder.build(dockerfile, args={"BASE": IMAGE, "WHO": "me"}, target="second")
    assert await builder.run(image, "cat /data/copied") == "me\n"


async def test_an_arg_without_a_value_is_taken_from_the_environment(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "there")
    await builder.build(f"FROM {IMAGE}\nARG FROM_OUTSIDE\nRUN echo it is $FROM_OUTSIDE\n", args={"FROM_OUTSIDE": None})
    assert "it is there" in builder.said


async def test_the_platform_is_known_to_the_build(builder: Builder) -> None:
    await builder.build(f"FROM {IMAGE}\nARG TARGETARCH\nARG TARGETOS\nRUN echo for $TARGETOS on $TARGETARCH\n")
    assert f"for linux on {builder.engine.info.arch}" in builder.said


async def test_extra_hosts_are_known_to_the_build(builder: Builder) -> None:
    await builder.build(
        f"FROM {IMAGE}\nRUN grep some.example /etc/hosts\n", extra_hosts=("some.example:10.1.2.3",), network="host"
    )
    assert any("10.1.2.3" in line for line in builder.said)


async def test_what_is_ignored_is_not_copied(builder: Builder) -> None:
    for name in ("kept", "dropped", "sub/kept", "sub/dropped", "Dockerfile"):
        builder.write(name, "x")
    builder.write(".dockerignore", "**/dropped\n")
    image = await builder.build(f"FROM {IMAGE}\nCOPY . /data/\n", ignores=ignores_of(builder.folder))
    printed = await builder.run(image, "cd /data && find . -type f | sort")
    assert printed.split() == ["./.dockerignore", "./Dockerfile", "./kept", "./sub/kept"]


async def test_the_dockerfile_itself_may_be_ignored(builder: Builder) -> None:
    dockerfile = f"FROM {IMAGE}\nCOPY . /data/\n"
    builder.write("kept", "x")
    builder.write("docker/Own.dockerfile", dockerfile)
    builder.write(".dockerignore", "docker\n.dockerignore\n")
    path = builder.folder / "docker/Own.dockerfile"
    image = await builder.build(dockerfile, dockerfile_path=path, ignores=ignores_of(builder.folder, path))
    assert await builder.run(image, "cd /data && find . -type f") == "./kept\n"


async def test_without_a_context_there_is_only_the_dockerfile(builder: Builder) -> None:
    image = await builder.build(f"FROM {IMAGE}\nCOPY . /data/\n", context=None)
    assert await builder.run(image, "find /data -type f") == ""


async def test_links_modes_and_times_arrive(builder: Builder) -> None:
    builder.write("file", "x")
    (builder.folder / "file").chmod(0o751)
    (builder.folder / "link").symlink_to("file")
    image = await builder.build(f"FROM {IMAGE}\nCOPY . /data/\n")
    printed = await builder.run(image, "cd /data && stat -c '%a %u %g' file && readlink link")
    assert printed == "751 0 0\nfile\n"


async def test_a_failing_step_is_told_with_its_line_and_output(builder: Builder) -> None:
    dockerfile = f"""# a comment
ARG X=1
FROM {IMAGE} AS first
RUN echo fine

FROM {IMAGE}
RUN echo going \\
    && echo wrong >&2 \\
    && exit 7
"""
    with pytest.raises(BuildFailed) as caught:
        await builder.build(dockerfile)
    at = caught.value.at
    assert at.line == 7
    assert at.exit_code == 7
    assert at.instruction.startswith("RUN echo going")
    assert sorted(at.output.splitlines()[-2:]) == ["going", "wrong"]  # two streams, in any order
    assert "Dockerfile line 7" in caught.value.message


async def test_a_base_image_that_is_not_there_is_told_with_its_line(builder: Builder) -> None:
    with pytest.raises(BuildFailed) as caught:
        await builder.build("\n\nFROM 127.0.0.1:1/no/such:image\n")
    assert caught.value.at.line == 3
    assert "127.0.0.1:1" in caught.value.message


async def test_a_file_that_is_not_there_is_told_with_its_line(builder: Builder) -> None:
    with pytest.raises(BuildFailed) as caught:
        await builder.build(f"FROM {IMAGE}\nCOPY missing /data/\n")
    assert caught.value.at.line == 2
    assert "missing" in caught.value.message


async def test_bad_syntax_is_refused_before_anything_is_built(builder: Builder) -> None:
    with pytest.raises(BuildRefused) as caught:
        await builder.build(f'FROM {IMAGE}\nCOPY ["a\n', context=builder.folder / "nothing")
    assert "nothing" in caught.value.message or caught.value.line == 2


async def test_a_big_context_arrives_whole(builder: Builder) -> None:
    (builder.folder / "big").write_bytes(b"x" * (40 << 20))
    image = await builder.build(f"FROM {IMAGE}\nCOPY big /data/\n")
    assert await builder.run(image, "stat -c %s /data/big") == f"{40 << 20}\n"
