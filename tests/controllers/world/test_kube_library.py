"""What is imported of kubernetes-asyncio."""

from __future__ import annotations

import subprocess
import sys

USED = """
import sys
from upright.controllers.world.kube_library import library
used = library()
assert not [name for name in sys.modules if name.startswith("kubernetes_asyncio")]
assert used is library()
assert "urllib3.connection" not in sys.modules
assert used.configuration(username="a", password="b").get_basic_auth_token() == "Basic YTpi"
assert "urllib3.connection" in sys.modules
import kubernetes_asyncio.client
assert kubernetes_asyncio.client.V1Pod is not None
assert kubernetes_asyncio.client.ApiClient is not used.client
"""
WHOLE = """
import kubernetes_asyncio.client
from upright.controllers.world.kube_library import library
assert library().client is kubernetes_asyncio.client.ApiClient
"""


def test_the_models_are_not_imported_and_others_still_get_the_whole_library() -> None:
    subprocess.run([sys.executable, "-c", USED], check=True)


def test_what_was_imported_before_is_used() -> None:
    subprocess.run([sys.executable, "-c", WHOLE], check=True)
