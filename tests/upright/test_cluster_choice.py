"""Which cluster a run deploys to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upright.cluster_choice import EMBEDDED_CONTEXT, choose

if TYPE_CHECKING:
    from pathlib import Path


def kubeconfig(folder: Path, text: str) -> dict[str, str]:
    file = folder / "config"
    file.write_text(text, encoding="utf-8")
    return {"KUBECONFIG": str(file)}


def test_without_a_kubeconfig_it_is_the_embedded_one(tmp_path: Path) -> None:
    for environ in ({}, {"HOME": str(tmp_path)}, kubeconfig(tmp_path, "contexts: []"), kubeconfig(tmp_path, "{")):
        chosen = choose("auto", "", environ)
        assert (chosen.embedded, chosen.context) == (True, EMBEDDED_CONTEXT)


def test_a_current_context_is_taken_unless_the_embedded_one_is_asked_for(tmp_path: Path) -> None:
    environ = kubeconfig(tmp_path, "current-context: kind-dev")
    assert choose("auto", "shop", environ).context == "kind-dev"
    assert choose("auto", "shop", environ).namespace == "shop"
    assert choose("embedded", "", environ).embedded


def test_the_first_file_that_names_a_context_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("contexts: []", encoding="utf-8")
    second.write_text("current-context: k3d-x", encoding="utf-8")
    assert choose("auto", "", {"KUBECONFIG": f"{first}:{second}"}).context == "k3d-x"


def test_a_context_that_is_named_is_taken_as_it_is() -> None:
    chosen = choose("gke_prod", "", {})
    assert (chosen.context, chosen.embedded) == ("gke_prod", False)
