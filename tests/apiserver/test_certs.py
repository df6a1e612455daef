from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from upright.apiserver.certs import RENEW_BEFORE, VALID, certificate

if TYPE_CHECKING:
    from pathlib import Path

    from upright.apiserver.certs import Certificate

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _shake(found: Certificate, name: str) -> None:
    """Carry out a TLS handshake in memory, checked as strictly as OpenSSL can."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(found.chain, found.key)
    client_side = ssl.create_default_context(cafile=found.authority)
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(up, down, server_side=True)
    client = client_side.wrap_bio(down, up, server_hostname=name)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.getpeercert()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "build.example"])
def test_the_certificate_serves_its_names(tmp_path: Path, name: str) -> None:
    _shake(certificate(tmp_path, datetime.now(UTC), ["build.example"]), name)  # noqa: TID251  reason: OpenSSL's own clock


def test_it_does_not_serve_another_name(tmp_path: Path) -> None:
    found = certificate(tmp_path, datetime.now(UTC))  # noqa: TID251  reason: OpenSSL's own clock
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake(found, "evil.example")


def test_it_is_kept_as_long_as_it_serves(tmp_path: Path) -> None:
    first = certificate(tmp_path, NOW).chain.read_bytes()
    assert certificate(tmp_path, NOW + timedelta(days=300)).chain.read_bytes() == first


def test_it_is_renewed_before_its_end_and_for_new_names_and_when_it_is_damaged(tmp_path: Path) -> None:
    def serial() -> int:
        return x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes()).serial_number

    certificate(tmp_path, NOW)
    seen = {serial()}
    certificate(tmp_path, NOW + VALID - RENEW_BEFORE)
    seen.add(serial())
    certificate(tmp_path, NOW + VALID - RENEW_BEFORE, ["other.example"])
    seen.add(serial())
    (tmp_path / "tls.crt").write_text("nonsense")
    certificate(tmp_path, NOW + VALID - RENEW_BEFORE, ["other.example"])
    seen.add(serial())
    assert len(seen) == 4


def test_the_key_is_its_owners(tmp_path: Path) -> None:
    assert certificate(tmp_path, NOW).key.stat().st_mode & 0o777 == 0o600
