from __future__ import annotations

import pytest

from upright.controllers.registry_names import Names, names
from upright.openapi.v1alpha1.cluster import RegistryHosting

HERE = RegistryHosting(host="localhost:5001")
THERE = RegistryHosting(host="localhost:5001", host_from_container_runtime="reg:5000")
SINGLE = RegistryHosting(host="ecr.example", single_name="team/app")


@pytest.mark.parametrize(
    ("reference", "registry", "local", "cluster"),
    [
        ("shop/web:tilt-1", None, "shop/web:tilt-1", "shop/web:tilt-1"),
        ("web:tilt-1", HERE, "localhost:5001/web:tilt-1", "localhost:5001/web:tilt-1"),
        ("shop/web:tilt-1", HERE, "localhost:5001/shop_web:tilt-1", "localhost:5001/shop_web:tilt-1"),
        ("gcr.io:443/a/b:tilt-1", HERE, "localhost:5001/gcr.io_443_a_b:tilt-1", "localhost:5001/gcr.io_443_a_b:tilt-1"),
        ("docker.io/library/web:tilt-1", HERE, "localhost:5001/web:tilt-1", "localhost:5001/web:tilt-1"),
        ("localhost:5001/a/web:tilt-1", THERE, "localhost:5001/a/web:tilt-1", "reg:5000/a/web:tilt-1"),
        ("shop/web:tilt-1", THERE, "localhost:5001/shop_web:tilt-1", "reg:5000/shop_web:tilt-1"),
        ("shop/web:tilt-1", SINGLE, "ecr.example/team/app:web-tilt-1", "ecr.example/team/app:web-tilt-1"),
    ],
)
def test_images_are_named_for_their_registry(
    reference: str, registry: RegistryHosting | None, local: str, cluster: str
) -> None:
    assert names(reference, registry) == Names(local, cluster)
