from __future__ import annotations

import pytest

from upright.controllers.world.engine.dockerfile import (
    BUILDKIT,
    DOCKERD,
    OLD_BUILDKIT,
    PODMAN,
    PODMAN_WITH_HEREDOCS,
    Abilities,
    for_buildkit,
    platform_args,
    refuse_unknown,
)
from upright.controllers.world.engine.errors import BuildRefused

PLAIN = """# escape=\\
ARG BASE=scratch
FROM --platform=linux/amd64 $BASE AS one
COPY --chown=1:1 . /x
ADD --chown=1:1 file /y
RUN echo "a <<b" && \\
    cat 1<2
HEALTHCHECK --interval=1s --start-period=2s CMD ["true"]
FROM scratch
COPY --from=one /x /x
ONBUILD RUN true
"""


@pytest.mark.parametrize("abilities", [DOCKERD, PODMAN, PODMAN_WITH_HEREDOCS])
def test_what_every_engine_can_build_is_not_refused(abilities: Abilities) -> None:
    refuse_unknown(PLAIN, abilities)
    refuse_unknown("# syntax=docker/dockerfile:1.7\nFROM scratch\n", abilities)


@pytest.mark.parametrize(
    ("text", "what", "abilities"),
    [
        ("RUN --mount=type=cache,target=/root/.cache pip install x", "RUN --mount", DOCKERD),
        ("RUN --mount=type=secret,id=x cat /run/secrets/x", "RUN --mount=type=secret", PODMAN),
        ("RUN --mount=type=ssh git clone x", "RUN --mount=type=ssh", PODMAN),
        ("RUN --security=insecure true", "RUN --security", PODMAN),
        ("RUN --network=none true", "RUN --network", DOCKERD),
        ("COPY --link a /b", "COPY --link", PODMAN),
        ("COPY --chmod=755 a /b", "COPY --chmod", DOCKERD),
        ("ADD --checksum=sha256:00 https://x/y /z", "ADD --checksum", PODMAN),
        ("RUN <<EOF\necho 1\nEOF", "a heredoc (RUN <<EOF)", PODMAN),
        ("COPY <<EOF /file\ntext\nEOF", "a heredoc (COPY <<EOF)", DOCKERD),
        ("FROM --platform=$BUILDPLATFORM scratch", "FROM --platform=$BUILDPLATFORM", DOCKERD),
        ("ONBUILD RUN --mount=type=cache,target=/x true", "RUN --mount", DOCKERD),
    ],
)
def test_what_only_buildkit_can_do_is_refused_with_its_line(text: str, what: str, abilities: Abilities) -> None:
    with pytest.raises(BuildRefused) as caught:
        refuse_unknown(f"FROM scratch\n\n# comment\n{text}\n", abilities)
    assert caught.value.line == 4
    assert caught.value.message.startswith(f"Dockerfile line 4 uses {what}, which needs BuildKit")


def test_what_podman_can_do_is_not_refused() -> None:
    refuse_unknown("FROM scratch\nRUN --mount=type=cache,target=/x true\nCOPY --chmod=755 a /b\n", PODMAN)
    refuse_unknown("FROM scratch\nRUN --mount=target=/x true\n", PODMAN)
    refuse_unknown("FROM scratch\nRUN <<EOF\ntrue\nEOF\n", PODMAN_WITH_HEREDOCS)


def test_another_frontend_is_refused() -> None:
    with pytest.raises(BuildRefused, match="line 2 uses the frontend example/other:1"):
        refuse_unknown("# escape=`\n# syntax=example/other:1\nFROM scratch\n", DOCKERD)


def test_bad_syntax_is_refused_with_its_line() -> None:
    with pytest.raises(BuildRefused) as caught:
        refuse_unknown("FROM scratch\nCOPY <<EOF /x\nnever ended\n", DOCKERD)
    assert caught.value.line == 2


def test_only_declared_platform_args_are_given() -> None:
    text = "ARG TARGETARCH\nFROM scratch\nARG TARGETVARIANT\nARG BUILDPLATFORM=x\nARG OTHER\n"
    assert platform_args(text, "linux/arm/v7", "linux/amd64") == {
        "TARGETARCH": "arm",
        "TARGETVARIANT": "v7",
        "BUILDPLATFORM": "linux/amd64",
    }


@pytest.mark.parametrize(
    ("dockerfile", "given"),
    [
        ("FROM scratch\n", "FROM scratch\n"),
        ("# syntax=docker/dockerfile:1\nFROM scratch\n", "#\nFROM scratch\n"),
        (
            "# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\n",
            "# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\n",
        ),
        ("# syntax=docker/dockerfile:1\nFROM scratch\nCOPY --parents a /\n",) * 2,
        ("# syntax=docker/dockerfile:1-labs\nFROM scratch\n",) * 2,
        ("# syntax=example/other:1\nFROM scratch\n",) * 2,
    ],
)
def test_a_frontend_is_fetched_only_where_it_is_needed(dockerfile: str, given: str) -> None:
    assert for_buildkit(dockerfile, BUILDKIT) == given


def test_an_old_buildkit_knows_less_than_a_new_one() -> None:
    heredoc = "FROM scratch\nRUN <<EOF\ntrue\nEOF\n"
    assert for_buildkit(heredoc, BUILDKIT) == heredoc
    with pytest.raises(
        BuildRefused, match=r"line 2 uses a heredoc \(RUN <<EOF\), which needs a newer BuildKit: write `# syntax"
    ):
        for_buildkit(heredoc, OLD_BUILDKIT)
    with_frontend = f"# syntax=docker/dockerfile:1\n{heredoc}"
    assert for_buildkit(with_frontend, OLD_BUILDKIT) == with_frontend
    mounts = "FROM --platform=$BUILDPLATFORM scratch\nRUN --mount=type=secret,id=x true\n"
    assert for_buildkit(mounts, OLD_BUILDKIT) == mounts
