"""Names of images."""

from __future__ import annotations

import pytest

from upright.controllers import images


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("web", ("web", "")),
        ("web:1", ("web", "1")),
        ("localhost:5000/web", ("localhost:5000/web", "")),
        ("localhost:5000/team/web:v2", ("localhost:5000/team/web", "v2")),
        ("web@sha256:abc", ("web", "sha256:abc")),
    ],
)
def test_a_reference_is_a_repository_and_perhaps_a_tag(reference: str, parts: tuple[str, str]) -> None:
    assert images.split(reference) == parts


def test_a_built_image_is_tagged_by_what_is_in_it() -> None:
    assert images.built_reference("shop/web:dev", "sha256:0123456789abcdef0123") == "shop/web:tilt-0123456789abcdef"


def test_a_selector_means_the_repository_unless_it_must_match_exactly() -> None:
    assert images.matches("web", "docker.io/library/web:latest")
    assert not images.matches("web", "web2")
    assert not images.matches("web:1", "web:2", exact=True)


def test_base_images_are_replaced_and_nothing_else() -> None:
    dockerfile = """# FROM base in a comment
ARG X=1
FROM --platform=linux/amd64 \\
  base AS build
RUN <<EOF
from base import nothing
EOF
FROM scratch
COPY --from=build /a /a
COPY --from=tools /b /b
RUN --mount=type=bind,from=tools,target=/t true
"""
    changed = images.with_bases(dockerfile, {"base": "base:tilt-1", "tools": "tools:tilt-2"})
    assert changed == (
        dockerfile.replace("\n  base AS", "\n  base:tilt-1 AS")
        .replace("--from=tools", "--from=tools:tilt-2")
        .replace("from=tools,", "from=tools:tilt-2,")
    )


def test_a_stage_named_like_an_image_stays_the_stage() -> None:
    dockerfile = "FROM base AS tools\nFROM scratch\nCOPY --from=tools /a /a\n"
    assert images.with_bases(dockerfile, {"tools": "tools:tilt-1"}) == dockerfile
