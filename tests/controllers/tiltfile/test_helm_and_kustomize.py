from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.controllers.tiltfile.worlds import deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controllers.tiltfile.worlds import World

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"
TEMPLATE = CONFIG.replace("NAME", "{{ .Release.Name }}-{{ .Values.word }}")
SHOW = """
for one in decode_yaml_stream(yaml):
  print(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "-"))
k8s_yaml(yaml)
"""
FAKE_HELM = """#!/bin/sh
echo "$@" > "$0.args"
cat <<END
---
# Source: chart/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
# Source: chart/templates/tests/hook.yaml
apiVersion: v1
kind: Pod
metadata: {name: hook}
---
# Source: chart/templates/role.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: r}
END
"""


def install(world: World, name: str, script: str) -> dict[str, str]:
    """Put a program into a folder of its own, and return an environment that finds it."""
    where = world.write(f"bin/{name}", script)
    where.chmod(0o755)
    return {"PATH": f"{where.parent}:/usr/bin:/bin"}


def only(world: World, *programs: Path) -> dict[str, str]:
    """Return an environment whose PATH has these programs and no other."""
    folder = world.root / "only"
    folder.mkdir()
    for program in programs:
        (folder / program.name).symlink_to(program)
    return {"PATH": str(folder), "HOME": str(world.root)}


def chart(world: World) -> None:
    world.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\ndependencies: []\n")
    world.write("chart/values.yaml", "word: default\n")
    world.write("chart/templates/config.yaml", TEMPLATE)
    world.write("chart/templates/tests/hook.yaml", CONFIG.replace("NAME", "hook"))


def test_a_chart_is_rendered_by_helm_without_its_tests(world: World) -> None:
    chart(world)
    environ = install(world, "helm", FAKE_HELM)
    found = world.good(
        'yaml = helm("chart", name = "n", namespace = "ns", values = "v.yaml", set = ["a=b"], kube_version = "1.30")'
        + SHOW,
        environ=environ,
    )
    assert world.lines() == ["ConfigMap a ns", "ClusterRole r -"]
    assert (world.root / "bin/helm.args").read_text().split() == (
        f"template n {world.root}/chart --include-crds --kube-version 1.30 --namespace ns --values v.yaml --set a=b"
    ).split()
    assert {f"{world.root}/chart", f"{world.root}/v.yaml"} <= set(found.config_files)


def test_local_subcharts_are_watched(world: World) -> None:
    chart(world)
    world.write("chart/requirements.yaml", "dependencies: [{name: a, repository: file://../other}]")
    found = world.good('yaml = helm("chart", skip_crds = True)' + SHOW, environ=install(world, "helm", FAKE_HELM))
    assert f"{world.root}/other" in found.config_files
    assert "--include-crds" not in (world.root / "bin/helm.args").read_text()


def test_what_is_no_chart_is_refused_and_helm_must_be_there(world: World) -> None:
    chart(world)
    assert world.wrong('helm("no")') == f'Could not read Helm chart directory "{world.root}/no": does not exist'
    where = f'"{world.root}/chart/Chart.yaml"'
    assert (
        world.wrong('helm("chart/Chart.yaml")') == f"helm() may only be called on directories with Chart.yaml: {where}"
    )
    assert world.wrong('helm("chart")', environ=only(world)) == (
        "Unable to find Helm installation. Make sure `helm` is on your $PATH."
    )


def test_what_helm_complains_of_is_told(world: World) -> None:
    chart(world)
    message = world.wrong('helm("chart")', environ=install(world, "helm", "#!/bin/sh\necho broken >&2; exit 3"))
    assert "error: exit status 3" in message
    assert "stderr:\nbroken" in message


def test_the_real_helm_renders_a_chart(world: World) -> None:
    real = os.environ.get("UPRIGHT_TEST_HELM") or shutil.which("helm")
    if not real:
        pytest.skip("no helm here: set UPRIGHT_TEST_HELM")
    chart(world)
    environ = {**install(world, "helm", f'#!/bin/sh\nexec {real} "$@"\n'), "HOME": str(world.root)}
    world.good('yaml = helm("chart", namespace = "ns", set = "word=hi")' + SHOW, environ=environ)
    assert world.lines() == ["ConfigMap chart-hi ns"]


def kustomization(world: World) -> None:
    world.write("base/kustomization.yaml", "resources: [web.yaml]\n")
    world.write("base/web.yaml", deployment("web"))
    world.write(
        "over/kustomization.yaml",
        "namePrefix: my-\nresources: [../base]\npatches: [{path: patch.yaml}]\n"
        "configMapGenerator: [{name: c, files: [k=data.txt], options: {disableNameSuffixHash: true}}]\n",
    )
    world.write("over/patch.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\n")
    world.write("over/data.txt", "x")


def test_a_kustomization_is_built_by_kubectl_where_kustomize_is_not(world: World, kubectl: Path) -> None:
    kustomization(world)
    found = world.good('yaml = kustomize("over")' + SHOW, environ=only(world, kubectl))
    assert world.lines() == [
        "Falling back to `kubectl kustomize` since `kustomize` was not found in PATH",
        "ConfigMap my-c -",
        "Deployment my-web -",
    ]
    files = ["over/kustomization.yaml", "base/kustomization.yaml", "base/web.yaml", "over/patch.yaml", "over/data.txt"]
    assert {f"{world.root}/{file}" for file in files} <= set(found.config_files)


def test_flags_and_another_program_are_used(world: World) -> None:
    kustomization(world)
    environ = install(world, "mine", f'#!/bin/sh\necho "$@" > "$0.args"\ncat <<END\n{CONFIG}END\n')
    world.good('yaml = kustomize("over", kustomize_bin = "mine", flags = ["--x"])' + SHOW, environ=environ)
    assert (world.root / "bin/mine.args").read_text() == f"build --x {world.root}/over\n"


def test_the_other_program_may_lie_beside_the_tiltfile_that_asks_for_it(world: World) -> None:
    kustomization(world)
    environ = install(world, "mine", f'#!/bin/sh\necho "$@" > "$0.args"\ncat <<END\n{CONFIG}END\n')
    world.write("bin/Tiltfile", 'yaml = kustomize("../over", kustomize_bin = "./mine")' + SHOW)
    world.good('include("bin/Tiltfile")\n', environ={**environ, "PATH": "/usr/bin:/bin"})
    assert (world.root / "bin/mine.args").read_text() == f"build {world.root}/over\n"


def test_a_program_that_is_missing_is_named(world: World) -> None:
    nothing = only(world)
    assert world.wrong('kustomize(".", kustomize_bin = "mine")', environ=nothing) == (
        "kustomize: kustomize_bin 'mine' was not found in PATH"
    )
    assert world.wrong('kustomize(".")', environ=nothing) == (
        "kustomize: neither `kustomize` nor `kubectl` was found in PATH: install one of them"
    )
