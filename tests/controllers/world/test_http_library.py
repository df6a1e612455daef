"""aiohttp as it is imported here: what it trusts, and when it reads that."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from upright.apiserver.certs import certificate
from upright.apiserver.clock import utc_now

if TYPE_CHECKING:
    from pathlib import Path

LATE = """
import ssl
usual = ssl.create_default_context
from upright.controllers.world import http_library
http_library.import_it()
from aiohttp import connector
context = connector._SSL_CONTEXT_VERIFIED
assert isinstance(context, http_library.LateContext)
assert ssl.create_default_context is usual
assert "set_default_verify_paths" not in vars(ssl.SSLContext)
assert not connector._SSL_CONTEXT_UNVERIFIED.cert_store_stats()["x509"]
assert connector._SSL_CONTEXT_UNVERIFIED.verify_mode is ssl.CERT_NONE
plain = usual()
assert (context.verify_mode, context.check_hostname) == (plain.verify_mode, plain.check_hostname)
assert (context.verify_flags, context.options) == (plain.verify_flags, plain.options)
assert not context.cert_store_stats()["x509"]
context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
assert context.cert_store_stats() == plain.cert_store_stats()
assert context.cert_store_stats()["x509_ca"] == 1
"""
ANOTHERS = """
import aiohttp
from aiohttp import connector
from upright.controllers.world import http_library
http_library.import_it()
assert not isinstance(connector._SSL_CONTEXT_VERIFIED, http_library.LateContext)
"""
A_FILE = """
import ssl, sys
from upright.controllers.world import http_library
with http_library._late_certificates():
    context = ssl.create_default_context(cafile=sys.argv[1])
assert context.cert_store_stats()["x509_ca"] == 1
context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
assert context.cert_store_stats()["x509_ca"] == 1
"""


def test_the_systems_certificates_are_read_with_the_first_connection_that_needs_them(tmp_path: Path) -> None:
    authority = certificate(tmp_path, utc_now()).authority
    environment = {**os.environ, "SSL_CERT_FILE": str(authority), "SSL_CERT_DIR": str(tmp_path / "none")}
    subprocess.run([sys.executable, "-c", LATE], check=True, env=environment)


def test_who_is_to_trust_a_file_trusts_nothing_else(tmp_path: Path) -> None:
    authority = certificate(tmp_path, utc_now()).authority
    subprocess.run([sys.executable, "-c", A_FILE, str(authority)], check=True)


def test_what_was_imported_before_stays() -> None:
    subprocess.run([sys.executable, "-c", ANOTHERS], check=True)
