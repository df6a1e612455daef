"""A whole small Tiltfile, from its text to the objects."""

from __future__ import annotations

from pathlib import Path

from tests.controllers.tiltfile.worlds import World, by_name, kubernetes_spec
from upright.controllers.tiltfile.evaluate import evaluate

SHOP = Path(__file__).parent / "data" / "shop"


def test_a_small_shop_becomes_its_resources() -> None:
    world = World(SHOP)
    found = evaluate(
        str(SHOP / "Tiltfile"),
        world.facts,
        log=lambda text, level: world.logged.append((level, text)),
        run_local=world.run_local,
    )
    assert found.error is None
    assert found.warnings == ()
    assert {one.name: one.spec.depends_on for one in found.resources} == {
        "migrate": ("assets",),
        "web": ("migrate",),
        "settings": (),
        "assets": (),
        "smoke": ("web",),
        "uncategorized": (),
    }
    assert {one.name: one.spec.pod_readiness for one in found.resources if one.spec.kubernetes} == {
        "migrate": "succeeded",
        "web": "wait",
        "settings": "ignore",
        "uncategorized": "ignore",
    }
    web = kubernetes_spec(found, "web")
    assert [(image.image_map, image.base) for image in web.images] == [("shop_base", True), ("shop_web", False)]
    assert web.display_names == ("web:service", "web:deployment")
    assert by_name(found)["web"].spec.limits.to_wire() == {"readyTimeout": "30s"}
    assert [(one.name, one.value) for one in found.secrets] == [("database", b"correct horse")]
    assert {Path(path).relative_to(SHOP).as_posix() for path in found.config_files} >= {
        "Tiltfile",
        "lib/labels",
        "kubernetes.yaml",
        "base/Dockerfile",
        "web/Dockerfile",
    }
    assert world.ran == []
