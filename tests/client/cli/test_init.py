"""The first Tiltfile: what is found in a folder, what is made of it, and that it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from upright.client.cli.__main__ import main
from upright.client.cli.first_tiltfile import matches, tiltfile
from upright.client.cli.project_files import Dockerfile, Found, look

if TYPE_CHECKING:
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}}}\nspec: {{containers: [{{name: a, image: {1}}}]}}\n"


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"web/Dockerfile": "FROM scratch\n", "k8s/web.yaml": POD.format("web", "acme/web:1.2")},
            ["docker_build('acme/web', 'web')", "k8s_yaml(['k8s/web.yaml'])"],
            id="an image is built by the Dockerfile in a folder of its name",
        ),
        pytest.param(
            {"Dockerfile": "FROM scratch\n", "app.yml": POD.format("a", "ghcr.io:443/acme/thing@sha256:abc")},
            ["docker_build('ghcr.io:443/acme/thing', '.')", "k8s_yaml(['app.yml'])"],
            id="one Dockerfile and one image belong together",
        ),
        pytest.param(
            {
                "Dockerfile.api": "FROM scratch\n",
                "worker.Dockerfile": "FROM scratch\n",
                "all.yaml": POD.format("a", "shop-api") + "---\n" + POD.format("b", "x/worker"),
            },
            [
                "docker_build('shop-api', '.', dockerfile='Dockerfile.api')",
                "docker_build('x/worker', '.', dockerfile='worker.Dockerfile')",
                "k8s_yaml(['all.yaml'])",
            ],
            id="a Dockerfile's name may say what it builds",
        ),
        pytest.param(
            {
                "api/Dockerfile": "FROM acme/base AS b\nCOPY --from=b /x /x\nCOPY api/main.py /\n",
                "api/main.py": "",
                "base/Dockerfile": "FROM scratch\n",
                "k8s.yaml": POD.format("a", "acme/api"),
            },
            [
                "docker_build('acme/api', '.', dockerfile='api/Dockerfile')",
                "docker_build('acme/base', 'base')",
                "k8s_yaml(['k8s.yaml'])",
            ],
            id="what is copied from the top is built from the top, and base images are built too",
        ),
        pytest.param(
            {"web/Dockerfile": "FROM scratch\n", "compose.yaml": "services: {web: {build: web}}\n"},
            ["docker_compose('compose.yaml')"],
            id="Compose says itself what it builds",
        ),
        pytest.param(
            {
                "base/kustomization.yaml": "resources: [web.yaml]\n",
                "base/web.yaml": POD.format("w", "nginx"),
                "overlays/prod/kustomization.yaml": "resources: [../../base]\n",
                "overlays/dev/kustomization.yaml": "resources: [../../base]\n",
            },
            ["k8s_yaml(kustomize('overlays/dev'))"],
            id="of overlays the one for development is chosen",
        ),
        pytest.param(
            {
                "chart/Chart.yaml": "name: c\n",
                "chart/values.yaml": "image: {repository: acme/web, tag: 1}\n",
                "chart/templates/web.yaml": "apiVersion: v1\n{{ if x }}\n",
                "web/Dockerfile": "FROM scratch\n",
            },
            ["docker_build('acme/web', 'web')", "k8s_yaml(helm('chart'))"],
            id="a chart's values name its images, its templates are no manifests",
        ),
        pytest.param(
            {"node_modules/x/Dockerfile": "", ".git/a.yaml": POD.format("a", "b"), "k.yaml": POD.format("a", "b")},
            ["k8s_yaml(['k.yaml'])"],
            id="dependencies and hidden folders are left out",
        ),
    ],
)
def test_what_is_found_is_what_is_written(files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    assert lines(tiltfile(look(put(tmp_path, files)))) == expected


def test_a_dockerfile_that_fits_nothing_is_told_in_a_comment(tmp_path: Path) -> None:
    found = look(put(tmp_path, {"tools/Dockerfile": "", "k.yaml": POD.format("a", "nginx")}))
    text = tiltfile(found)
    assert "# tools/Dockerfile: nothing that is deployed has an image of such a name" in text
    assert "# docker_build('IMAGE-tools', 'tools')" in text


def test_two_dockerfiles_never_build_the_same_image() -> None:
    both = (Dockerfile("a/web/Dockerfile", "web", "a/web"), Dockerfile("b/web/Dockerfile", "web", "b/web"))
    assert matches(Found(both, images=("acme/web", "nginx"))) == {"a/web/Dockerfile": "acme/web"}


def test_it_is_written_once_and_is_right(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, {"web/Dockerfile": "FROM scratch\n", "k8s/web.yaml": POD.format("web", "acme/web:1.2")})
    assert main(["init", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert f"Wrote {tmp_path / 'Tiltfile'}: 1 image, 1 YAML file. Next: upright tiltfile check" in err
    assert main(["tiltfile", "check", "-f", str(tmp_path / "Tiltfile"), "--cluster=embedded"]) == 0
    assert "acme/web" in capfd.readouterr().out
    (tmp_path / "Tiltfile").write_text("# mine\n")
    assert main(["init", str(tmp_path)]) == 1
    assert "--force writes over it" in capfd.readouterr().err
    assert (tmp_path / "Tiltfile").read_text() == "# mine\n"
    assert main(["init", str(tmp_path), "--stdout"]) == 0
    assert "docker_build('acme/web', 'web')" in capfd.readouterr().out
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert "docker_build('acme/web', 'web')" in (tmp_path / "Tiltfile").read_text()


def test_an_empty_folder_has_nothing_to_bring_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path)]) == 1
    assert "no Dockerfile, Kubernetes YAML" in capfd.readouterr().err
    assert main(["init", str(tmp_path / "nowhere")]) == 2
    assert not list(tmp_path.iterdir())
